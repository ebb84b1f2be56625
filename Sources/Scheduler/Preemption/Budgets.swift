import APIMachinery

/// A disruption budget as preemption heeds it: it prefers victims that leave every budget kept.
struct BudgetFacts: Sendable {
    var namespace: String
    var selector: LabelSelector
    /// How many of its pods may still go.
    var allowed: Int
    /// Pods whose going it has counted already.
    var disrupted: Set<String>

    init(_ budget: Value) {
        namespace = budget.at("metadata", "namespace")?.string ?? ""
        selector = Selectors.reading(budget.at("spec", "selector"))
        allowed = Int(Int32(clamping: budget.at("status", "disruptionsAllowed")?.integer ?? 0))
        disrupted = Set((budget.at("status", "disruptedPods")?.fields ?? Fields()).keys)
    }

    /// Parts pods, the most important first, into those whose going would break a budget and the others.
    static func part(_ pods: [PodFacts], by budgets: [BudgetFacts]) -> (breaking: [PodFacts], others: [PodFacts]) {
        var left = budgets.map(\.allowed)
        var (breaking, others): ([PodFacts], [PodFacts]) = ([], [])
        for pod in pods {
            var breaks = false
            for (index, budget) in budgets.enumerated()
            where budget.namespace == pod.name.namespace && !budget.selector.matchesEverything
                && !pod.labels.isEmpty && !budget.disrupted.contains(pod.name.name)
                && budget.selector.matches(pod.labels)
            {
                left[index] -= 1
                if left[index] < 0 { breaks = true }
            }
            if breaks { breaking.append(pod) } else { others.append(pod) }
        }
        return (breaking, others)
    }
}
