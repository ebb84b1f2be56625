import API
import APIMachinery
import APIServer
import Client

extension Workload {
    static let pods: [Kind] = [
        Kind(name: "delete pod", weight: 4) { user throws(Status) in
            guard let pod = try await user.present(Pod.self) else { return nil }
            var options = DeletionOptions()
            // Behind its kubelet's back, now and then.
            let isUnique = pod.metadata.ownerReferences.contains { $0.kind == "StatefulSet" }
            if user.dice.happens(0.2), !isUnique { options.gracePeriodSeconds = 0 }
            _ = try await user.client().delete(Target(.pods, pod.objectName), options)
            return "\(pod.objectName)"
        },
        // Nobody's pod any more, for whoever selected it.
        Kind(name: "relabel pod", weight: 2) { user throws(Status) in
            guard let pod = try await user.present(Pod.self) else { return nil }
            let patch: Value = ["metadata": ["labels": ["app": user.dice.happens(0.5) ? "stray" : "d1"]]]
            _ = try await user.client().patch(Target(.pods, pod.objectName), .merge(patch), WriteOptions())
            return "\(pod.objectName)"
        },
        Kind(name: "evict pod", weight: 3) { user throws(Status) in
            guard let pod = try await user.present(Pod.self) else { return nil }
            try await user.evict(pod)
            return "\(pod.objectName)"
        },
    ]

    static let nodes: [Kind] = [
        Kind(name: "cordon node", weight: 2) { user throws(Status) in
            try await user.mark(unschedulable: true)
        },
        Kind(name: "uncordon node", weight: 3) { user throws(Status) in
            try await user.mark(unschedulable: false)
        },
        Kind(name: "drain node", weight: 2) { user throws(Status) in
            guard let name = try await user.mark(unschedulable: true) else { return nil }
            for pod in try await user.client().list(Pod.self) where pod.spec.nodeName == name { try await user.evict(pod) }
            return name
        },
        // Its kubelet registers it again.
        Kind(name: "delete node", weight: 1) { user throws(Status) in
            guard let node = user.dice.element(of: user.cluster.nodes) else { return nil }
            _ = try await user.client().delete(
                Target(.nodes, ObjectName(name: node.name)), DeletionOptions())
            return node.name
        },
    ]

    static let namespacesAndQuotas: [Kind] = [
        Kind(name: "create quota", weight: 1) { user throws(Status) in
            let name = user.name("q", of: 1)
            let most = user.dice.number(in: 2...8)
            return try await user.create(ResourceQuota.self, name, ["hard": ["pods": .string(String(most))]])
        },
        Kind(name: "delete quota", weight: 2) { user throws(Status) in try await user.delete(ResourceQuota.self) },
        Kind(name: "delete namespace", weight: 1) { user throws(Status) in
            let name = user.namespace()
            _ = try await user.client().delete(Target(.namespaces, ObjectName(name: name)), DeletionOptions())
            return name
        },
        Kind(name: "create namespace", weight: 3) { user throws(Status) in
            try await user.client().create(Namespace(name: user.namespace())).metadata.name
        },
    ]

    static let budgets: [Kind] = [
        Kind(name: "create budget", weight: 3) { user throws(Status) in
            let name = user.name("d")
            let most = Value.integer(Int64(user.dice.number(in: 0...2)))
            let spec: Value = [
                "selector": ["matchLabels": ["app": .string(name.name)]],
                user.dice.happens(0.5) ? "minAvailable" : "maxUnavailable": most,
            ]
            return try await user.create(PodDisruptionBudget.self, name, spec)
        },
        Kind(name: "delete budget", weight: 2) { user throws(Status) in
            try await user.delete(PodDisruptionBudget.self)
        },
    ]

    private func mark(unschedulable: Bool) async throws(Status) -> String? {
        guard let node = dice.element(of: cluster.nodes) else { return nil }
        try await client().patch(
            Node.self, ObjectName(name: node.name), .merge(["spec": ["unschedulable": .bool(unschedulable)]]))
        return node.name
    }

    /// Asks for a pod to go; that it may not go now, or is gone, is an answer like another.
    private func evict(_ pod: Pod) async throws(Status) {
        let eviction: Value = [
            "apiVersion": "policy/v1", "kind": "Eviction", "metadata": ["name": .string(pod.metadata.name)],
        ]
        do throws(Status) {
            _ = try await client().create(
                Target(.pods, pod.objectName, subresource: "eviction"), eviction, WriteOptions())
        } catch {
            guard error.code == 429 || error.isNotFound || error.isConflict else { throw error }
        }
    }
}
