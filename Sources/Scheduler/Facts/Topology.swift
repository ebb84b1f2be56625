import APIMachinery

/// The nodes by the values of their labels: in each column a small number per node, equal where the label is.
///
/// What affinity and spread count is counted per such number, in plain arrays. Columns are made when a rule first names
/// their label, and follow the nodes from then on.
final class Topology {
    struct Column {
        /// By the node's slot; ``Topology/none`` where it lacks the label.
        var domains: [Int32]
        /// All numbers are below this.
        var count: Int

        /// The domain of a node; `nil` when it has none.
        func domain(of node: NodeFacts) -> Int? {
            let domain = node.slot < domains.count ? domains[node.slot] : Topology.none
            return domain == Topology.none ? nil : Int(domain)
        }
    }

    static let none: Int32 = -1
    /// Labels are users' words: so many columns are kept, then all are made anew as they are asked for.
    private static let limit = 256

    private var columns: [String: Column] = [:]
    private var numbers: [String: [String: Int32]] = [:]
    /// What each node's label was when it was last seen.
    private var nodes: [NodeFacts?] = []

    /// Takes a node's present version in; `nil` when the slot is empty from now on.
    func set(_ slot: Int, _ node: NodeFacts?) {
        while nodes.count <= slot { nodes.append(nil) }
        nodes[slot] = node
        for key in Array(columns.keys) {
            // Numbers of values that are no more would pile up.
            if let used = numbers[key]?.count, used > 2 * nodes.count + 64 {
                (columns[key], numbers[key]) = (nil, nil)
            } else {
                write(node, slot, key)
            }
        }
    }

    func column(_ key: String) -> Column {
        if let column = columns[key] { return column }
        if columns.count >= Self.limit { (columns, numbers) = ([:], [:]) }
        columns[key] = Column(domains: [Int32](repeating: Self.none, count: nodes.count), count: 0)
        numbers[key] = [:]
        for (slot, node) in nodes.enumerated() where node != nil { write(node, slot, key) }
        return columns[key] ?? Column(domains: [], count: 0)
    }

    private func write(_ node: NodeFacts?, _ slot: Int, _ key: String) {
        let number = node?.labels[key]?.string.map { self.number(of: $0, key) } ?? Self.none
        while columns[key, default: Column(domains: [], count: 0)].domains.count < nodes.count {
            columns[key]?.domains.append(Self.none)
        }
        columns[key]?.domains[slot] = number
        columns[key]?.count = numbers[key]?.count ?? 0
    }

    private func number(of value: String, _ key: String) -> Int32 {
        if let number = numbers[key]?[value] { return number }
        let number = Int32(clamping: numbers[key]?.count ?? 0)
        numbers[key]?[value] = number
        return number
    }
}
