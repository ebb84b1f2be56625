/// Which nodes there are, when each was last heard of, and how many are ready.
struct NodeCensus: Sendable {
    private struct Entry {
        var heardAt: Duration
        var isReady: Bool
    }

    private var entries: [String: Entry] = [:]

    var names: Set<String> { Set(entries.keys) }

    /// A node's present state, heard of at this moment if it told something new of itself.
    mutating func set(_ name: String, isReady: Bool, isHeard: Bool, at moment: Duration) {
        let heardAt = isHeard ? moment : entries[name]?.heardAt ?? moment
        entries[name] = Entry(heardAt: heardAt, isReady: isReady)
    }

    /// The node renewed its lease.
    mutating func hear(_ name: String, at moment: Duration) { entries[name]?.heardAt = moment }

    mutating func remove(_ name: String) { entries[name] = nil }

    func heardAt(_ name: String) -> Duration? { entries[name]?.heardAt }

    /// As Kubernetes treats a zone of at most fifty nodes: from 55 % of nodes that are not ready, and at
    /// least three, on no more pods are evicted.
    var eviction: NodeTaints.Eviction {
        let lost = entries.values.count { !$0.isReady }
        if lost == entries.count { return .none }
        return lost > 2 && lost * 100 >= entries.count * 55 ? .held : .normal
    }
}
