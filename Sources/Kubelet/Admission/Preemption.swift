import Support

/// Which pods go so that a critical one has room: of best effort first, then burstable, then guaranteed, as few of each
/// as will do, and of those the ones that fit best (Kubernetes documentation, "Guaranteed Scheduling For Critical Add-On
/// Pods").
struct Preemption: Sendable {
    struct Failure: Error, Hashable, Sendable {
        var message: String
    }

    private typealias Candidate = (uid: String, claim: PodClaim)
    /// What is missing, by resource; in the order in which it was found.
    private typealias Needs = [(resource: String, amount: Int64)]

    private let candidates: [Candidate]
    private let needs: Needs

    /// `lacks` are what the pod of this claim cannot have while the pods `running` have their parts.
    init(_ claim: PodClaim, _ lacks: [ResourceLack], of running: [String: PodClaim]) {
        needs = lacks.map { ($0.resource, $0.missing) }
        candidates = running.filter { claim.preempts($0.value) }.map { ($0.key, $0.value) }.sorted { $0.uid < $1.uid }
    }

    /// The pods that go, beyond those that go already; fails when all of them are not enough.
    func victims(besides freed: [PodClaim]) throws(Failure) -> [String] {
        let rest = Self.subtract(freed, from: needs)
        let classes: [QualityOfService: [Candidate]] = Dictionary(grouping: candidates) { $0.claim.quality }
        let (bestEffort, burstable, guaranteed) = (
            classes[.bestEffort] ?? [], classes[.burstable] ?? [], classes[.guaranteed] ?? []
        )
        func lessened(_ pods: [Candidate]...) -> Needs { Self.subtract(pods.joined().map(\.claim), from: rest) }
        try Self.check(lessened(bestEffort, burstable, guaranteed))
        let third = try Self.choose(guaranteed, lessened(bestEffort, burstable))
        let second = try Self.choose(burstable, lessened(bestEffort, third))
        let first = try Self.choose(bestEffort, lessened(second, third))
        return (first + second + third).map(\.uid)
    }

    private static func choose(_ pods: [Candidate], _ needs: Needs) throws(Failure) -> [Candidate] {
        var (pods, needs, chosen) = (pods, needs, [Candidate]())
        while !needs.isEmpty {
            let best = pods.indices.min { one, other in
                let distances = [one, other].map { distance(pods[$0].claim, needs) }
                if distances[0] != distances[1] { return distances[0] < distances[1] }
                return pods[one].claim.isSmaller(than: pods[other].claim)
            }
            guard let best else { throw failure(needs) }
            chosen.append(pods.remove(at: best))
            needs = subtract([chosen[chosen.count - 1].claim], from: needs)
        }
        return chosen
    }

    /// How much of what is missing a pod would leave missing, as squares of the parts.
    private static func distance(_ claim: PodClaim, _ needs: Needs) -> Double {
        needs.reduce(0) { sum, need in
            let rest = Int128(need.amount) - Int128(claim.amounts[need.resource] ?? 0)
            guard rest > 0 else { return sum }
            let part = Double(rest) / Double(need.amount)
            return sum + part * part
        }
    }

    private static func subtract(_ claims: [PodClaim], from needs: Needs) -> Needs {
        needs.compactMap { need in
            let freed = claims.reduce(Int128(0)) { $0 + Int128($1.amounts[need.resource] ?? 0) }
            let rest = Int128(need.amount) - freed
            return rest > 0 ? (need.resource, Int64(clamping: rest)) : nil
        }
    }

    private static func check(_ needs: Needs) throws(Failure) {
        guard !needs.isEmpty else { return }
        throw failure(needs)
    }

    private static func failure(_ needs: Needs) -> Failure {
        let list = needs.map { "(res: \($0.resource), q: \($0.amount)), " }.joined()
        return Failure(
            message: "preemption: error finding a set of pods to preempt: no set of running pods found to reclaim "
                + "resources: [\(list)]")
    }
}

extension PodClaim {
    /// Whether the other one goes for this.
    fileprivate func preempts(_ other: PodClaim) -> Bool {
        if isCritical, !other.isCritical { return true }
        guard let priority, let theirs = other.priority else { return false }
        return priority > theirs
    }

    fileprivate func isSmaller(than other: PodClaim) -> Bool {
        for name in ["memory", "cpu"] {
            let (own, theirs) = (amounts[name] ?? 0, other.amounts[name] ?? 0)
            if own != theirs { return own < theirs }
        }
        return false
    }
}

extension PodEnd {
    /// It goes for a pod that the cluster does not run without.
    static let preempted = PodEnd(
        phase: "Failed", reason: "Preempting", message: "Preempted in order to admit critical pod",
        note: Note(message: "Preempted in order to admit critical pod"),
        disruption: "Pod was preempted by Kubelet to accommodate a critical pod.")
}
