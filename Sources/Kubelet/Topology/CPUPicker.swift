import Support

/// What makes the static policy for processors stricter than it is (Kubernetes documentation, "Static policy
/// options").
struct CPUOptions: Hashable, Sendable {
    /// `full-pcpus-only`
    var isWholeCores = false
    /// `distribute-cpus-across-numa`
    var isDistributed = false
    /// `strict-cpu-reservation`
    var isReservationStrict = false
    /// `prefer-align-cpus-by-uncorecache`
    var prefersCache = false
}

/// Picks processors for one container: as many as it asks for, as close together as can be, so that what is
/// left for others is whole, too.
///
/// Pure. Whole sockets and nodes of memory go first, then whole cores, then threads; of the parts that are
/// not whole the ones with the least left (Kubernetes documentation, "Control CPU Management Policies on the
/// Node").
struct CPUPicker: Sendable {
    private typealias Part = KeyPath<CPUTopology.Place, Int>

    private let topology: CPUTopology
    private var free: Set<Int>
    private var taken: Set<Int> = []
    private var missing: Int

    private init(_ topology: CPUTopology, _ free: Set<Int>, _ count: Int) {
        self.topology = topology
        self.free = free.intersection(topology.all)
        missing = count
    }

    /// Fails with `full` when fewer are free.
    static func pick(
        _ count: Int, of free: Set<Int>, _ topology: CPUTopology, _ options: CPUOptions
    ) throws(Fault) -> Set<Int> {
        guard count > 0 else { return [] }
        guard count <= free.count else {
            throw Fault(
                .full,
                "not enough cpus available to satisfy request: requested=\(count), available=\(free.count)")
        }
        if options.isDistributed {
            let group = options.isWholeCores ? topology.threads : 1
            if count % group == 0, let picked = distribute(count, of: free, topology, group) { return picked }
        }
        return pack(count, of: free, topology, byCache: options.prefersCache && !options.isDistributed)
    }

    // MARK: Packed

    private static func pack(
        _ count: Int, of free: Set<Int>, _ topology: CPUTopology, byCache: Bool = false
    ) -> Set<Int> {
        var picker = CPUPicker(topology, free, count)
        picker.takeWhole(picker.outer)
        picker.takeWhole(picker.inner)
        if byCache { picker.takeCaches() }
        picker.takeWhole(\.core)
        for processor in picker.sortedThreads where picker.missing > 0 { picker.take([processor]) }
        return picker.taken
    }

    /// Nodes of memory hold sockets, or sockets hold nodes.
    private var outer: Part { topology.ids(\.socket).count >= topology.ids(\.node).count ? \.node : \.socket }
    private var inner: Part { outer == \.node ? \.socket : \.node }

    private mutating func take(_ processors: Set<Int>) {
        taken.formUnion(processors)
        free.subtract(processors)
        missing -= processors.count
    }

    private func free(_ part: Part, _ id: Int) -> Set<Int> {
        free.filter { topology.places[$0]?[keyPath: part] == id }
    }

    private mutating func takeWhole(_ part: Part) {
        for id in sorted(part) {
            let all = topology.processors(part, id)
            if missing >= all.count, free(part, id) == all { take(all) }
        }
    }

    /// The parts of a kind in which something is free, those with the least first, one part that holds them
    /// after the other.
    private func sorted(_ part: Part) -> [Int] {
        if part == outer { return sorted(part, among: free) }
        if part == inner { return sorted(outer).flatMap { sorted(part, among: free(outer, $0)) } }
        var seen = Set<Int>()
        return sorted(inner).flatMap { sorted(part, among: free(inner, $0)) }.filter {
            seen.insert($0).inserted
        }
    }

    private func sorted(_ part: Part, among processors: Set<Int>) -> [Int] {
        let ids = Set(processors.compactMap { topology.places[$0]?[keyPath: part] })
        let counts = Dictionary(uniqueKeysWithValues: ids.map { ($0, free(part, $0).count) })
        return ids.sorted { (counts[$0] ?? 0, $0) < (counts[$1] ?? 0, $1) }
    }

    private var sortedThreads: [Int] { sorted(\.core).flatMap { free(\.core, $0).sorted() } }

    /// Whole caches, and of the next one a part, if that is enough.
    private mutating func takeCaches() {
        for id in sorted(\.cache) where missing > 0 {
            takeWhole(\.cache)
            guard missing > 0 else { return }
            let threads = topology.threads
            let cores = sorted(\.core, among: free(\.cache, id)).sorted().prefix(
                (missing + threads - 1) / threads)
            let found = cores.flatMap { free(\.core, $0) }.sorted().prefix(missing)
            if found.count == missing { take(Set(found)) }
        }
    }

    // MARK: Distributed

    /// Evenly over as few nodes of memory as can hold them, in groups that stay together (KEP 2902). `nil`
    /// when no nodes can.
    private static func distribute(
        _ count: Int, of free: Set<Int>, _ topology: CPUTopology, _ group: Int
    ) -> Set<Int>? {
        let picker = CPUPicker(topology, free, count)
        let nodes = picker.sorted(\.node)
        guard !nodes.isEmpty else { return nil }
        let left = Dictionary(uniqueKeysWithValues: nodes.map { ($0, picker.free(\.node, $0).count) })
        func rounded(_ number: Int, by divisor: Int) -> Int { (number + divisor - 1) / divisor }
        let groups = rounded(count, by: group)
        let perNode = rounded(rounded(topology.all.count, by: group), by: max(topology.nodes.count, 1))
        let (fewest, most) = (rounded(groups, by: perNode), min(groups, nodes.count))
        guard fewest <= most else { return nil }
        for size in fewest...most {
            var best: Distribution?
            for nodes in combinations(of: nodes, size) {
                guard best?.imbalance != 0 else { break }
                guard let found = Distribution(count, group, over: nodes, of: left) else { continue }
                if found.imbalance < best?.imbalance ?? .infinity { best = found }
            }
            guard let best else { continue }
            var picked = Set<Int>()
            for (node, share) in best.shares.sorted(by: { $0.key < $1.key }) {
                picked.formUnion(pack(share, of: picker.free(\.node, node), topology))
            }
            return picked
        }
        return nil
    }

    /// The subsets of a size, in the order of their members.
    fileprivate static func combinations(of items: [Int], _ size: Int) -> [[Int]] {
        guard size > 0 else { return [[]] }
        return items.indices.flatMap { index in
            combinations(of: Array(items[(index + 1)...]), size - 1).map { [items[index]] + $0 }
        }
    }
}

/// Shares of a number of processors over some nodes of memory, as even as can be.
private struct Distribution {
    private(set) var shares: [Int: Int] = [:]
    /// How differently much is left at the nodes.
    private(set) var imbalance = Double.infinity

    /// `left` tells what is free at each node of the machine. `nil` when these nodes cannot.
    init?(_ count: Int, _ group: Int, over nodes: [Int], of left: [Int: Int]) {
        let even = count / nodes.count / group * group
        guard nodes.reduce(0, { $0 + (left[$1] ?? 0) / group * group }) >= count,
            nodes.allSatisfy({ left[$0] ?? 0 >= even })
        else { return nil }
        var rest = left
        for node in nodes {
            shares[node] = even
            rest[node]? -= even
        }
        let remainder = count - even * nodes.count
        guard remainder > 0 else {
            imbalance = Self.deviation(rest)
            return
        }
        let able = nodes.filter { rest[$0] ?? 0 >= group }
        var best: [Int: Int]?
        // Over as many as can be, first.
        for size in stride(from: able.count, through: 1, by: -1) {
            for subset in CPUPicker.combinations(of: able, size) {
                guard subset.reduce(0, { $0 + (rest[$1] ?? 0) / group * group }) >= remainder else {
                    continue
                }
                var (more, after, missing) = ([Int: Int](), rest, remainder)
                while missing > 0 {
                    for node in subset where missing > 0 && after[node] ?? 0 >= group {
                        more[node, default: 0] += group
                        after[node]? -= group
                        missing -= group
                    }
                }
                let deviation = Self.deviation(after)
                if deviation < imbalance { (imbalance, best) = (deviation, more) }
            }
        }
        guard let best else { return nil }
        shares.merge(best) { $0 + $1 }
    }

    /// In thousandths, so that rounding decides nothing.
    private static func deviation(_ left: [Int: Int]) -> Double {
        let values = left.values.map { Double($0) }
        let mean = (values.reduce(0, +) / Double(values.count) * 1000).rounded() / 1000
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
        return (variance.squareRoot() * 1000).rounded() / 1000
    }
}
