import APIMachinery
import Testing

@testable import API

/// Which class of service follows from resources.
@Suite struct PodQualityTests {
    private static let full: Value = ["limits": ["cpu": "1", "memory": "1Gi"], "requests": ["cpu": "1000m", "memory": "1Gi"]]

    @Test(arguments: [
        ([full, full], nil, "Guaranteed"), ([full, [:]], nil, "Burstable"), ([[:]], nil, "BestEffort"),
        ([["requests": ["cpu": "0"], "limits": ["memory": "0"]]], nil, "BestEffort"),
        ([["limits": ["example.com/gpu": "1"]]], nil, "BestEffort"),
        ([["limits": ["cpu": "1"]]], nil, "Burstable"),
        ([["limits": ["cpu": "1", "memory": "1Gi"], "requests": ["cpu": "500m"]]], nil, "Burstable"),
        ([[:]], full, "Guaranteed"), ([full], ["requests": ["cpu": "1"]], "Burstable"), ([full], [:], "Guaranteed"),
        ([full], ["requests": [:], "limits": [:]], "Guaranteed"),
        ([full], ["limits": ["cpu": "1"]], "Burstable"), ([full], ["limits": ["hugepages-2Mi": "2Mi"]], "BestEffort"),
    ] as [([Value], Value?, String)])
    func `a pod has the class that its resources give it`(_ containers: [Value], _ whole: Value?, _ quality: String) {
        var spec: Value = ["containers": .array(containers.map { ["name": "c", "resources": $0] })]
        spec["resources"] = whole
        #expect(PodQuality.of(spec: spec) == quality)
        spec["initContainers"] = [["name": "i"]]
        #expect((PodQuality.of(spec: spec) == "Guaranteed") == (quality == "Guaranteed" && whole?["limits"]?.at("cpu") != nil))
    }
}
