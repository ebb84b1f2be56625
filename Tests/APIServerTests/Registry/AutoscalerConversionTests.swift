import APIMachinery
import Testing

@testable import APIServer

@Suite struct AutoscalerConversionTests {
    private let conversion = KindConversion.horizontalPodAutoscalers

    /// With a metric of each kind, the CPU's first.
    private let newer: Value = [
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": ["name": "a", "annotations": ["own": "kept"]],
        "spec": [
            "maxReplicas": 5, "behavior": ["scaleDown": ["stabilizationWindowSeconds": 60]],
            "metrics": [
                [
                    "resource": ["name": "cpu", "target": ["averageUtilization": 80, "type": "Utilization"]],
                    "type": "Resource",
                ],
                [
                    "resource": ["name": "memory", "target": ["averageValue": "1Gi", "type": "AverageValue"]],
                    "type": "Resource",
                ],
                [
                    "containerResource": [
                        "container": "c", "name": "cpu",
                        "target": ["averageUtilization": 50, "type": "Utilization"],
                    ], "type": "ContainerResource",
                ],
                [
                    "object": [
                        "describedObject": ["apiVersion": "v1", "kind": "Service", "name": "s"],
                        "metric": ["name": "rate", "selector": ["matchLabels": ["a": "b"]]],
                        "target": ["averageValue": "5", "type": "AverageValue"],
                    ], "type": "Object",
                ],
                [
                    "pods": ["metric": ["name": "rate"], "target": ["averageValue": "10", "type": "AverageValue"]],
                    "type": "Pods",
                ],
                [
                    "external": ["metric": ["name": "queue"], "target": ["type": "Value", "value": "3"]],
                    "type": "External",
                ],
            ],
        ],
        "status": [
            "conditions": [["status": "True", "type": "AbleToScale"]],
            "currentMetrics": [
                ["resource": ["current": ["averageUtilization": 70], "name": "cpu"], "type": "Resource"],
                ["pods": ["current": ["averageValue": "9"], "metric": ["name": "rate"]], "type": "Pods"],
            ],
            "currentReplicas": 2, "desiredReplicas": 3,
        ],
    ]

    @Test func `who reads and writes the older version takes nothing away`() {
        #expect(conversion.toStored(conversion.toServed(newer)) == newer)
    }

    @Test func `the older version shows what it has a field for, and carries the rest`() throws {
        let older = conversion.toServed(newer)
        #expect(older.at("spec", "targetCPUUtilizationPercentage") == 80)
        #expect(older.at("status", "currentCPUUtilizationPercentage") == 70)
        for key in ["metrics", "behavior"] { #expect(older.at("spec", key) == nil) }
        for key in ["conditions", "currentMetrics"] { #expect(older.at("status", key) == nil) }
        let text = try #require(
            older.at("metadata", "annotations", "autoscaling.alpha.kubernetes.io/metrics")?.string)
        let carried = try Value(json: Array(text.utf8)).array ?? []
        #expect(carried.count == 5)
        let memory: Value = ["name": "memory", "targetAverageValue": "1Gi"]
        #expect(carried.first == ["resource": memory, "type": "Resource"])
    }

    @Test func `a new one has counted its replicas in the older version too`() {
        var new = newer
        new["status"] = ["desiredReplicas": 0]
        #expect(conversion.toServed(new)["status"] == ["currentReplicas": 0, "desiredReplicas": 0])
    }

    @Test func `what is not JSON carries nothing`() {
        var older = conversion.toServed(newer)
        older[path: ["metadata", "annotations", "autoscaling.alpha.kubernetes.io/metrics"]] = "{"
        #expect(conversion.toStored(older).at("spec", "metrics")?.array?.count == 1)
    }
}
