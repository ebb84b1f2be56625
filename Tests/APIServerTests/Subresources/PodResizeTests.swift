import APIMachinery
import Testing

@testable import APIServer

@Suite struct PodResizeTests {
    private static func amounts(_ cpu: String, _ others: Value = [:]) -> Value {
        var amounts: Value = ["cpu": .string(cpu)]
        for (name, amount) in others.fields ?? Fields() { amounts[name] = amount }
        return ["requests": amounts]
    }

    private static func pod(_ container: Value, initial: Value? = nil, own: Value? = nil) -> Value {
        var spec: Value = ["containers": [["name": "c", "resources": container]]]
        if let initial { spec["initContainers"] = [initial] }
        spec["resources"] = own
        return ["metadata": ["name": "p"], "spec": spec]
    }

    private static func errors(_ new: Value, over old: Value) -> [String] {
        PodResize.errors(new, over: old).map { "\($0.field): \($0.detail)" }
    }

    @Test func `cpu and memory of containers and of the pod may change`() {
        let old = Self.pod(Self.amounts("1"), own: Self.amounts("2"))
        #expect(Self.errors(Self.pod(Self.amounts("2"), own: Self.amounts("3")), over: old) == [])
        #expect(Self.errors(Self.pod(Self.amounts("1", ["memory": "1Gi"]), own: Self.amounts("2")), over: old) == [])
        #expect(Self.errors(Self.pod(Self.amounts("1"), own: Self.amounts("2", ["memory": "1Gi"])), over: old) == [])
        // A pod may get some of its own.
        #expect(Self.errors(old, over: Self.pod(Self.amounts("1"))) == [])
    }

    @Test(arguments: [
        (nil, ["spec.resources: pod-level resources cannot be removed"]),
        (["limits": ["cpu": "3"], "requests": [:]], ["spec.resources.requests: pod-level resource requests cannot be removed"]),
        (
            ["requests": ["cpu": "2", "hugepages-2Mi": "2Mi"]],
            ["spec: only cpu and memory resources are mutable at pod-level"]
        ),
    ] as [(Value?, [String])])
    func `of what the pod has itself the rest stays`(own: Value?, complaints: [String]) {
        let old = Self.pod(Self.amounts("1"), own: Self.amounts("2"))
        #expect(Self.errors(Self.pod(Self.amounts("1"), own: own), over: old) == complaints)
    }

    @Test func `of containers the rest stays, and none is added or renamed`() {
        let old = Self.pod(Self.amounts("1", ["memory": "1Gi"]))
        #expect(
            Self.errors(Self.pod(Self.amounts("1")), over: old)
                == ["spec.containers[0].resources.requests: resource requests cannot be removed"])
        #expect(
            Self.errors(Self.pod(Self.amounts("1", ["memory": "1Gi", "example.com/x": "1"])), over: old)
                == ["spec: only cpu and memory resources are mutable"])
        var renamed = old
        renamed[path: ["spec", "containers"]] = [["name": "d", "resources": Self.amounts("1", ["memory": "1Gi"])]]
        #expect(
            Self.errors(renamed, over: old)
                == ["spec.containers[0].name: containers may not be renamed or reordered on resize"])
        let added = Self.pod(Self.amounts("1", ["memory": "1Gi"]), initial: ["name": "i"])
        #expect(
            Self.errors(added, over: old)
                == ["spec.initContainers: initContainers may not be added or removed on resize"])
    }

    @Test func `init containers may change unless that restarted one that ends by itself`() {
        func initial(_ cpu: String, restarts: Bool = false, isSidecar: Bool = false) -> Value {
            var container: Value = ["name": "i", "resources": Self.amounts(cpu)]
            if isSidecar { container["restartPolicy"] = "Always" }
            if restarts {
                container["resizePolicy"] = [["resourceName": "cpu", "restartPolicy": "RestartContainer"]]
            }
            return container
        }
        func errors(_ new: Value, over old: Value) -> [String] {
            Self.errors(Self.pod(Self.amounts("1"), initial: new), over: Self.pod(Self.amounts("1"), initial: old))
        }
        #expect(errors(initial("2"), over: initial("1")) == [])
        #expect(errors(initial("2", restarts: true, isSidecar: true), over: initial("1", restarts: true, isSidecar: true)) == [])
        #expect(
            errors(initial("2", restarts: true), over: initial("1", restarts: true)) == [
                "spec.initContainers[0]: non-sidecar init containers with a resize policy of RestartContainer cannot be resized"
            ])
        #expect(
            errors(initial("1", restarts: true, isSidecar: true), over: initial("1", isSidecar: true))
                == ["spec.initContainers[0]: only cpu and memory resources for init or sidecar containers are mutable"])
    }

    @Test func `the class stays`() {
        let guaranteed: Value = ["limits": ["cpu": "1", "memory": "1Gi"], "requests": ["cpu": "1", "memory": "1Gi"]]
        var less = guaranteed
        less[path: ["requests", "cpu"]] = "500m"
        #expect(
            Self.errors(Self.pod([:], own: less), over: Self.pod([:], own: guaranteed))
                == ["spec: Pod QOS Class may not change as a result of resizing"])
    }
}
