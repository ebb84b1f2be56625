import API
import APIMachinery
import Client

/// The live sets of controllers whose selectors say which pods are siblings.
struct OwnerSets: Sendable {
    private let sets: [String: any ObjectSet]

    init(_ client: any Client) async throws(Status) {
        sets = [
            "ReplicationController": try await client.observe(ReplicationController.self),
            "ReplicaSet": try await client.observe(ReplicaSet.self),
            "StatefulSet": try await client.observe(StatefulSet.self),
        ]
    }

    func selector(_ name: ObjectName, of owner: OwnerFacts) -> LabelSelector? {
        guard let object = sets[owner.kind]?.get(name), object.uid == owner.uid else { return nil }
        let selector = object.value.at("spec", "selector")
        guard owner.kind == "ReplicationController" else { return Selectors.reading(selector) }
        return try? LabelSelector(labels: selector?.fields ?? Fields())
    }
}
