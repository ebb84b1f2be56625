import Support

/// Looks for less important pods whose going would let a pod in (`DefaultPreemption`).
struct Preemption {
    let decision: Decision
    let budgets: [BudgetFacts]
    /// Pods that do not say since when they run are taken to have begun now.
    let now: Timestamp

    /// The pods that must go from a node, the most important first.
    struct Candidate {
        var node: NodeFacts
        var victims: [PodFacts]
        /// How many of them break a budget.
        var violations: Int
    }

    private var pod: PodFacts { decision.pod }

    /// Why the pod may not have others evicted; `nil` when it may.
    func ineligibility(_ diagnosis: Diagnosis) -> String? {
        guard pod.mayPreempt else { return "not eligible due to preemptionPolicy=Never." }
        let cluster = decision.cluster
        guard let node = cluster.nomination(of: pod.uid).flatMap(cluster.node) else { return nil }
        let isLost = diagnosis.refused.contains { $0.node === node && $0.refusal.isFinal }
        guard !isLost else { return nil }
        // Those that were evicted for it are still going.
        let isMakingRoom = node.pods.values.contains { $0.isPreempted && $0.priority < pod.priority }
        return isMakingRoom ? Self.underWay : nil
    }

    /// Why no more pods are sent away for one that has made some go.
    static let underWay = "not eligible due to a terminating pod on the nominated node."

    /// Nodes that victims would open, beginning with the one at `start` of those that may be; and for the others why not.
    func candidates(_ diagnosis: Diagnosis, from start: Int) -> ([Candidate], Diagnosis) {
        var result = Diagnosis(total: diagnosis.total)
        result.unasked = Refusal(
            .defaultPreemption, isFinal: true, "Preemption is not helpful for scheduling")
        guard diagnosis.ofPod == nil else { return ([], result) }
        let possible = diagnosis.refused.filter { !$0.refusal.isFinal }
        let enough = enough(of: possible.count)
        var (kept, breaking): ([Candidate], [Candidate]) = ([], [])
        for turn in possible.indices {
            let node = possible[(start + turn) % possible.count].node
            switch victims(on: node) {
            case .success(let candidate):
                if candidate.violations == 0 { kept.append(candidate) } else { breaking.append(candidate) }
                if !kept.isEmpty, kept.count + breaking.count >= enough { return (kept + breaking, result) }
            case .failure(let useless): result.refused.append((node, useless.refusal))
            }
        }
        return (kept + breaking, result)
    }

    private func enough(of count: Int) -> Int {
        let arguments = decision.profile.preemption
        let share = count * arguments.minCandidateNodesPercentage / 100
        return min(max(share, arguments.minCandidateNodesAbsolute), count)
    }

    private struct Useless: Error { var refusal: Refusal }

    /// The least of the less important pods that must go from this node.
    private func victims(on node: NodeFacts) -> Result<Candidate, Useless> {
        let lesser = node.pods.values.filter { $0.priority < pod.priority }.sorted(by: isMoreImportant)
        let nobody = Useless(
            refusal: Refusal(.defaultPreemption, isFinal: true, "No preemption victims found for incoming pod"))
        guard !lesser.isEmpty else { return .failure(nobody) }
        var trial = Trial(node, decision.filters)
        let rivals = decision.cluster.nominated(besides: pod)[node.name] ?? []
        for rival in rivals where node.pods[rival.uid] == nil { trial.add(rival) }
        for pod in lesser { trial.remove(pod) }
        if let refusal = trial.refusal { return .failure(Useless(refusal: refusal)) }
        // As many as can stay do, those first that a budget protects, then the most important.
        var (victims, violations): ([PodFacts], Int) = ([], 0)
        let (breaking, others) = BudgetFacts.part(lesser, by: budgets)
        for (index, pod) in (breaking + others).enumerated() {
            trial.add(pod)
            guard trial.refusal != nil else { continue }
            trial.remove(pod)
            victims.append(pod)
            if index < breaking.count { violations += 1 }
        }
        // Nobody's going is needed by our own rules: it was an extender that refused the node.
        guard !victims.isEmpty else { return .failure(nobody) }
        return .success(Candidate(node: node, victims: ordered(victims), violations: violations))
    }

    /// The most important first.
    func ordered(_ victims: [PodFacts]) -> [PodFacts] { victims.sorted(by: isMoreImportant) }

    private func isMoreImportant(_ a: PodFacts, _ b: PodFacts) -> Bool {
        guard a.priority == b.priority else { return a.priority > b.priority }
        let (start, other) = (a.startTime ?? now, b.startTime ?? now)
        return start == other ? a.uid < b.uid : start < other
    }

    /// The candidate that costs least: it breaks the fewest budgets, its most important victim is the least important, the
    /// sum of their priorities is the lowest, they are the fewest, and the most important of them began the latest.
    func cheapest(of candidates: [Candidate]) -> Candidate? {
        candidates.enumerated().min { a, b in
            let (first, second) = (cost(of: a.element), cost(of: b.element))
            return first == second ? a.offset < b.offset : first.lexicographicallyPrecedes(second)
        }?.element
    }

    private func cost(of candidate: Candidate) -> [Int] {
        let highest = candidate.victims.first?.priority ?? Int(Int32.min)
        // Above zero, so that more victims of negative priority are not the cheaper.
        let sum = candidate.victims.reduce(0) { $0 + $1.priority + Int(Int32.max) + 1 }
        let begun = candidate.victims.filter { $0.priority == highest }.map { $0.startTime ?? now }.min()
        let latest = begun.map { -Int($0.seconds) } ?? 0
        return [candidate.violations, highest, sum, candidate.victims.count, latest]
    }
}
