/// A set of a machine's nodes of memory, by their numbers.
struct NUMAMask: Hashable, Sendable, CustomStringConvertible {
    private(set) var bits: UInt64

    init(bits: UInt64) { self.bits = bits }

    /// Numbers that no machine has (below 0, above 63) are left out.
    init(_ nodes: some Sequence<Int>) {
        bits = 0
        for node in nodes where (0..<64).contains(node) { bits |= 1 << UInt64(node) }
    }

    var nodes: [Int] { (0..<64).filter { bits & (1 << UInt64($0)) != 0 } }
    var count: Int { bits.nonzeroBitCount }
    var isEmpty: Bool { bits == 0 }

    func contains(_ node: Int) -> Bool { (0..<64).contains(node) && bits & (1 << UInt64(node)) != 0 }
    func containsAny(of nodes: some Sequence<Int>) -> Bool { nodes.contains { contains($0) } }
    func intersection(_ other: NUMAMask) -> NUMAMask { NUMAMask(bits: bits & other.bits) }

    /// Fewer nodes, or as many with lower numbers.
    func isNarrower(than other: NUMAMask) -> Bool {
        count == other.count ? bits < other.bits : count < other.count
    }

    /// As Kubernetes writes it: the bits, the lowest last, two at least.
    var description: String {
        let text = String(bits, radix: 2)
        return text.count < 2 ? "0" + text : text
    }

    /// Every combination of some of the nodes, those of fewer first; within one size in the order of the
    /// nodes.
    static func combinations(of nodes: [Int]) -> [NUMAMask] {
        var masks: [NUMAMask] = []
        func add(_ chosen: [Int], from start: Int, _ missing: Int) {
            guard missing > 0 else { return masks.append(NUMAMask(chosen)) }
            for index in nodes.indices.dropFirst(start) {
                add(chosen + [nodes[index]], from: index + 1, missing - 1)
            }
        }
        for size in 1...max(nodes.count, 1) where size <= nodes.count { add([], from: 0, size) }
        return masks
    }
}
