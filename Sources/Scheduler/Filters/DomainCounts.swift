/// Pods counted by the value of a node label: by domain of a ``Topology/Column``.
struct DomainCounts {
    let column: Topology.Column
    private(set) var counts: [Int32]

    init(_ column: Topology.Column) {
        self.column = column
        counts = [Int32](repeating: 0, count: column.count)
    }

    /// Sums what is counted per node, by slot.
    init(_ column: Topology.Column, _ perNode: [Int32]) {
        self.init(column)
        for slot in 0..<min(perNode.count, column.domains.count) where perNode[slot] != 0 {
            let domain = column.domains[slot]
            if domain != Topology.none { counts[Int(domain)] += perNode[slot] }
        }
    }

    /// Whether nothing was counted anywhere.
    var isEmpty: Bool { counts.allSatisfy { $0 <= 0 } }

    mutating func add(_ amount: Int32, at slot: Int) {
        guard slot < column.domains.count, column.domains[slot] != Topology.none else { return }
        counts[Int(column.domains[slot])] += amount
    }

    /// The count where the node stands; `nil` when it lacks the label.
    func count(at node: NodeFacts) -> Int32? { column.domain(of: node).map { counts[$0] } }
}
