import APIMachinery
import Testing

@testable import API

@Suite struct LimitRangeTests {
    private static func range(_ items: Value...) -> LimitRangeRules {
        LimitRangeRules(["metadata": ["name": "r"], "spec": ["limits": .array(items)]])
    }

    private static func container(_ name: String, requests: Value = [:], limits: Value = [:]) -> Value {
        ["name": .string(name), "resources": ["requests": requests, "limits": limits]]
    }

    private static func pod(_ containers: Value..., first: [Value] = []) -> Value {
        ["spec": ["containers": .array(containers), "initContainers": .array(first)]]
    }

    @Test func `what a container does not say it is given, and the pod tells`() {
        var pod = Self.pod(
            Self.container("a"), Self.container("b", requests: ["cpu": "1"]), first: [Self.container("i")])
        Self.range([
            "type": "Container", "default": ["cpu": "2", "memory": "1Gi"], "defaultRequest": ["cpu": "500m"],
        ]).complete(&pod)
        #expect(
            pod.at("spec", "containers") == [
                Self.container("a", requests: ["cpu": "500m"], limits: ["cpu": "2", "memory": "1Gi"]),
                Self.container("b", requests: ["cpu": "1"], limits: ["cpu": "2", "memory": "1Gi"]),
            ])
        #expect(
            pod.at("metadata", "annotations", LimitRangeRules.annotation)?.string
                == "LimitRanger plugin set: cpu request for container a; cpu, memory limit for container a; "
                + "cpu, memory limit for container b; cpu request for init container i; "
                + "cpu, memory limit for init container i")
    }

    @Test func `a pod that says everything is left as it is`() {
        let said = Self.pod(Self.container("a", requests: ["cpu": "1"], limits: ["cpu": "1"]))
        var pod = said
        Self.range(["type": "Container", "default": ["cpu": "2"], "defaultRequest": ["cpu": "2"]]).complete(&pod)
        #expect(pod == said)
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var rule: Value
        var pod: Value
        var wanted: [String]
        var testDescription: String { "\(rule) of \(pod)" }
    }

    @Test(arguments: [
        Case(
            rule: ["type": "Container", "min": ["cpu": "100m"]], pod: pod(container("a")),
            wanted: ["minimum cpu usage per Container is 100m.  No request is specified"]),
        Case(
            rule: ["type": "Container", "min": ["cpu": "100m"]], pod: pod(container("a", requests: ["cpu": "50m"])),
            wanted: ["minimum cpu usage per Container is 100m, but request is 50m"]),
        Case(
            rule: ["type": "Container", "min": ["cpu": "100m"]],
            pod: pod(container("a", requests: ["cpu": "100m"], limits: ["cpu": "60m"])),
            wanted: ["minimum cpu usage per Container is 100m, but limit is 60m"]),
        Case(
            rule: ["type": "Container", "max": ["memory": "1Gi"]], pod: pod(container("a"), first: [container("i")]),
            wanted: ["maximum memory usage per Container is 1Gi.  No limit is specified"]),
        Case(
            rule: ["type": "Container", "max": ["memory": "1Gi"]],
            pod: pod(container("a", limits: ["memory": "2Gi"])),
            wanted: ["maximum memory usage per Container is 1Gi, but limit is 2Gi"]),
        Case(
            rule: ["type": "Container", "max": ["memory": "1Gi"]],
            pod: pod(container("a", requests: ["memory": "1Gi"], limits: ["memory": "1Gi"])), wanted: []),
        Case(
            rule: ["type": "Container", "maxLimitRequestRatio": ["cpu": "2"]],
            pod: pod(container("a", requests: ["cpu": "1"], limits: ["cpu": "2500m"])),
            wanted: ["cpu max limit to request ratio per Container is 2, but provided ratio is 2.500000"]),
        Case(
            rule: ["type": "Container", "maxLimitRequestRatio": ["cpu": "2"]],
            pod: pod(container("a", limits: ["cpu": "1"])),
            wanted: ["cpu max limit to request ratio per Container is 2, but no request is specified or request is 0"]),
        Case(
            rule: ["type": "Pod", "max": ["cpu": "1"]],
            pod: pod(container("a", limits: ["cpu": "600m"]), container("b", limits: ["cpu": "600m"])),
            wanted: ["maximum cpu usage per Pod is 1, but limit is 1200m"]),
        Case(
            rule: ["type": "Pod", "max": ["cpu": "1"]],
            pod: pod(container("a", limits: ["cpu": "600m"]), first: [container("i", limits: ["cpu": "1"])]),
            wanted: []),
    ])
    func `a pod beyond the range is told by how much`(test: Case) {
        #expect(Self.range(test.rule).violations(pod: test.pod) == test.wanted)
    }

    @Test func `a claim keeps within its range`() {
        let rules = Self.range(["type": "PersistentVolumeClaim", "min": ["storage": "1Gi"], "max": ["storage": "2Gi"]])
        func claim(_ size: String) -> Value { ["spec": ["resources": ["requests": ["storage": .string(size)]]]] }
        #expect(rules.violations(claim: claim("1Gi")) == [])
        #expect(
            rules.violations(claim: claim("3Gi")) == [
                "maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi"
            ])
        #expect(
            rules.violations(claim: claim("1M")) == [
                "minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 1M"
            ])
    }

    @Test(arguments: [
        (["type": "Pod", "default": ["cpu": "1"]], "spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'"),
        (
            ["type": "Container", "min": ["cpu": "2"], "max": ["cpu": "1"]],
            "spec.limits[0].min[cpu]: Invalid value: \"2\": min value 2 is greater than max value 1"
        ),
        (
            ["type": "Container", "defaultRequest": ["cpu": "2"], "default": ["cpu": "1"]],
            "spec.limits[0].defaultRequest[cpu]: Invalid value: \"2\": default request value 2 is greater than default "
                + "limit value 1"
        ),
        (
            ["type": "PersistentVolumeClaim"],
            "spec.limits[0].limits: Required value: either minimum or maximum storage value is required, but neither "
                + "was provided"
        ),
        (
            ["type": "Container", "maxLimitRequestRatio": ["cpu": "500m"]],
            "spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: \"500m\": ratio 500m is less than 1"
        ),
        (
            ["type": "Container", "max": ["pods": "1"]],
            "spec.limits[0].max[pods]: Invalid value: \"pods\": must be a standard resource for containers"
        ),
        (["type": "Box", "max": ["cpu": "1"]], "spec.limits[0].type: Invalid value: \"Box\": must be a standard limit type or fully qualified"),
    ] as [(Value, String)])
    func `a range that contradicts itself is refused`(item: Value, wanted: String) throws {
        let definition = try #require(BuiltinResources.shared.definition(of: .limitRanges))
        let object: Value = [
            "apiVersion": "v1", "kind": "LimitRange", "metadata": ["name": "r", "namespace": "ns"],
            "spec": ["limits": [item]],
        ]
        #expect(BuiltinValidation.validate(object, as: definition).map(\.description) == [wanted])
    }
}
