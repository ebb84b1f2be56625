import API
public import APIMachinery
import Client

/// Makes the claims to devices that pods describe by templates, and frees claims of pods that are done.
public struct ResourceClaimController: Controller {
    public let name = "resource-claim-controller"

    public init() {}

    private enum Key: Hashable, Sendable {
        case pod(ObjectName)
        case claim(ObjectName)
    }

    public func run(_ context: ControllerContext) async throws(Status) {
        let client = context.client
        let work = ResourceClaimWork(
            context: context, pods: try await client.observe(Pod.self),
            claims: try await client.observe(.resourceClaims, .all),
            templates: try await client.observe(.resourceClaimTemplates, .all))
        let loop = ReconcileLoop<Key>(context)
        let using = ReconcileLoop<Key>.Source(work.pods) { change in
            guard let object = change.new ?? change.old, object.asksForDevices else { return [] }
            let pod = Pod(object)
            let names = pod.deviceClaimNames.map { Key.claim(ObjectName(namespace: change.name.namespace, name: $0)) }
            return (change.new == nil ? [] : [.pod(change.name)]) + names
        }
        let changed = ReconcileLoop<Key>.Source(work.claims) { change in
            let owner = (change.new ?? change.old).flatMap { ResourceClaimView($0).owner }
            let pod = owner.map { Key.pod(ObjectName(namespace: change.name.namespace, name: $0.name)) }
            return (change.new == nil ? [] : [.claim(change.name)]) + [pod].compactMap(\.self)
        }
        await loop.run([using, changed]) { key throws(Status) in
            switch key {
            case .pod(let name): try await work.provide(name)
            case .claim(let name): try await work.free(name)
            }
            return nil
        }
    }
}

/// One pass over one pod, or one claim.
private struct ResourceClaimWork: Sendable {
    let context: ControllerContext
    let pods: any ObjectSet
    let claims: any ObjectSet
    let templates: any ObjectSet

    // MARK: Pods

    func provide(_ name: ObjectName) async throws(Status) {
        guard let pod = pods.get(Pod.self, name), pod.metadata.deletionTimestamp == nil, !pod.isFinished else {
            return
        }
        for entry in decision(pod).missing { try await make(entry.claim, entry.template, pod) }
        let decision = decision(pod)
        if let statuses = decision.statuses {
            let metadata: Value = ["uid": .string(pod.metadata.uid)]
            let status: Value = ["resourceClaimStatuses": .array(statuses.map(\.value))]
            try await context.client.patch(
                Pod.self, name, subresource: "status", .strategicMerge(["metadata": metadata, "status": status]))
        }
        guard !pod.spec.nodeName.isEmpty else { return }
        // The scheduler reserves for the pods that it places; others are placed by hand.
        for claim in decision.names { try await reserve(ObjectName(namespace: name.namespace, name: claim), pod) }
    }

    private func decision(_ pod: Pod) -> PodClaimsDecision {
        var present: [String: ResourceClaimView] = [:]
        for object in claims.owned(by: pod.metadata.uid) where object.controllerUID == pod.metadata.uid {
            let claim = ResourceClaimView(object)
            if let name = claim.metadata.annotations[ResourceClaimView.podClaimAnnotation] { present[name] = claim }
        }
        return PodClaimsDecision(pod: pod, present: present)
    }

    private func make(_ claim: String, _ template: String, _ pod: Pod) async throws(Status) {
        let name = ObjectName(namespace: pod.metadata.namespace, name: template)
        do throws(Status) {
            guard let template = templates.get(name) else { throw .notFound(.resourceClaimTemplates, template) }
            let decision = PodClaimsDecision(pod: pod, present: [:])
            _ = try await context.client.create(
                Target(.resourceClaims, namespace: name.namespace), decision.claim(claim, from: template.value),
                WriteOptions())
        } catch {
            let message = "PodResourceClaim \(claim): \(error.message)"
            if !error.isNamespaceEnding {
                context.record(.warning, "FailedResourceClaimCreation", message, about: pod)
            }
            throw error
        }
    }

    private func reserve(_ name: ObjectName, _ pod: Pod) async throws(Status) {
        guard let object = claims.get(name), !object.isDeleting else { return }
        let claim = ResourceClaimView(object)
        let isReserved = claim.consumers.contains { ResourceClaimView.podUID($0) == pod.metadata.uid }
        guard claim.isAllocated, !isReserved, claim.consumers.count < ResourceClaimView.most else { return }
        var value = claim.value
        let consumer: Value = [
            "resource": "pods", "name": .string(pod.metadata.name), "uid": .string(pod.metadata.uid),
        ]
        value[path: ["status", "reservedFor"]] = .array(claim.consumers + [consumer])
        try await context.client.update(Target(.resourceClaims, name, subresource: "status"), value, WriteOptions())
    }

    // MARK: Claims

    func free(_ name: ObjectName) async throws(Status) {
        guard let object = claims.get(name) else { return }
        let claim = ResourceClaimView(object)
        var users: Set<String> = []
        for consumer in claim.consumers {
            guard let uid = ResourceClaimView.podUID(consumer) else { continue }
            let pod = pods.get(
                Pod.self, ObjectName(namespace: name.namespace, name: consumer["name"]?.string ?? ""))
            if let pod, pod.metadata.uid == uid, !pod.isDoneWithDevices { users.insert(uid) }
        }
        let owner = claim.owner.flatMap { owner -> Pod? in
            let pod = pods.get(Pod.self, ObjectName(namespace: name.namespace, name: owner.name))
            return pod?.metadata.uid == owner.uid ? pod : nil
        }
        let decision = ResourceClaimDecision(
            claim: claim, users: users, isOwnerDone: owner?.isDoneWithDevices ?? false)
        let target = Target(.resourceClaims, name)
        switch decision.action {
        case nil: return
        case .free(let status):
            var value = claim.value
            value["status"] = status
            try await context.client.update(
                Target(.resourceClaims, name, subresource: "status"), value, WriteOptions())
        case .removeFinalizer:
            let kept = claim.metadata.finalizers.filter { $0 != ResourceClaimView.finalizer }
            try await context.client.replaceList(
                ["metadata", "finalizers"], in: target, uid: object.uid, version: String(object.revision),
                with: kept.map { .string($0) })
        case .delete:
            do throws(Status) {
                _ = try await context.client.delete(target, DeletionOptions(preconditionUID: object.uid))
            } catch {
                guard error.isNotFound else { throw error }
            }
        }
    }
}
