import APIMachinery
import Testing

@testable import API

@Suite struct ValidationTests {
    private func definition(_ resource: GroupVersionResource) throws -> ResourceDefinition {
        try #require(BuiltinResources.shared.definition(of: resource))
    }

    /// Decodes and fills in `object`, then says what is wrong with it, one error a line.
    private func problems(_ resource: GroupVersionResource, _ object: Value) throws -> [String] {
        let definition = try definition(resource)
        return BuiltinValidation.validate(try complete(object, definition), as: definition).map(\.description)
    }

    private func updateProblems(
        _ resource: GroupVersionResource, _ old: Value, _ new: Value
    ) throws -> [String] {
        let definition = try definition(resource)
        return BuiltinValidation.validateUpdate(
            try complete(new, definition), over: try complete(old, definition), as: definition
        ).map(\.description)
    }

    private func complete(_ object: Value, _ definition: ResourceDefinition) throws -> Value {
        let type = try #require(definition.type)
        var object = object
        if object.at("metadata", "name") == nil { object[path: ["metadata", "name"]] = "x" }
        if definition.isNamespaced, object.at("metadata", "namespace") == nil {
            object[path: ["metadata", "namespace"]] = "default"
        }
        object = try type.decode(object)
        BuiltinDefaults.shared.apply(to: &object, as: type)
        return object
    }

    /// `Sample.pod` with something else at `path` of its spec.
    private static func pod(_ path: [String], _ value: Value?) -> Value {
        var pod = Sample.pod
        pod[path: ["spec"] + path] = value
        return pod
    }

    /// `Sample.pod` with something else in its container.
    private static func container(_ key: String, _ value: Value?) -> Value {
        var container = Sample.pod.at("spec", "containers")?.array?.first ?? .emptyObject
        container[key] = value
        return pod(["containers"], [container])
    }

    @Test func `a good pod is good`() throws {
        #expect(try problems(.pods, Sample.pod) == [])
    }

    @Test(
        arguments: [
            (pod(["containers"], nil), ["spec.containers: Required value"]),
            (container("image", ""), ["spec.containers[0].image: Required value"]),
            (
                container("name", "Main"),
                [
                    "spec.containers[0].name: Invalid value: \"Main\": a lowercase RFC 1123 label must consist of lower "
                        + "case alphanumeric characters or '-', and must start and end with an alphanumeric character "
                        + "(e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
                ]
            ),
            (
                pod(["containers"], [["name": "a", "image": "i"], ["name": "a", "image": "i"]]),
                ["spec.containers[1].name: Duplicate value: \"a\""]
            ),
            (
                container("ports", [["containerPort": 70_000]]),
                [
                    "spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive"
                ]
            ),
            (
                container("ports", [.emptyObject]),
                ["spec.containers[0].ports[0].containerPort: Required value"]
            ),
            (
                container("volumeMounts", [["name": "none", "mountPath": "/x"]]),
                ["spec.containers[0].volumeMounts[0].name: Not found: \"none\""]
            ),
            (
                container("resources", ["limits": ["cpu": "1"], "requests": ["cpu": "2"]]),
                [
                    "spec.containers[0].resources.requests: Invalid value: \"2\": must be less than or equal to cpu limit of 1"
                ]
            ),
            (
                container("resources", ["limits": ["cpu": "-1"], "requests": ["cpu": "-1"]]),
                [
                    "spec.containers[0].resources.limits[cpu]: Invalid value: \"-1\": must be greater than or equal to 0",
                    "spec.containers[0].resources.requests[cpu]: Invalid value: \"-1\": must be greater than or equal to 0",
                ]
            ),
            (
                pod(["restartPolicy"], "Sometimes"),
                [
                    "spec.restartPolicy: Unsupported value: \"Sometimes\": supported values: \"Always\", \"Never\", "
                        + "\"OnFailure\""
                ]
            ),
            (
                container("livenessProbe", ["httpGet": ["port": 80], "successThreshold": 2]),
                ["spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1"]
            ),
            (
                container("readinessProbe", .emptyObject),
                [
                    "spec.containers[0].readinessProbe: Required value: must specify a handler type"
                ]
            ),
            (
                container(
                    "env",
                    [["name": "A", "value": "1", "valueFrom": ["fieldRef": ["fieldPath": "metadata.name"]]]]),
                [
                    "spec.containers[0].env[0].valueFrom: Invalid value: \"\": may not be specified when `value` is not empty"
                ]
            ),
            (
                pod(["volumes"], [["name": "data", "hostPath": ["path": "/a/../b"]]]),
                [
                    "spec.volumes[0].hostPath.path: Invalid value: \"/a/../b\": must not contain '..'",
                    "spec.containers[0].volumeMounts[0].name: Not found: \"data\"",
                ]
            ),
            (
                pod(
                    ["volumes"], [["name": "data", "emptyDir": .emptyObject, "secret": ["secretName": "s"]]]),
                [
                    "spec.volumes[0].secret: Forbidden: may not specify more than 1 volume type",
                    "spec.containers[0].volumeMounts[0].name: Not found: \"data\"",
                ]
            ),
            (
                pod(["tolerations"], [["operator": "Equal"]]),
                [
                    "spec.tolerations[0].operator: Invalid value: \"Equal\": operator must be Exists when `key` is empty, "
                        + "which means \"match all values and all keys\""
                ]
            ),
        ] as [(Value, [String])])
    func `what is wrong with a pod is named`(pod: Value, expected: [String]) throws {
        let found = try problems(.pods, pod)
        #expect(found == expected)
    }

    private static let deployment: Value = [
        "spec": [
            "selector": ["matchLabels": ["app": "web"]],
            "template": [
                "metadata": ["labels": ["app": "web"]],
                "spec": ["containers": [["name": "m", "image": "i"]]],
            ],
        ]
    ]

    private static func deployment(_ path: [String], _ value: Value?) -> Value {
        var object = deployment
        object[path: ["spec"] + path] = value
        return object
    }

    @Test(
        arguments: [
            (deployment, []), (
                deployment(["selector"], nil),
                [
                    "spec.selector: Required value",
                    "spec.template.metadata.labels: Invalid value: {\"app\":\"web\"}: `selector` does not match template "
                        + "`labels`",
                ]
            ),
            (
                deployment(["template", "metadata", "labels"], ["app": "x"]),
                [
                    "spec.template.metadata.labels: Invalid value: {\"app\":\"x\"}: `selector` does not match template "
                        + "`labels`"
                ]
            ),
            (
                deployment(["template", "spec", "restartPolicy"], "Never"),
                [
                    "spec.template.spec.restartPolicy: Unsupported value: \"Never\": supported values: \"Always\""
                ]
            ),
            (
                deployment(["replicas"], -1),
                ["spec.replicas: Invalid value: -1: must be greater than or equal to 0"]
            ),
            (
                deployment(["strategy"], ["type": "Recreate", "rollingUpdate": .emptyObject]),
                [
                    "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"
                ]
            ),
            (
                deployment(["strategy"], ["rollingUpdate": ["maxSurge": 0, "maxUnavailable": 0]]),
                [
                    "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0"
                ]
            ),
        ] as [(Value, [String])])
    func `what is wrong with a deployment is named`(object: Value, expected: [String]) throws {
        #expect(try problems(.deployments, object) == expected)
    }

    @Test(
        arguments: [
            (.services, ["spec": .emptyObject], ["spec.ports: Required value"]),
            (
                .services, ["spec": ["ports": [["port": 80], ["port": 81]]]],
                ["spec.ports[0].name: Required value", "spec.ports[1].name: Required value"]
            ),
            (
                .services, ["spec": ["type": "Odd", "ports": [["port": 80]]]],
                [
                    "spec.type: Unsupported value: \"Odd\": supported values: \"ClusterIP\", \"ExternalName\", "
                        + "\"LoadBalancer\", \"NodePort\""
                ]
            ),
            (.services, ["spec": ["clusterIP": "None", "clusterIPs": ["None"]]], []),
            (
                .configMaps, ["data": ["a/b": ""]],
                [
                    "data[a/b]: Invalid value: \"a/b\": a valid config key must consist of alphanumeric characters, '-', '_' "
                        + "or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
                ]
            ),
            (
                .secrets, ["type": "kubernetes.io/tls"],
                ["data[tls.crt]: Required value", "data[tls.key]: Required value"]
            ),
            (
                .persistentVolumeClaims, ["spec": .emptyObject],
                [
                    "spec.accessModes: Required value: at least 1 access mode is required",
                    "spec.resources[storage]: Required value",
                ]
            ),
            (
                .persistentVolumeClaims,
                ["spec": ["accessModes": ["ReadWriteOften"], "resources": ["requests": ["storage": "1Gi"]]]],
                [
                    "spec.accessModes: Unsupported value: \"ReadWriteOften\": supported values: \"ReadOnlyMany\", "
                        + "\"ReadWriteMany\", \"ReadWriteOnce\", \"ReadWriteOncePod\""
                ]
            ),
            (
                .persistentVolumes,
                ["spec": ["accessModes": ["ReadWriteOnce"], "capacity": ["storage": "1Gi"]]],
                ["spec: Required value: must specify a volume type"]
            ),
            (
                .namespaces, ["metadata": ["name": "a.b"]],
                ["metadata.name: Invalid value: \"a.b\": must not contain dots"]
            ),
            (
                .namespaces, ["metadata": ["namespace": "default"]],
                ["metadata.namespace: Forbidden: not allowed on this type"]
            ),
            (
                .configMaps, ["metadata": ["name": ""]],
                ["metadata.name: Required value: name or generateName is required"]
            ),
            (
                .clusterRoles,
                ["metadata": ["name": "system:x"], "rules": [["apiGroups": [""], "resources": ["pods"]]]],
                [
                    "rules[0].verbs: Required value: verbs must contain at least one value"
                ]
            ),
            (
                .clusterRoleBindings,
                [
                    "roleRef": ["kind": "ClusterRole", "name": "r"],
                    "subjects": [["kind": "ServiceAccount", "name": "a"]],
                ],
                ["subjects[0].namespace: Required value"]
            ),
            (.storageClasses, .emptyObject, ["provisioner: Required value"]),
            (
                .ingresses, ["spec": .emptyObject],
                [
                    "spec: Invalid value: []: either `defaultBackend` or `rules` must be specified"
                ]
            ),
        ] as [(GroupVersionResource, Value, [String])])
    func `what is wrong with other kinds is named`(
        resource: GroupVersionResource, object: Value, expected: [String]
    ) throws {
        let found = try problems(resource, object)
        #expect(found == expected)
    }

    @Test func `labels and annotations have their own rules`() throws {
        let found = try problems(
            .configMaps,
            [
                "metadata": [
                    "labels": ["a b": "x"],
                    "annotations": ["A": .string(String(repeating: "x", count: 262_145))],
                ]
            ])
        #expect(found.count == 2)
        #expect(found[0].hasPrefix("metadata.labels: Invalid value: \"a b\": name part must consist of"))
        #expect(found[1] == "metadata.annotations: Too long: may not be more than 262144 bytes")
    }

    @Test func `a running pod stays what it is`() throws {
        #expect(try updateProblems(.pods, Sample.pod, Self.container("image", "nginx:2")) == [])
        let moved = try updateProblems(.pods, Sample.pod, Self.pod(["nodeName"], "other"))
        #expect(moved.count == 1)
        #expect(moved[0].hasPrefix("spec: Forbidden: pod updates may not change fields other than"))
    }

    @Test func `identities do not change`() throws {
        let other = Self.deployment(["selector"], ["matchLabels": ["app": "x"]])
        #expect(
            try updateProblems(.deployments, Self.deployment, other) == [
                "spec.selector: Invalid value: {\"matchLabels\":{\"app\":\"x\"}}: field is immutable"
            ])
        func service(_ ip: String) -> Value { ["spec": ["clusterIP": .string(ip), "ports": [["port": 1]]]] }
        #expect(
            try updateProblems(.services, service("10.0.0.1"), service("10.0.0.2")) == [
                "spec.clusterIPs[0]: Invalid value: [\"10.0.0.2\"]: may not change once set"
            ])
        #expect(
            try updateProblems(.configMaps, ["immutable": true, "data": ["a": "1"]], ["data": ["a": "2"]])
                == [
                    "immutable: Forbidden: field is immutable when `immutable` is set",
                    "data: Forbidden: field is immutable when `immutable` is set",
                ])
    }

    @Test func `a claim may be bound and then grow`() throws {
        func claim(_ volume: String?, _ size: String, phase: String) -> Value {
            var claim: Value = [
                "spec": [
                    "accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": .string(size)]],
                ],
                "status": ["phase": .string(phase)],
            ]
            if let volume { claim[path: ["spec", "volumeName"]] = .string(volume) }
            return claim
        }
        let resource = GroupVersionResource.persistentVolumeClaims
        let pending = claim(nil, "1Gi", phase: "Pending")
        let bound = claim("pv", "1Gi", phase: "Bound")
        #expect(try updateProblems(resource, pending, claim("pv", "1Gi", phase: "Pending")) == [])
        #expect(try updateProblems(resource, bound, claim("pv", "2Gi", phase: "Bound")) == [])
        #expect(try updateProblems(resource, pending, claim(nil, "2Gi", phase: "Pending")).count == 1)
        #expect(try updateProblems(resource, bound, claim("other", "1Gi", phase: "Bound")).count == 1)
    }
}
