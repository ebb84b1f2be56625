import API
public import APIMachinery
public import Client
import Support

/// Keeps the status of disruption budgets, by which the API decides on evictions.
public struct DisruptionController: Controller {
    public let name = "disruption-controller"
    private let catalog: any ResourceCatalog

    /// - Parameter catalog: Where the kinds of controllers are found that the budget's pods belong to.
    public init(catalog: any ResourceCatalog) { self.catalog = catalog }

    private enum Key: Hashable, Sendable {
        case budget(ObjectName)
        /// A pod that bears the mark of one to be deleted.
        case pod(ObjectName)
    }

    public func run(_ context: ControllerContext) async throws(Status) {
        let kinds = ResourceKinds()
        let following = kinds.follow(catalog)
        defer { following.cancel() }
        let budgets = try await context.client.observe(PodDisruptionBudget.self)
        let pods = try await context.client.observe(Pod.self)
        let scales = try await WorkloadScales(context.client, kinds)
        let labels = LabelIndex(pods)
        // What cannot be read selects nothing; validation kept it out.
        let selectors = SelectorIndex { budget in
            (try? LabelSelector.of(PodDisruptionBudget(budget).spec.selector)).map { [$0] } ?? []
        }
        let changed = ReconcileLoop<Key>.Source(budgets) { change in
            selectors.take(change)
            return change.new == nil ? [] : [.budget(change.name)]
        }
        let selected = ReconcileLoop<Key>.Source(pods) { change in
            labels.take(change)
            let keys = selectors.names(selecting: change).map { Key.budget($0) }
            guard let pod = change.new, Self.isMarked(pod) else { return keys }
            return keys + [.pod(change.name)]
        }
        let work = DisruptionWork(context: context, budgets: budgets, pods: pods, labels: labels, scales: scales)
        await ReconcileLoop<Key>(context).run([changed, selected]) { key throws(Status) in
            switch key {
            case .budget(let name): try await work.reconcile(name)
            case .pod(let name): try await work.clear(name)
            }
        }
    }

    private static func isMarked(_ pod: StoredObject) -> Bool {
        pod.mentions("DisruptionTarget")
            && (pod.value(at: "status", "conditions")?.array ?? []).contains {
                $0["type"] == "DisruptionTarget" && $0["status"] == "True"
            }
    }
}

/// One pass over one budget, or over one marked pod.
private struct DisruptionWork: Sendable {
    let context: ControllerContext
    let budgets: any ObjectSet
    let pods: any ObjectSet
    let labels: LabelIndex
    let scales: WorkloadScales

    /// The budget is read before its pods, and written only if it is still the same: an eviction that was granted in
    /// between has changed it.
    func reconcile(_ name: ObjectName) async throws(Status) -> Duration? {
        guard let budget = budgets.get(PodDisruptionBudget.self, name), budget.metadata.deletionTimestamp == nil else {
            return nil
        }
        let selector = try LabelSelector.of(budget.spec.selector)
        let selected = labels.objects(matching: selector, in: name.namespace).map { Pod($0) }
        var decision = DisruptionBudgetDecision(budget: budget, pods: selected, now: context.now())
        do throws(Status) {
            if DisruptionBudgetDecision.needsScale(budget) { decision.scale = try await scales.scale(of: selected) }
        } catch {
            let message = "Failed to calculate the number of expected pods: \(error.message)"
            try await fail(decision, "CalculateExpectedPodCountFailed", message, error.message)
            return decision.nextDeadline
        }
        let status: PodDisruptionBudgetStatus
        do throws(IntOrString.ScaleError) {
            status = try decision.status()
        } catch {
            try await fail(decision, "CalculateExpectedPodCountFailed", error.description, error.description)
            return nil
        }
        for pod in decision.overdue {
            let message = "Pod was expected by PDB \(name) to be deleted but it wasn't"
            context.record(.warning, "NotDeleted", message, about: pod)
        }
        if try await write(budget, status) {
            for note in decision.notes { context.record(note, about: budget) }
        }
        return decision.nextDeadline
    }

    private func fail(
        _ decision: DisruptionBudgetDecision, _ reason: String, _ message: String, _ failure: String
    ) async throws(Status) {
        if try await write(decision.budget, decision.status(failure: failure)) {
            context.record(.warning, reason, message, about: decision.budget)
        }
    }

    /// Returns whether the status says anything new.
    private func write(_ budget: PodDisruptionBudget, _ status: PodDisruptionBudgetStatus) async throws(Status) -> Bool {
        var new = budget
        new.status = status
        guard new != budget else { return false }
        try await context.client.updateStatus(new)
        return true
    }

    func clear(_ name: ObjectName) async throws(Status) -> Duration? {
        guard let pod = pods.get(Pod.self, name) else { return nil }
        switch StaleDisruption(pod, at: context.now()) {
        case .none: return nil
        case .wait(let delay): return delay
        case .clear:
            let patch: Value = [
                "metadata": [
                    "uid": .string(pod.metadata.uid), "resourceVersion": .string(pod.metadata.resourceVersion),
                ],
                "status": StaleDisruption.cleared(at: context.now()),
            ]
            try await context.client.patch(Pod.self, name, subresource: "status", .strategicMerge(patch))
            return nil
        }
    }
}
