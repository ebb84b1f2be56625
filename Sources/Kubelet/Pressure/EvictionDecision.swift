import Support

/// Decides under which pressure a node is, and what it must make room of first (Kubernetes documentation,
/// "Node-pressure Eviction").
///
/// Pure; it is fed what there is from time to time.
struct EvictionDecision: Sendable {
    struct Outcome: Hashable, Sendable {
        /// The conditions of the node.
        var pressures: Set<NodePressure> = []
        /// The threshold for which something must be done now; `nil` for none.
        var urgent: EvictionThreshold?
    }

    private let thresholds: [EvictionThreshold]
    private let transition: Duration
    /// Since when each threshold is met.
    private var met: [EvictionThreshold: Timestamp] = [:]
    private var lastSeen: [NodePressure: Timestamp] = [:]

    /// `transition` is how long pressure is told after it was last seen.
    init(_ thresholds: [EvictionThreshold], transition: Duration = .seconds(300)) {
        self.transition = transition
        // Memory first: it is lost fastest. Those that count at once go before the others.
        thresholds.forEach { precondition($0.gracePeriod.map { $0 >= .zero } ?? true, "time goes on") }
        self.thresholds = thresholds.enumerated().sorted { a, b in
            let ranks = [a, b].map { ($0.element.signal.pressure == .memory ? 0 : 1, $0.element.gracePeriod == nil ? 0 : 1) }
            return ranks[0] == ranks[1] ? a.offset < b.offset : ranks[0] < ranks[1]
        }.map(\.element)
    }

    mutating func look(_ amounts: [EvictionSignal: EvictionAmount], now: Timestamp) -> Outcome {
        var urgent: EvictionThreshold?
        for threshold in thresholds {
            guard let amount = amounts[threshold.signal],
                threshold.isMet(by: amount, hasBegun: met[threshold] != nil)
            else {
                met[threshold] = nil
                continue
            }
            let since = met[threshold] ?? now
            met[threshold] = since
            lastSeen[threshold.signal.pressure] = now
            if urgent == nil, now - since >= threshold.gracePeriod ?? .zero { urgent = threshold }
        }
        let pressures = lastSeen.filter { now - $0.value < transition }.map(\.key)
        return Outcome(pressures: Set(pressures), urgent: urgent)
    }
}
