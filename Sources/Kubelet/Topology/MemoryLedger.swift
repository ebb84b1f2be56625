import Support

/// At which nodes of memory the memory of a container lies: the static policy (KEP 1769).
///
/// Pure. A node serves either containers whose memory lies at it alone, or those of one group of nodes.
struct MemoryLedger: Hashable, Sendable {
    /// What of one kind of memory lies at a node, in bytes.
    struct Table: Hashable, Sendable {
        var total: Int64
        /// For the system.
        var systemReserved: Int64
        var allocatable: Int64
        /// Given to containers.
        var reserved: Int64 = 0
        var free: Int64

        init(total: Int64, systemReserved: Int64, allocatable: Int64, reserved: Int64 = 0, free: Int64? = nil)
        {
            self.total = total
            self.systemReserved = systemReserved
            self.allocatable = allocatable
            self.reserved = reserved
            self.free = free ?? allocatable
        }
    }

    struct Node: Hashable, Sendable {
        var assignments = 0
        /// By the resource: `memory`, `hugepages-2Mi`.
        var memory: [String: Table]
        /// The nodes of its group, itself among them.
        var group: [Int]
    }

    /// Memory of one kind that a container has at some nodes together.
    struct Block: Hashable, Sendable {
        var nodes: [Int]
        var type: String
        var size: Int64
    }

    private(set) var nodes: [Int: Node]
    /// By pod and container.
    private(set) var assignments: [String: [String: [Block]]] = [:]

    /// A machine of which no container has anything; `reserved` is the system's, by node and resource. Fails
    /// with `invalid` when the system has none, or more than there is.
    init(_ machine: [Int: MachineTopology.MemoryNode], reserved: [Int: [String: Int64]]) throws(Fault) {
        guard reserved.values.contains(where: { $0["memory"] ?? 0 > 0 }) else {
            throw Fault(
                .invalid, "[memorymanager] you should specify the system reserved memory",
                remedy: "give --kubelet-arg=reserved-memory=0:memory=…")
        }
        nodes = [:]
        for (number, node) in machine {
            var tables: [String: Table] = [:]
            for (name, bytes) in node.hugePages {
                let kept = reserved[number]?[name] ?? 0
                tables[name] = Table(total: bytes, systemReserved: kept, allocatable: max(bytes - kept, 0))
            }
            let kept = reserved[number]?["memory"] ?? 0
            let left = node.memory - kept - node.hugePages.values.reduce(0, +)
            tables["memory"] = Table(total: node.memory, systemReserved: kept, allocatable: max(left, 0))
            nodes[number] = Node(memory: tables, group: [number])
        }
        for (number, amounts) in reserved {
            for (name, amount) in amounts where amount > nodes[number]?.memory[name]?.total ?? -1 {
                throw Fault(
                    .invalid,
                    "--kubelet-arg reserved-memory: node \(number) of this machine has no \(amount) bytes of \(name)"
                )
            }
        }
    }

    func blocks(of pod: String, _ container: String) -> [Block]? { assignments[pod]?[container] }

    /// The nodes at which the memory of a container lies; empty where that is not bound.
    func affinity(of pod: String, _ container: String) -> [Int] {
        Set(blocks(of: pod, container)?.flatMap(\.nodes) ?? []).sorted()
    }

    // MARK: Hints

    /// Where amounts of memory can lie; `reusable` is what containers of the pod that end before have, by the
    /// nodes. `nil` when nothing is asked for.
    func hints(
        _ wanted: [String: Int64], present: [Block]? = nil,
        reusing reusable: [NUMAMask: [String: Int64]] = [:]
    ) -> [TopologyHint]? {
        guard !wanted.isEmpty else { return nil }
        if let present {
            let same = present.count == wanted.count && present.allSatisfy { wanted[$0.type] == $0.size }
            guard same, let first = present.first else { return nil }
            return [TopologyHint(affinity: NUMAMask(first.nodes), isPreferred: true)]
        }
        let found = places(wanted, reusing: reusable)
        return found.isEmpty ? TopologyHint.impossible : found
    }

    private func sum(_ mask: NUMAMask, _ name: String, _ amount: KeyPath<Table, Int64>) -> Int64 {
        mask.nodes.reduce(0) { $0 + (nodes[$1]?.memory[name]?[keyPath: amount] ?? 0) }
    }

    private func places(
        _ wanted: [String: Int64], reusing reusable: [NUMAMask: [String: Int64]]
    ) -> [TopologyHint] {
        var fewest = nodes.count
        var masks: [NUMAMask] = []
        for mask in NUMAMask.combinations(of: nodes.keys.sorted()) {
            guard wanted.allSatisfy({ sum(mask, $0.key, \.allocatable) >= $0.value }) else { continue }
            fewest = min(fewest, mask.count)
            guard suits(mask) else { continue }
            let isEnough = wanted.allSatisfy { name, size in
                sum(mask, name, \.free) + (reusable[mask]?[name] ?? 0) >= size
            }
            if isEnough { masks.append(mask) }
        }
        return masks.map { TopologyHint(affinity: $0, isPreferred: $0.count == fewest) }
    }

    /// Whether memory may lie at these nodes together, as others do already.
    private func suits(_ mask: NUMAMask) -> Bool {
        let wanted = mask.nodes
        return wanted.allSatisfy { number in
            guard let node = nodes[number] else { return false }
            if wanted.count == 1 { return node.group.count == 1 }
            return node.assignments == 0 || node.group == wanted
        }
    }

    private static func best(_ hints: [TopologyHint]) -> TopologyHint? {
        var best: TopologyHint?
        for hint in hints {
            guard let present = best, let old = present.affinity, let new = hint.affinity else {
                best = hint
                continue
            }
            let isBetter =
                hint.isPreferred == present.isPreferred ? new.isNarrower(than: old) : hint.isPreferred
            if isBetter { best = hint }
        }
        return best
    }

    // MARK: Giving

    /// Gives a container its memory where the hint says, or at more nodes when those do not hold enough.
    /// `initial` are the init containers that have ended before it begins.
    mutating func allocate(
        _ pod: String, _ container: String, _ wanted: [String: Int64], _ hint: TopologyHint,
        reusing reusable: [NUMAMask: [String: Int64]] = [:], after initial: [String] = []
    ) throws(Fault) {
        guard assignments[pod]?[container] == nil, !wanted.isEmpty else { return }
        var chosen = hint
        if chosen.affinity == nil {
            guard let found = Self.best(places(wanted, reusing: reusable)) else {
                throw Fault(
                    .full,
                    "[memorymanager] failed to get the default NUMA affinity, no NUMA nodes with enough memory is "
                        + "available")
            }
            guard found.isPreferred || !chosen.isPreferred else {
                throw Fault(.full, "[memorymanager] failed to find the default preferred hint")
            }
            chosen = found
        }
        var mask = chosen.affinity ?? NUMAMask(bits: 0)
        if !wanted.allSatisfy({ sum(mask, $0.key, \.free) >= $0.value }) {
            let wider = places(wanted, reusing: reusable).filter { $0.affinity?.intersection(mask) == mask }
            guard let found = Self.best(wider), let affinity = found.affinity else {
                throw Fault(
                    .full, "[memorymanager] failed to find NUMA nodes to extend the current topology hint")
            }
            guard found.isPreferred || !chosen.isPreferred else {
                throw Fault(.full, "[memorymanager] failed to find the extended preferred hint")
            }
            mask = affinity
        }
        guard mask.count == 1 || suits(mask) else {
            throw Fault(.full, "[memorymanager] preferred hint violates NUMA node allocation")
        }
        var blocks: [Block] = []
        for (name, size) in wanted.sorted(by: { $0.key < $1.key }) {
            take(max(size - (reusable[mask]?[name] ?? 0), 0), name, mask.nodes)
            blocks.append(Block(nodes: mask.nodes, type: name, size: size))
        }
        assignments[pod, default: [:]][container] = blocks
        for name in initial { shrink(pod, name, by: &blocks) }
    }

    private mutating func take(_ size: Int64, _ name: String, _ group: [Int]) {
        var missing = size
        for number in group {
            nodes[number]?.assignments += 1
            nodes[number]?.group = group
            guard missing > 0, let free = nodes[number]?.memory[name]?.free, free > 0 else { continue }
            let part = min(free, missing)
            nodes[number]?.memory[name]?.free -= part
            nodes[number]?.memory[name]?.reserved += part
            missing -= part
        }
    }

    /// What an init container has is had by the container after it, so that the sum over the pod is what is
    /// taken.
    private mutating func shrink(_ pod: String, _ initial: String, by blocks: inout [Block]) {
        guard var own = assignments[pod]?[initial] else { return }
        for index in own.indices {
            for other in blocks.indices
            where blocks[other].type == own[index].type && blocks[other].nodes == own[index].nodes {
                let part = min(own[index].size, blocks[other].size)
                own[index].size -= part
                blocks[other].size -= part
            }
        }
        assignments[pod]?[initial] = own
    }

    /// The pod needs none any more. False when it had none.
    mutating func release(_ pod: String) -> Bool {
        guard let containers = assignments.removeValue(forKey: pod) else { return false }
        for block in containers.values.joined() {
            var rest = block.size
            for number in block.nodes {
                nodes[number]?.assignments -= 1
                if nodes[number]?.assignments == 0 { nodes[number]?.group = [number] }
                guard rest > 0, let reserved = nodes[number]?.memory[block.type]?.reserved, reserved > 0
                else { continue }
                let part = min(reserved, rest)
                nodes[number]?.memory[block.type]?.reserved -= part
                nodes[number]?.memory[block.type]?.free += part
                rest -= part
            }
        }
        return true
    }

    // MARK: After a restart

    /// Takes what an earlier kubelet left. Fails with `conflict` when the machine or the reservation is
    /// another one.
    mutating func restore(_ state: MemoryCheckpoint) throws(Fault) {
        func unusable(_ why: String) -> Fault {
            Fault(
                .conflict, "the state of the memory cannot be taken over: \(why)",
                remedy: "drain the node and remove the file \(MemoryCheckpoint.file) in the kubelet's folder")
        }
        guard !state.nodes.isEmpty else {
            guard state.assignments.isEmpty else {
                throw unusable(
                    "[memorymanager] machine state can not be empty when it has memory assignments")
            }
            return
        }
        var fresh = self
        for (pod, containers) in state.assignments.sorted(by: { $0.key < $1.key }) {
            for (container, blocks) in containers.sorted(by: { $0.key < $1.key }) {
                for block in blocks {
                    guard block.nodes.allSatisfy({ fresh.nodes[$0]?.memory[block.type] != nil }) else {
                        throw unusable(
                            "[memorymanager] (pod: \(pod), container: \(container)) the memory assignment uses the NUMA "
                                + "that does not exist")
                    }
                    fresh.take(block.size, block.type, block.nodes)
                }
            }
        }
        guard Self.areEqual(fresh.nodes, state.nodes) else {
            throw unusable("[memorymanager] the expected machine state is different from the real one")
        }
        (nodes, assignments) = (state.nodes, state.assignments)
    }

    /// Within a group the memory may lie at any of its nodes.
    private static func areEqual(_ one: [Int: Node], _ other: [Int: Node]) -> Bool {
        guard Set(one.keys) == Set(other.keys) else { return false }
        return one.allSatisfy { number, node in
            guard let twin = other[number], node.assignments == twin.assignments,
                node.group == twin.group.sorted(),
                Set(node.memory.keys) == Set(twin.memory.keys)
            else { return false }
            return node.memory.allSatisfy { name, table in
                guard let same = twin.memory[name], table.total == same.total,
                    table.systemReserved == same.systemReserved, table.allocatable == same.allocatable
                else { return false }
                return node.group.reduce(0) { $0 + (one[$1]?.memory[name]?.free ?? 0) }
                    == node.group.reduce(0) { $0 + (other[$1]?.memory[name]?.free ?? 0) }
            }
        }
    }
}
