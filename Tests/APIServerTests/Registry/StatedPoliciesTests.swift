import APIMachinery
import Client
import Testing

@testable import APIServer

/// An autoscaler's list of policies that is said to be empty, and one that is not said.
@Suite(.timeLimit(.minutes(2))) struct StatedPoliciesTests {
    /// What is said of `behavior`, and the causes of the refusal; empty when the object is good.
    private static let cases: [(Value, [String])] = [
        (["scaleUp": ["selectPolicy": "Min"]], []),
        (["scaleUp": ["policies": .null]], []),
        (["scaleUp": ["policies": [["type": "Pods", "value": 1, "periodSeconds": 15]]]], []),
        (["scaleUp": ["policies": []]], ["spec.behavior.scaleUp.policies"]),
        (
            ["scaleUp": ["policies": []], "scaleDown": ["policies": []]],
            ["spec.behavior.scaleUp.policies", "spec.behavior.scaleDown.policies"]
        ),
        (["scaleDown": ["policies": []]], ["spec.behavior.scaleDown.policies"]),
    ]

    @Test func `only policies that are not said are the usual ones`() async throws {
        try await TestAPI.run { api in
            let client = api.server.client()
            let target = Target(
                GroupVersionResource(group: "autoscaling", version: "v2", resource: "horizontalpodautoscalers"),
                namespace: "default")
            for (index, (behavior, fields)) in Self.cases.enumerated() {
                let object: Value = [
                    "metadata": ["name": .string("a\(index)")],
                    "spec": [
                        "maxReplicas": 3, "behavior": behavior,
                        "scaleTargetRef": ["apiVersion": "apps/v1", "kind": "Deployment", "name": "d"],
                    ],
                ]
                let outcome: Result<StoredObject, Status>
                do throws(Status) {
                    outcome = .success(try await client.create(target, object, WriteOptions()))
                } catch {
                    outcome = .failure(error)
                }
                switch outcome {
                case .success(let made):
                    #expect(fields == [], "\(behavior)")
                    let policies = made.value.at("spec", "behavior", "scaleUp", "policies")?.array ?? []
                    #expect(policies.count == behavior.at("scaleUp", "policies")?.array?.count ?? 2)
                case .failure(let refusal):
                    #expect(refusal.details?.causes.map(\.field) == fields, "\(behavior): \(refusal.message)")
                    #expect(refusal.message.contains("Required value: must specify at least one Policy"))
                }
            }
        }
    }
}
