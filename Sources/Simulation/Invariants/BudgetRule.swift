import API
import APIMachinery
import Support

/// An eviction is taken from the budget that covers the pod, which never gives what it has not.
///
/// What a budget has is as old as its status: when pods fail by themselves in between, fewer may be left than it asks for,
/// in Kubernetes as here.
struct BudgetRule: Rule {
    /// A budget that came so shortly before may have been unknown when the eviction was decided upon.
    private static let delay = Duration.seconds(15)

    func judge(_ event: Ledger.Event, _ before: PodRecord?, _ ledger: Ledger) -> String? {
        switch event.kind {
        case "poddisruptionbudgets": budget(event)
        case "pods": eviction(event, before, ledger)
        default: nil
        }
    }

    private func budget(_ event: Ledger.Event) -> String? {
        guard let new = event.newValue.map({ PodDisruptionBudget($0) }) else { return nil }
        let left = new.status.disruptionsAllowed
        if left < 0 { return "allows \(left) disruptions" }
        guard let old = event.oldValue.map({ PodDisruptionBudget($0) }), old.metadata.uid == new.metadata.uid else { return nil }
        let taken = Self.disrupted(new).filter { !Self.disrupted(old).contains($0) }
        guard !taken.isEmpty, left != old.status.disruptionsAllowed - taken.count else { return nil }
        return "had \(old.status.disruptionsAllowed) disruptions to give, gave \(taken.count), and has \(left)"
    }

    private func eviction(_ event: Ledger.Event, _ before: PodRecord?, _ ledger: Ledger) -> String? {
        guard let pod = ledger.pods[event.name], let before, before.uid == pod.uid, pod.isEvicted, pod.isDeleting,
            !before.isDeleting, before.isReady
        else { return nil }
        for (name, value) in ledger.values["poddisruptionbudgets"] ?? [:] where name.namespace == pod.name.namespace {
            let budget = PodDisruptionBudget(value)
            guard let selector = try? LabelSelector(object: budget.value.at("spec", "selector")),
                selector.matches(pod.labels), let made = budget.metadata.creationTimestamp,
                event.now - made > Self.delay
            else { continue }
            if !Self.disrupted(budget).contains(pod.name.name) {
                return "was evicted, and budget \(name.name) was not asked"
            }
        }
        return nil
    }

    private static func disrupted(_ budget: PodDisruptionBudget) -> [String] {
        (budget.value.at("status", "disruptedPods")?.fields ?? Fields()).map(\.key)
    }
}
