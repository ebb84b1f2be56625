import API
import APIMachinery
import APIServer
import Client

/// Work that comes and goes, and autoscalers that follow it.
extension Workload {
    static let autoscalers: [Kind] = [
        Kind(name: "create autoscaler", weight: 3) { user throws(Status) in
            let name = user.name("d")
            let least = user.dice.number(in: 1...2)
            var spec: Value = [
                "scaleTargetRef": ["apiVersion": "apps/v1", "kind": "Deployment", "name": .string(name.name)],
                "minReplicas": .integer(Int64(least)), "maxReplicas": .integer(Int64(least + user.dice.number(in: 0...3))),
                "metrics": [
                    [
                        "type": "Resource",
                        "resource": ["name": "cpu", "target": ["type": "AverageValue", "averageValue": "100m"]],
                    ]
                ],
            ]
            if user.dice.happens(0.5) {
                spec["behavior"] = ["scaleDown": ["stabilizationWindowSeconds": .integer(Int64(user.dice.number(in: 0...60)))]]
            }
            return try await user.create(HorizontalPodAutoscaler.self, name, spec)
        },
        Kind(name: "load deployment", weight: 5) { user throws(Status) in
            guard let deployment = try await user.present(Deployment.self) else { return nil }
            let load = String(user.dice.number(in: 0...6) * 75)
            let patch: Value = ["metadata": ["annotations": .object(Fields([(SimulatedMetrics.load, .string(load))]))]]
            _ = try await user.client().patch(Target(.deployments, deployment.objectName), .merge(patch), WriteOptions())
            return "\(deployment.objectName) with \(load)m"
        },
        Kind(name: "limit autoscaler", weight: 1) { user throws(Status) in
            guard let scaler = try await user.present(HorizontalPodAutoscaler.self) else { return nil }
            let most = (scaler.spec.minReplicas ?? 1) + user.dice.number(in: 0...3)
            let patch: Value = ["spec": ["maxReplicas": .integer(Int64(most))]]
            _ = try await user.client().patch(
                Target(HorizontalPodAutoscaler.resource, scaler.objectName), .merge(patch), WriteOptions())
            return "\(scaler.objectName) to \(most)"
        },
        Kind(name: "delete autoscaler", weight: 1) { user throws(Status) in
            try await user.delete(HorizontalPodAutoscaler.self)
        },
    ]
}
