import APIMachinery
import Testing

@testable import API

@Suite struct PodResourcesTests {
    private static func container(_ cpu: String, name: String = "c", isSidecar: Bool = false) -> Value {
        var container: Value = ["name": .string(name), "resources": ["requests": ["cpu": .string(cpu)]]]
        if isSidecar { container["restartPolicy"] = "Always" }
        return container
    }

    private static func cpu(_ spec: Value, status: Value = [:], _ options: PodResources.Options = .init()) -> String? {
        PodResources.requests(of: ["spec": spec, "status": status], options)["cpu"]?.description
    }

    @Test func `containers beside each other add up, those before them take the most of any`() {
        let both: Value = [Self.container("100m"), Self.container("200m")]
        #expect(Self.cpu(["containers": both]) == "300m")
        #expect(Self.cpu(["containers": both, "initContainers": [Self.container("250m")]]) == "300m")
        #expect(Self.cpu(["containers": both, "initContainers": [Self.container("1")]]) == "1")
        // A sidecar runs beside all that come after it.
        let sidecar = Self.container("100m", isSidecar: true)
        #expect(Self.cpu(["containers": both, "initContainers": [sidecar, Self.container("250m")]]) == "400m")
        #expect(Self.cpu(["containers": both, "initContainers": [sidecar, Self.container("400m")]]) == "500m")
    }

    @Test func `the pod's own amounts come before its containers', the overhead on top`() {
        let spec: Value = [
            "containers": [Self.container("100m")], "resources": ["requests": ["cpu": "1"]], "overhead": ["cpu": "10m"],
        ]
        #expect(Self.cpu(spec) == "1010m")
        #expect(Self.cpu(spec, PodResources.Options(countsOverhead: false)) == "1")
    }

    @Test func `a pod that is being made smaller counts for what it still has`() {
        let status: Value = ["containerStatuses": [["name": "c", "allocatedResources": ["cpu": "500m"]]]]
        let spec: Value = ["containers": [Self.container("100m")]]
        #expect(Self.cpu(spec, status: status, PodResources.Options(heedsStatus: true)) == "500m")
        #expect(Self.cpu(spec, status: status) == "100m")
    }

    @Test func `a pod whose own amounts shrink counts for what it still has, its overhead once`() {
        let status: Value = [
            "allocatedResources": ["cpu": "510m", "memory": "1Gi"], "resources": ["requests": ["cpu": "810m"]],
        ]
        let spec: Value = [
            "containers": [Self.container("100m")], "resources": ["requests": ["cpu": "300m"]],
            "overhead": ["cpu": "10m"],
        ]
        #expect(Self.cpu(spec, status: status, PodResources.Options(heedsStatus: true)) == "810m")
        #expect(Self.cpu(spec, status: status) == "310m")
        let both: Value = ["spec": spec, "status": status]
        #expect(PodResources.requests(of: both, .init(heedsStatus: true))["memory"] == nil, "it asks for none itself")
    }

    @Test func `an overhead makes no limit where none is`() {
        let pod: Value = [
            "spec": [
                "containers": [["resources": ["limits": ["cpu": "1"]]]], "overhead": ["cpu": "10m", "memory": "1Mi"],
            ]
        ]
        #expect(PodResources.limits(of: pod).mapValues(\.description) == ["cpu": "1010m"])
    }
}
