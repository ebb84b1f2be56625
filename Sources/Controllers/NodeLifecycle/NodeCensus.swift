/// Which nodes there are, when each was last heard of, and how many of each zone are ready: by that it is decided how
/// fast pods may be chased from nodes that are not (Kubernetes documentation, "Nodes", "Rate limits on eviction").
struct NodeCensus: Sendable {
    private struct Entry {
        var heardAt: Duration
        var isReady: Bool
        var zone: String
    }

    private struct Zone {
        var readyCount = 0
        var lostCount = 0
        /// Not before then may the next node be given up.
        var nextPermit = Duration.zero

        var count: Int { readyCount + lostCount }
    }

    /// How a zone fares.
    enum ZoneState: Hashable, Sendable {
        case normal
        /// Most of its nodes are not ready: rather a fault of the network than of so many machines.
        case partlyLost
        case lost
    }

    /// Whether pods may be chased from one more node of a zone.
    enum Permit: Hashable, Sendable {
        case granted
        /// Ask again then.
        case later(Duration)
        /// Not while things are as they are.
        case refused
    }

    private let options: NodeLifecycleOptions
    private var entries: [String: Entry] = [:]
    private var zones: [String: Zone] = [:]

    init(_ options: NodeLifecycleOptions = NodeLifecycleOptions()) { self.options = options }

    var names: Set<String> { Set(entries.keys) }

    /// A node's present state, heard of at this moment if it told something new of itself.
    mutating func set(_ name: String, in zone: String = "", isReady: Bool, isHeard: Bool, at moment: Duration) {
        let heardAt = isHeard ? moment : entries[name]?.heardAt ?? moment
        count(entries[name], by: -1)
        let entry = Entry(heardAt: heardAt, isReady: isReady, zone: zone)
        entries[name] = entry
        count(entry, by: 1)
    }

    /// The node renewed its lease.
    mutating func hear(_ name: String, at moment: Duration) { entries[name]?.heardAt = moment }

    mutating func remove(_ name: String) { count(entries.removeValue(forKey: name), by: -1) }

    func heardAt(_ name: String) -> Duration? { entries[name]?.heardAt }

    /// The states of all zones; what depends on them is to be looked at anew when they change.
    var states: [String: ZoneState] { zones.mapValues(state) }

    /// Whether there is no better place for any pod: every zone is lost.
    var isAllLost: Bool { zones.values.allSatisfy { state($0) == .lost } }

    /// Asks to give up one more node; a permit that is granted is used up.
    mutating func permit(_ name: String, at moment: Duration) -> Permit {
        guard let entry = entries[name], let zone = zones[entry.zone], !isAllLost else { return .refused }
        let rate: Double
        switch state(zone) {
        case .normal, .lost: rate = options.evictionRate
        case .partlyLost where zone.count > options.largeCount: rate = options.secondaryEvictionRate
        case .partlyLost: return .refused
        }
        guard let interval = NodeLifecycleOptions.interval(rate) else { return .refused }
        guard zone.nextPermit <= moment else { return .later(zone.nextPermit - moment) }
        zones[entry.zone]?.nextPermit = moment + interval
        return .granted
    }

    private func state(_ zone: Zone) -> ZoneState {
        if zone.readyCount == 0, zone.lostCount > 0 { return .lost }
        return zone.lostCount > 2 && Float(zone.lostCount) / Float(zone.count) >= options.unhealthyShare
            ? .partlyLost : .normal
    }

    private mutating func count(_ entry: Entry?, by difference: Int) {
        guard let entry else { return }
        var zone = zones[entry.zone] ?? Zone()
        if entry.isReady { zone.readyCount += difference } else { zone.lostCount += difference }
        zones[entry.zone] = zone.count == 0 ? nil : zone
    }
}
