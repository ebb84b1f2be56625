import API
import APIMachinery
import Client

/// How many pods the controllers of pods want: those that come with Kubernetes from the live sets, any other by its
/// `scale`.
struct WorkloadScales: Sendable {
    let client: any Client
    let kinds: ResourceKinds
    let deployments: any ObjectSet
    let replicaSets: any ObjectSet
    let statefulSets: any ObjectSet
    let replicationControllers: any ObjectSet

    init(_ client: any Client, _ kinds: ResourceKinds) async throws(Status) {
        (self.client, self.kinds) = (client, kinds)
        deployments = try await client.observe(Deployment.self)
        replicaSets = try await client.observe(ReplicaSet.self)
        statefulSets = try await client.observe(StatefulSet.self)
        replicationControllers = try await client.observe(ReplicationController.self)
    }

    /// The scale of all controllers of these pods together. Fails when one of them cannot be found or told.
    func scale(of pods: [Pod]) async throws(Status) -> DisruptionBudgetDecision.Scale {
        var scale = DisruptionBudgetDecision.Scale(expected: 0)
        var seen: Set<String> = []
        var counts: [String: Int] = [:]
        for pod in pods {
            guard let owner = pod.metadata.controller else {
                scale.unmanaged.append(pod.metadata.name)
                continue
            }
            guard seen.insert(owner.uid).inserted else { continue }
            guard let found = try await replicas(of: owner, in: pod.metadata.namespace) else {
                throw .internalError("found no controllers for pod \"\(pod.metadata.name)\"")
            }
            counts[found.uid] = found.count
        }
        scale.expected = counts.values.reduce(0) { min($0 + Int(Int32(clamping: $1)), Int(Int32.max)) }
        return scale
    }

    private typealias Found = (uid: String, count: Int)

    private func replicas(of owner: OwnerReference, in namespace: String) async throws(Status) -> Found? {
        let kind = GroupVersionKind(apiVersion: owner.apiVersion, kind: owner.kind)
        let name = ObjectName(namespace: namespace, name: owner.name)
        switch (kind.group, kind.kind) {
        case ("apps", ReplicaSet.kind): return replicas(ofSet: name, owner.uid)
        case ("apps", StatefulSet.kind): return replicas(statefulSets.get(name), owner.uid)
        case ("", ReplicationController.kind): return replicas(replicationControllers.get(name), owner.uid)
        default: return try await scaleReplicas(of: kind, name, owner.uid)
        }
    }

    private func replicas(_ object: StoredObject?, _ uid: String) -> Found? {
        guard let object, object.uid == uid else { return nil }
        return (uid, Int(clamping: object.value.at("spec", "replicas")?.integer ?? 1))
    }

    /// A Deployment's sets share what the Deployment asks for, whatever a rollout does to them.
    private func replicas(ofSet name: ObjectName, _ uid: String) -> Found? {
        guard let set = replicaSets.get(name), set.uid == uid else { return nil }
        guard let owner = ReplicaSet(set).metadata.controller, owner.kind == Deployment.kind,
            let deployment = deployments.get(ObjectName(namespace: name.namespace, name: owner.name)),
            let found = replicas(deployment, owner.uid)
        else { return replicas(set, uid) }
        return found
    }

    private func scaleReplicas(
        of kind: GroupVersionKind, _ name: ObjectName, _ uid: String
    ) async throws(Status) -> Found? {
        guard let resource = kinds.resource(of: kind) else { return nil }
        do throws(Status) {
            let scale = Scale(try await client.get(Target(resource, name, subresource: "scale")).value)
            return scale.metadata.uid == uid ? (uid, scale.spec.replicas) : nil
        } catch {
            guard error.isNotFound else { throw error }
            // Either the owner is gone, or its kind has no scale.
            do throws(Status) {
                _ = try await client.get(Target(resource, name))
            } catch {
                if error.isNotFound { return nil }
            }
            throw .internalError("\(resource.groupResource) does not implement the scale subresource")
        }
    }
}
