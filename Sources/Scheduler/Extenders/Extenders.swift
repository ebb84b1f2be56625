import API
import APIMachinery
import Client
import Support

/// Asks the extenders of the configuration, one after the other.
struct Extenders: Sendable {
    let configurations: [ExtenderConfiguration]
    let call: ExtenderCall
    let pods: any ObjectSet
    let nodes: any ObjectSet

    /// Whether any is asked before pods are sent away.
    var haveSayInPreemption: Bool { configurations.contains { $0.preemptVerb != nil } }

    /// What they make of the nodes that can take a pod: those that are left, and what they are worth to them.
    func consult(
        _ attempt: SchedulingState.Attempt, _ sifted: Decision.Sifted
    ) async throws(Fault) -> (sifted: Decision.Sifted, worth: [String: Int]) {
        guard case .nodes(var left, let asked) = sifted, let pod = pods.get(attempt.taken.pod.name)?.value else {
            return (sifted, [:])
        }
        let interested = configurations.filter { $0.isInterested(in: pod) }
        var diagnosis = Diagnosis(total: attempt.decision.cluster.order.count)
        for extender in interested {
            guard let verb = extender.filterVerb, !left.isEmpty else { continue }
            do throws(Fault) {
                let answer = try await ask(extender, verb, pod, left)
                try sort(ExtenderMessages.filtered(answer), &left, &diagnosis)
            } catch {
                if !extender.isIgnorable { throw error }
            }
        }
        guard !left.isEmpty else { return (.none(diagnosis), [:]) }
        var worth: [String: Int] = [:]
        for extender in interested {
            guard let verb = extender.prioritizeVerb else { continue }
            // One that gives no scores prefers no node.
            guard let answer = try? await ask(extender, verb, pod, left),
                let scores = try? ExtenderMessages.priorities(answer)
            else { continue }
            for (node, score) in scores { worth[node, default: 0] += score * 10 * extender.weight }
        }
        return (.nodes(left, asked: asked), worth)
    }

    private func sort(
        _ answer: ExtenderMessages.Filtered, _ left: inout [NodeFacts], _ diagnosis: inout Diagnosis
    ) {
        left.removeAll { node in
            guard !answer.nodes.contains(node.name) else { return false }
            let (reason, isFinal) = answer.refused[node.name] ?? ("node(s) were refused by an extender", false)
            diagnosis.refused.append((node, Refusal(.extender, isFinal: isFinal, reason)))
            return true
        }
    }

    private func ask(
        _ extender: ExtenderConfiguration, _ verb: String, _ pod: Value, _ left: [NodeFacts]
    ) async throws(Fault) -> [UInt8] {
        let names = left.map(\.name)
        let objects = extender.knowsNodes ? nil : names.compactMap { nodes.get(ObjectName(name: $0))?.value }
        return try await send(extender, verb, ExtenderMessages.question(pod, names, objects: objects))
    }

    /// What they leave of the nodes on which room could be made: each may drop some, or name other victims.
    func consult(
        on preemption: Preemption, _ candidates: [Preemption.Candidate]
    ) async throws(Fault) -> [Preemption.Candidate] {
        guard !candidates.isEmpty, let pod = pods.get(preemption.decision.pod.name)?.value else { return candidates }
        var left = candidates
        for extender in configurations where extender.isInterested(in: pod) {
            guard let verb = extender.preemptVerb, !left.isEmpty else { continue }
            do throws(Fault) {
                var objects: ((PodFacts) -> Value?)?
                if !extender.knowsNodes { objects = { [pods] in pods.get($0.name)?.value } }
                let question = ExtenderMessages.preemption(pod, left, objects: objects)
                let answer = try ExtenderMessages.victims(await send(extender, verb, question))
                left = try read(answer, extender, preemption)
            } catch {
                if !extender.isIgnorable { throw error }
            }
        }
        return left
    }

    private func read(
        _ answer: [(node: String, victims: ExtenderMessages.Victims)], _ extender: ExtenderConfiguration,
        _ preemption: Preemption
    ) throws(Fault) -> [Preemption.Candidate] {
        var candidates: [Preemption.Candidate] = []
        for (name, victims) in answer {
            guard let node = preemption.decision.cluster.node(name) else {
                throw Fault(.failed, "nodeinfo not found for node name \(GoText.quoted(name))")
            }
            var pods: [PodFacts] = []
            for uid in victims.uids {
                guard let pod = node.pods[uid] else {
                    throw Fault(
                        .failed,
                        "extender: \(extender.url) claims to preempt pod (UID: \(uid)) on node: \(name), but the pod is not "
                            + "found on that node")
                }
                pods.append(pod)
            }
            guard !pods.isEmpty else {
                if extender.isIgnorable { continue }
                throw Fault(.failed, "expected at least one victim pod on node \(GoText.quoted(name))")
            }
            candidates.append(
                .init(node: node, victims: preemption.ordered(pods), violations: victims.violations))
        }
        return candidates
    }

    /// Has the extender that binds this pod bind it; `false` when none does.
    func bind(_ pod: PodFacts, to node: String) async throws(Fault) -> Bool {
        guard let object = pods.get(pod.name)?.value,
            let binder = configurations.first(where: { $0.bindVerb != nil && $0.isInterested(in: object) }),
            let verb = binder.bindVerb
        else { return false }
        try ExtenderMessages.checkBound(
            await send(binder, verb, ExtenderMessages.binding(pod, to: node)))
        return true
    }

    private func send(
        _ extender: ExtenderConfiguration, _ verb: String, _ body: [UInt8]
    ) async throws(Fault) -> [UInt8] {
        try await call(
            ExtenderRequest(
                url: extender.url + "/" + verb, body: body, timeout: extender.timeout, security: extender.security))
    }
}
