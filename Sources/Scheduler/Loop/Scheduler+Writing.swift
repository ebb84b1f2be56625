import API
import APIMachinery
import Client
import Support

/// Carries out what was decided.
extension Scheduler {
    func carryOut(_ job: Job, _ others: Others) async throws(Status) {
        switch job {
        case .bind(let pod, let node, let grants, _):
            for grant in grants { try await give(grant, to: pod, others.devices) }
            try await bind(pod, to: node, others.extenders)
        case .prepare(let pod, let node, let grants):
            for grant in grants { try await give(grant, to: pod, others.devices) }
            note(pod, .normal, "BindingConditionsPending", "waiting for binding conditions for device on node \(node)")
            if pod.nominatedNode != node { try await patchStatus(of: pod, ["nominatedNodeName": .string(node)]) }
        case .release(let pod, let release): try await give(up: release, of: pod, others.devices)
        case .serve(let pod, let choices, let node):
            for (claim, choice) in choices {
                let name = ObjectName(namespace: pod.name.namespace, name: claim)
                try await serve(name, by: choice, on: node, others.volumes)
            }
        case .tell(let pod, let verdict): try await tell(pod, verdict)
        case .preempt(let pod, let victims, let node, let verdict):
            try await tell(pod, verdict)
            for victim in victims { try await evict(victim, for: pod, on: node) }
        case .forgetNominations(let pods):
            for pod in pods { try await patchStatus(of: pod, ["nominatedNodeName": .null]) }
        }
    }

    private func bind(_ pod: PodFacts, to node: String, _ extenders: Extenders?) async throws(Status) {
        do throws(Fault) {
            if let extenders, try await extenders.bind(pod, to: node) {
                return note(pod, .normal, "Scheduled", "Successfully assigned \(pod.name) to \(node)")
            }
        } catch {
            throw Status(code: 500, reason: .internalError, message: error.description)
        }
        let binding: Value = [
            "apiVersion": "v1", "kind": "Binding",
            "metadata": [
                "name": .string(pod.name.name), "namespace": .string(pod.name.namespace),
                "uid": .string(pod.uid),
            ],
            "target": ["apiVersion": "v1", "kind": "Node", "name": .string(node)],
        ]
        try await client.create(Target(.pods, pod.name, subresource: "binding"), binding, WriteOptions())
        note(pod, .normal, "Scheduled", "Successfully assigned \(pod.name) to \(node)")
    }

    /// Has a claim that waited for its consumer served: by a free volume, which is kept for it from now on,
    /// or by its provisioner, which learns the node (`WaitForFirstConsumer`). The pod follows when the claim
    /// is bound.
    private func serve(
        _ name: ObjectName, by choice: VolumeFacts.Choice, on node: String, _ volumes: VolumeSets
    ) async throws(Status) {
        guard let claim = volumes.claims.get(PersistentVolumeClaim.self, name) else { return }
        switch choice {
        case .volume(let volume):
            guard var free = volumes.volumes.get(PersistentVolume.self, ObjectName(name: volume)) else {
                return
            }
            // It was free when it was chosen; by now it may be somebody else's.
            guard free.spec.claimRef == nil || free.isReserved(for: claim) else {
                throw .conflict(PersistentVolume.resource, volume, "it was taken by another claim")
            }
            free.spec.claimRef = claim.reference
            free.metadata.annotations[VolumeAnnotation.boundByController] = "yes"
            try await client.update(free)
        case .provision where claim.selectedNode != node:
            let annotations: Value = [VolumeAnnotation.selectedNode: .string(node)]
            let uid = Value.string(claim.metadata.uid)
            let patch = Patch.merge(["metadata": ["uid": uid, "annotations": annotations]])
            try await client.patch(PersistentVolumeClaim.self, name, patch)
        case .provision: return
        }
    }

    /// Says in the pod's conditions, and by an event, why it waits; and where room is made for it.
    private func tell(_ pod: PodFacts, _ verdict: Job.Verdict) async throws(Status) {
        let since = pod.condition.flatMap { $0.isTrue ? nil : $0.since } ?? now().description
        var condition: Value = [
            "type": "PodScheduled", "status": "False", "reason": .string(verdict.reason.rawValue),
            "message": .string(verdict.message), "lastTransitionTime": .string(since),
        ]
        if pod.generation > 0 { condition["observedGeneration"] = .integer(Int64(pod.generation)) }
        if verdict.reason != .gated { note(pod, .warning, "FailedScheduling", verdict.message) }
        var status: Value = ["conditions": [condition]]
        if let node = verdict.nomination { status["nominatedNodeName"] = node.isEmpty ? .null : .string(node) }
        try await patchStatus(of: pod, status)
    }

    /// Sends a pod away to make room: says why in its conditions (KEP-3329), and deletes it with its own grace.
    private func evict(_ victim: PodFacts, for pod: PodFacts, on node: String) async throws(Status) {
        let condition: Value = [
            "type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler",
            "message": .string("\(pod.schedulerName): preempting to accommodate a higher priority pod"),
            "lastTransitionTime": .string(now().description),
        ]
        try await patchStatus(of: victim, ["conditions": [condition]])
        do throws(Status) {
            let options = DeletionOptions(preconditionUID: victim.uid)
            try await client.delete(Target(.pods, victim.name), options)
        } catch {
            // Gone, or another of its name: the room is there.
            guard error.isNotFound || error.isConflict else { throw error }
        }
        note(victim, .normal, "Preempted", "Preempted by pod \(pod.uid) on node \(node)")
    }

    /// That the pod is gone, or another of its name, is no failure.
    func patchStatus(of pod: PodFacts, _ status: Value) async throws(Status) {
        let patch: Value = ["metadata": ["uid": .string(pod.uid)], "status": status]
        do throws(Status) {
            try await client.patch(Pod.self, pod.name, subresource: "status", .strategicMerge(patch))
        } catch {
            guard error.isNotFound || error.isConflict else { throw error }
        }
    }

    func note(_ pod: PodFacts, _ kind: EventNote.Kind, _ reason: String, _ message: String) {
        let subject = EventNote.Subject(
            apiVersion: "v1", kind: "Pod", name: pod.name, uid: pod.uid, resourceVersion: pod.resourceVersion)
        events.record(EventNote(subject, kind, reason: reason, message: message, at: now()))
    }
}
