import APIMachinery
import Testing

@testable import API

@Suite struct DecodingTests {
    /// The type of a kind of the core or another group by its short name: `core.v1.Pod`.
    static func type(_ name: String) throws -> TypeSchema {
        try #require(BuiltinTypes.kubernetes.type(named: "io.k8s.api." + name))
    }

    @Test func `unknown fields are dropped and named by their paths`() throws {
        let value: Value = [
            "apiVersion": "v1", "kind": "Pod", "colour": "red",
            "metadata": ["name": "a", "labels": ["any": "x"]],
            "spec": [
                "containers": [
                    ["name": "m", "image": "i"], ["name": "n", "imag": "i", "ports": [["port": 1]]],
                ],
                "nodeNam": "x",
            ],
        ]
        var unknown: [String] = []
        let pod = try Self.type("core.v1.Pod").decode(value, unknownFields: &unknown)
        #expect(
            unknown == [
                "colour", "spec.containers[1].imag", "spec.containers[1].ports[0].port", "spec.nodeNam",
            ])
        #expect(pod["colour"] == nil)
        #expect(pod.at("metadata", "labels") == ["any": "x"])
    }

    @Test(
        arguments: [
            (
                ["spec": ["replicas": "abc"]],
                "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32"
            ),
            (
                ["spec": ["template": ["spec": ["containers": [["image": 5]]]]]],
                "json: cannot unmarshal number into Go struct field Container.spec.template.spec.containers.image of type string"
            ),
            (
                ["spec": ["replicas": 3_000_000_000]],
                "json: cannot unmarshal number 3000000000 into Go struct field DeploymentSpec.spec.replicas of type int32"
            ),
            (
                ["spec": ["template": ["spec": ["containers": ["image": "x"]]]]],
                "json: cannot unmarshal object into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container"
            ),
            (
                ["metadata": ["labels": ["a": 1]]],
                "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string"
            ),
            (
                ["spec": "x"],
                "json: cannot unmarshal string into Go struct field Deployment.spec of type v1.DeploymentSpec"
            ),
            ([1], "json: cannot unmarshal array into Go value of type v1.Deployment"),
        ] as [(Value, String)])
    func `a wrong type is named as Go names it`(value: Value, message: String) throws {
        let type = try Self.type("apps.v1.Deployment")
        let error = #expect(throws: DecodingError.self) { try type.decode(value) }
        #expect(error?.description == message)
    }

    @Test func `equal values get equal trees`() throws {
        let type = try Self.type("core.v1.Pod")
        let value: Value = [
            "metadata": [
                "name": "a", "creationTimestamp": .null, "deletionTimestamp": "2026-11-21T03:00:00.7+01:00",
                "labels": .emptyObject,
            ],
            "spec": [
                "hostNetwork": false, "nodeName": .null, "terminationGracePeriodSeconds": 0,
                "containers": [
                    ["name": "m", "resources": ["limits": ["cpu": 1.5, "memory": "0.5Gi", "x/y": 2]]]
                ],
            ],
        ]
        #expect(
            try type.decode(value) == [
                "metadata": ["name": "a", "deletionTimestamp": "2026-11-21T02:00:00Z"],
                "spec": [
                    "terminationGracePeriodSeconds": 0,
                    "containers": [
                        [
                            "name": "m",
                            "resources": ["limits": ["cpu": "1500m", "memory": "512Mi", "x/y": "2"]],
                        ]
                    ],
                ],
                "status": .emptyObject,
            ])
    }

    @Test func `what Go always writes is there`() throws {
        let service = try Self.type("core.v1.Service").decode(["spec": ["ports": [["port": 80]]]])
        #expect(
            service == [
                "metadata": .emptyObject, "spec": ["ports": [["port": 80, "targetPort": 0]]],
                "status": ["loadBalancer": .emptyObject],
            ])
        let status = try Self.type("core.v1.ContainerStatus").decode(["name": "m"])
        #expect(status["ready"] == false)
        #expect(status["restartCount"] == 0)
        #expect(status["imageID"] == "")
    }

    @Test func `secrets hold Base64`() throws {
        let type = try Self.type("core.v1.Secret")
        #expect(try type.decode(["data": ["a": "aGk=", "b": .null]])["data"] == ["a": "aGk=", "b": ""])
        let error = #expect(throws: DecodingError.self) { try type.decode(["data": ["a": "aG!="]]) }
        #expect(error?.description == "illegal base64 data at input byte 2")
    }

    @Test func `a schema of a schema may be a list, an object or a flag`() throws {
        let name = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps"
        let type = try #require(BuiltinTypes.kubernetes.type(named: name))
        let value: Value = [
            "additionalProperties": false, "default": ["x": [1]], "enum": ["a", 1],
            "items": ["type": "string", "typo": 1],
            "properties": ["a": ["additionalProperties": ["type": "object"]]],
        ]
        var unknown: [String] = []
        var expected = value
        expected[path: ["items", "typo"]] = nil
        #expect(try type.decode(value, unknownFields: &unknown) == expected)
        #expect(unknown == ["items.typo"])
    }

    @Test func `decoding twice changes nothing`() throws {
        let type = try Self.type("core.v1.Pod")
        var pod = try type.decode(Sample.pod)
        BuiltinDefaults.shared.apply(to: &pod, as: type)
        #expect(try type.decode(pod) == pod)
        var again = pod
        BuiltinDefaults.shared.apply(to: &again, as: type)
        #expect(again == pod)
    }
}

/// Objects as users send them.
enum Sample {
    static let pod: Value = [
        "apiVersion": "v1", "kind": "Pod",
        "metadata": ["name": "web", "namespace": "default", "labels": ["app": "web"]],
        "spec": [
            "containers": [
                [
                    "name": "main", "image": "nginx:1.27",
                    "ports": [["containerPort": 80, "name": "http"]],
                    "resources": ["limits": ["cpu": "500m", "memory": "128Mi"], "requests": ["cpu": "0.1"]],
                    "readinessProbe": ["httpGet": ["port": "http"]],
                    "env": [
                        ["name": "A", "value": "1"],
                        ["name": "NODE", "valueFrom": ["fieldRef": ["fieldPath": "spec.nodeName"]]],
                    ],
                    "volumeMounts": [["name": "data", "mountPath": "/data"]],
                ]
            ],
            "volumes": [["name": "data", "configMap": ["name": "files"]], ["name": "scratch"]],
        ],
    ]
}
