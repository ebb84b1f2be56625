import API
public import APIMachinery
public import Client
import Support
import Synchronization

/// Gives the targets of autoscalers as many replicas as their metrics ask for.
///
/// Metrics tell nobody when they change, so each autoscaler that exists is looked at every fifteen seconds
/// (``AutoscalerOptions``); without autoscalers nothing happens.
public struct HorizontalPodAutoscalerController: Controller {
    public let name = "horizontal-pod-autoscaler"
    private let options: AutoscalerOptions
    private let catalog: any ResourceCatalog
    private let metrics: any MetricsSource

    /// - Parameter catalog: Where the kinds of targets are found.
    public init(
        catalog: any ResourceCatalog, metrics: any MetricsSource, options: AutoscalerOptions = AutoscalerOptions()
    ) {
        (self.catalog, self.metrics, self.options) = (catalog, metrics, options)
    }

    public func run(_ context: ControllerContext) async throws(Status) {
        let kinds = ResourceKinds()
        let following = kinds.follow(catalog)
        defer { following.cancel() }
        let autoscalers = try await context.client.observe(HorizontalPodAutoscaler.self)
        let pods = try await context.client.observe(Pod.self)
        let (labels, memory) = (LabelIndex(pods), AutoscalerMemory())
        let placed = pods.observe { labels.take($0) }
        defer { placed.cancel() }
        let work = AutoscalerWork(
            context: context, kinds: kinds, metrics: metrics, autoscalers: autoscalers, pods: labels, memory: memory,
            options: options)
        let changed = ReconcileLoop<ObjectName>.Source(autoscalers) { change in
            guard let new = change.new else {
                memory.forget(change.name)
                return []
            }
            // What the controller itself writes is no reason to look again.
            let isMeant = change.old.map { $0.uid != new.uid || $0.value["spec"] != new.value["spec"] } ?? true
            return isMeant ? [change.name] : []
        }
        await ReconcileLoop<ObjectName>(context).run([changed]) { name throws(Status) in
            try await work.reconcile(name)
        }
    }
}

/// What is remembered of each autoscaler from one look to the next.
private final class AutoscalerMemory: Sendable {
    struct Entry {
        var uid: String
        var history: ScalingHistory
        var selector: LabelSelector?
    }

    private let entries = Mutex<[ObjectName: Entry]>([:])

    func forget(_ name: ObjectName) { entries.withLock { $0[name] = nil } }

    func history(_ autoscaler: HorizontalPodAutoscaler, current: Int, at now: Timestamp) -> ScalingHistory {
        entries.withLock { entries in
            let (name, uid) = (autoscaler.objectName, autoscaler.metadata.uid)
            if let entry = entries[name], entry.uid == uid { return entry.history }
            let history = ScalingHistory(beginningWith: current, at: now)
            entries[name] = Entry(uid: uid, history: history)
            return history
        }
    }

    func set(_ history: ScalingHistory, _ name: ObjectName) { entries.withLock { $0[name]?.history = history } }

    /// Notes which pods an autoscaler scales, and returns all that scale one of these, in order.
    func scalers(of pods: [Pod], _ selector: LabelSelector, _ name: ObjectName) -> [ObjectName] {
        entries.withLock { entries in
            entries[name]?.selector = selector
            return entries.filter { other, entry in
                guard other.namespace == name.namespace, let selector = entry.selector else { return false }
                return other == name
                    || pods.contains { selector.matches($0.value.at("metadata", "labels")?.fields ?? Fields()) }
            }.keys.sorted()
        }
    }
}

/// One look at one autoscaler.
private struct AutoscalerWork: Sendable {
    let context: ControllerContext
    let kinds: ResourceKinds
    let metrics: any MetricsSource
    let autoscalers: any ObjectSet
    let pods: LabelIndex
    let memory: AutoscalerMemory
    let options: AutoscalerOptions

    /// A target's scale, and where it is.
    private struct Scaled {
        var target: Target
        var scale: Scale
        var current: Int { Int(Int32(clamping: scale.spec.replicas)) }
    }

    func reconcile(_ name: ObjectName) async throws(Status) -> Duration? {
        guard let autoscaler = autoscalers.get(HorizontalPodAutoscaler.self, name),
            autoscaler.metadata.deletionTimestamp == nil
        else { return nil }
        var report = AutoscalerReport(autoscaler, at: context.now())
        let scaled: Scaled?
        do throws(Status) {
            scaled = try await target(of: autoscaler)
        } catch {
            scaled = nil
            report.set("AbleToScale", .noScale(error.message))
            context.record(.warning, "FailedGetScale", error.message, about: autoscaler)
        }
        if let scaled {
            report.set("AbleToScale", .foundScale)
            await scale(scaled, &report)
        }
        if report.autoscaler != autoscaler {
            try await context.client.updateStatus(report.autoscaler)
        }
        return options.period
    }

    private func target(of autoscaler: HorizontalPodAutoscaler) async throws(Status) -> Scaled {
        let reference = autoscaler.spec.scaleTargetRef
        let kind = GroupVersionKind(apiVersion: reference.apiVersion, kind: reference.kind)
        guard let resource = kinds.resource(of: kind) else {
            throw .badRequest("no matches for kind \"\(kind.kind)\" in group \"\(kind.group)\"")
        }
        let name = ObjectName(namespace: autoscaler.metadata.namespace, name: reference.name)
        let target = Target(resource, name, subresource: "scale")
        return Scaled(target: target, scale: Scale(try await context.client.get(target).value))
    }

    private func scale(_ scaled: Scaled, _ report: inout AutoscalerReport) async {
        let autoscaler = report.autoscaler
        let current = scaled.current
        let decision = AutoscalingDecision(
            autoscaler: autoscaler, current: current, now: context.now(), options: options)
        var history = memory.history(autoscaler, current: current, at: context.now())
        var (wanted, reason, known) = (current, "", [MetricStatus]())
        switch decision.course {
        case .rest: report.set("ScalingActive", .resting)
        case .correct(let replicas, let why): (wanted, reason) = (replicas, why)
        case .measure:
            let outcomes = await outcomes(decision, scaled.scale, &report)
            for case .replicas(_, _, let status) in outcomes { known.append(status) }
            guard let outcomes = outcomes.isEmpty ? nil : outcomes,
                let recommendation = recommend(decision, outcomes, &report)
            else { return report.finish(current: current, desired: nil, metrics: known, isScaled: false) }
            let size = decision.size(recommendation.replicas, &history)
            report.set("AbleToScale", size.able)
            report.set("ScalingLimited", size.limited)
            (wanted, reason) = (size.replicas, decision.reason(of: recommendation))
        }
        let isScaled = wanted != current
        if isScaled {
            guard await resize(scaled, to: wanted, because: reason, &report) else {
                memory.set(history, autoscaler.objectName)
                return report.finish(current: current, desired: nil, metrics: known, isScaled: false)
            }
            decision.note(scaledTo: wanted, in: &history)
        }
        memory.set(history, autoscaler.objectName)
        report.finish(current: current, desired: wanted, metrics: known, isScaled: isScaled)
    }

    /// What each metric asks for; empty when it cannot be told whose pods they are about.
    private func outcomes(
        _ decision: AutoscalingDecision, _ scale: Scale, _ report: inout AutoscalerReport
    ) async -> [AutoscalingDecision.Outcome] {
        let autoscaler = report.autoscaler
        func refuse(_ event: String, _ reason: String, _ message: String) {
            context.record(.warning, event, message, about: autoscaler)
            report.set("ScalingActive", .init(status: false, reason: reason, message: message))
        }
        guard !scale.status.selector.isEmpty else {
            refuse("SelectorRequired", "InvalidSelector", "the HPA target's scale is missing a selector")
            return []
        }
        guard let selector = try? LabelSelector(scale.status.selector) else {
            refuse("InvalidSelector", "InvalidSelector", "the selector \(scale.status.selector) cannot be read")
            return []
        }
        let name = autoscaler.objectName
        let selected = pods.objects(matching: selector, in: name.namespace).map { Pod($0) }
        let scalers = memory.scalers(of: selected, selector, name)
        guard scalers.count <= 1 else {
            let names = scalers.map(\.description).joined(separator: " ")
            let message = "pods by selector \(selector) are controlled by multiple HPAs: [\(names)]"
            refuse("AmbiguousSelector", "AmbiguousSelector", message)
            return []
        }
        let evaluation = MetricEvaluation(
            source: metrics, kinds: kinds,
            calculation: ReplicaCalculation(
                pods: selected, tolerance: decision.tolerance, current: decision.current, now: decision.now,
                options: options),
            pods: PodSelection(namespace: name.namespace, selector: scale.status.selector),
            present: Int(Int32(clamping: scale.status.replicas)))
        var outcomes: [AutoscalingDecision.Outcome] = []
        for metric in autoscaler.spec.metrics {
            let outcome = await evaluation.outcome(of: metric)
            if case .failure(let reason, let error) = outcome {
                context.record(.warning, reason, error, about: autoscaler)
            }
            outcomes.append(outcome)
        }
        return outcomes
    }

    private func recommend(
        _ decision: AutoscalingDecision, _ outcomes: [AutoscalingDecision.Outcome], _ report: inout AutoscalerReport
    ) -> AutoscalingDecision.Recommendation? {
        let (recommendation, active, error) = decision.recommendation(outcomes)
        report.set("ScalingActive", active)
        if recommendation == nil, let error {
            context.record(.warning, "FailedComputeMetricsReplicas", error, about: report.autoscaler)
        }
        return recommendation
    }

    /// Returns whether it worked.
    private func resize(
        _ scaled: Scaled, to replicas: Int, because reason: String, _ report: inout AutoscalerReport
    ) async -> Bool {
        var scale = scaled.scale
        scale.spec.value["replicas"] = .integer(Int64(replicas))
        do throws(Status) {
            try await context.client.update(scaled.target, scale.value, WriteOptions())
        } catch {
            let message = "New size: \(replicas); reason: \(reason); error: \(error.message)"
            context.record(.warning, "FailedRescale", message, about: report.autoscaler)
            report.set("AbleToScale", .cannotScale(error.message))
            return false
        }
        context.record(
            .normal, "SuccessfulRescale", "New size: \(replicas); reason: \(reason)", about: report.autoscaler)
        report.set("AbleToScale", .scaled(to: replicas))
        return true
    }
}

extension AutoscalingDecision.Verdict {
    fileprivate static let foundScale = Self(
        status: true, reason: "SucceededGetScale",
        message: "the HPA controller was able to get the target's current scale")

    fileprivate static func noScale(_ why: String) -> Self {
        Self(
            status: false, reason: "FailedGetScale",
            message: "the HPA controller was unable to get the target's current scale: \(why)")
    }

    fileprivate static func cannotScale(_ why: String) -> Self {
        Self(
            status: false, reason: "FailedUpdateScale",
            message: "the HPA controller was unable to update the target scale: \(why)")
    }

    fileprivate static func scaled(to replicas: Int) -> Self {
        Self(
            status: true, reason: "SucceededRescale",
            message: "the HPA controller was able to update the target scale to \(replicas)")
    }
}
