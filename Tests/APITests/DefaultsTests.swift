import APIMachinery
import Testing

@testable import API

@Suite struct DefaultsTests {
    private func completed(_ type: String, _ value: Value) throws -> Value {
        let type = try DecodingTests.type(type)
        var object = try type.decode(value)
        BuiltinDefaults.shared.apply(to: &object, as: type)
        return object
    }

    @Test func `a pod is filled in`() throws {
        let pod = try completed("core.v1.Pod", Sample.pod)
        let spec = try #require(pod["spec"])
        #expect(spec["restartPolicy"] == "Always")
        #expect(spec["dnsPolicy"] == "ClusterFirst")
        #expect(spec["terminationGracePeriodSeconds"] == 30)
        #expect(spec["enableServiceLinks"] == true)
        #expect(spec["securityContext"] == .emptyObject)
        let container = try #require(spec["containers"]?.array?.first)
        #expect(container["imagePullPolicy"] == "IfNotPresent")
        #expect(container.at("resources", "requests") == ["cpu": "100m", "memory": "128Mi"])
        #expect(container["ports"] == [["containerPort": 80, "name": "http", "protocol": "TCP"]])
        #expect(
            container["readinessProbe"] == [
                "httpGet": ["path": "/", "port": "http", "scheme": "HTTP"], "failureThreshold": 3,
                "periodSeconds": 10,
                "successThreshold": 1, "timeoutSeconds": 1,
            ])
        #expect(
            spec["volumes"] == [
                ["configMap": ["defaultMode": 420, "name": "files"], "name": "data"],
                ["emptyDir": .emptyObject, "name": "scratch"],
            ])
        #expect(container["env"]?.array?[1].at("valueFrom", "fieldRef", "apiVersion") == "v1")
    }

    @Test func `a negative grace period of a pod is a second, one of a template stays`() throws {
        let spec: Value = ["containers": [["name": "a", "image": "i"]], "terminationGracePeriodSeconds": -1]
        let pod = try completed("core.v1.Pod", ["metadata": ["name": "p"], "spec": spec])
        #expect(pod.at("spec", "terminationGracePeriodSeconds") == 1)
        let template = try completed("core.v1.PodTemplate", ["template": ["spec": spec]])
        #expect(template.at("template", "spec", "terminationGracePeriodSeconds") == -1)
    }

    @Test func `templates of claims say what they are`() throws {
        let set: Value = ["spec": ["volumeClaimTemplates": [["metadata": ["name": "data"]]]]]
        let template = try completed("apps.v1.StatefulSet", set).at("spec", "volumeClaimTemplates")?.array?.first
        #expect(template?["apiVersion"] == "v1" && template?["kind"] == "PersistentVolumeClaim")
        #expect(template?.at("spec", "volumeMode") == "Filesystem")
    }

    @Test func `what is for pods only does not touch templates`() throws {
        let value: Value = [
            "spec": [
                "selector": ["matchLabels": ["a": "b"]],
                "template": [
                    "spec": [
                        "hostNetwork": true,
                        "containers": [
                            [
                                "name": "m", "image": "i", "ports": [["containerPort": 1]],
                                "resources": ["limits": ["cpu": "1"]],
                            ]
                        ],
                    ]
                ],
            ]
        ]
        let template = try #require(try completed("apps.v1.Deployment", value).at("spec", "template", "spec"))
        #expect(template["enableServiceLinks"] == nil)
        let container = try #require(template["containers"]?.array?.first)
        #expect(container.at("resources", "requests") == nil)
        #expect(container["ports"] == [["containerPort": 1, "protocol": "TCP"]])
        #expect(template["restartPolicy"] == "Always")
    }

    /// What the pod as a whole requests by its limits and by what its only container says of resources.
    @Test(arguments: [
        ([:], ["limits": ["cpu": "2"]], ["cpu": "2"]),
        (["requests": ["cpu": "1"]], ["limits": ["cpu": "2"]], ["cpu": "1"]),
        (["limits": ["cpu": "1"]], ["limits": ["cpu": "2"]], ["cpu": "1"]),
        (["requests": ["memory": "1Mi"]], ["limits": ["cpu": "2"]], ["cpu": "2", "memory": "1Mi"]),
        (["requests": ["cpu": "1"]], ["limits": ["cpu": "2"], "requests": ["cpu": "1500m"]], ["cpu": "1500m"]),
        (["requests": ["cpu": "1"]], ["requests": ["memory": "1Gi"]], ["memory": "1Gi"]),
        (
            ["requests": ["example.com/gpu": "1"], "limits": ["example.com/gpu": "1"]], ["limits": ["memory": "1Gi"]],
            ["memory": "1Gi"]
        ),
        ([:], [:], nil),
    ] as [(Value, Value, Value?)])
    func `a pod with limits of its own requests something`(container: Value, whole: Value, requests: Value?) throws {
        var pod: Value = [
            "spec": ["containers": [["name": "c", "image": "i", "resources": container]], "resources": whole]
        ]
        if whole.fields?.isEmpty == true { pod[path: ["spec", "resources"]] = nil }
        #expect(try completed("core.v1.Pod", pod).at("spec", "resources", "requests") == requests)
    }

    /// What the pod as a whole is limited to and requests by what its two containers may have of huge pages.
    @Test(arguments: [
        (["limits": ["cpu": "1"]], ["cpu": "1", "hugepages-2Mi": "6Mi"], ["cpu": "1", "hugepages-2Mi": "6Mi"]),
        (["requests": ["cpu": "1"]], ["hugepages-2Mi": "6Mi"], ["cpu": "1", "hugepages-2Mi": "6Mi"]),
        (
            ["limits": ["cpu": "1", "hugepages-2Mi": "8Mi"]], ["cpu": "1", "hugepages-2Mi": "8Mi"],
            ["cpu": "1", "hugepages-2Mi": "8Mi"]
        ),
        (["requests": ["hugepages-2Mi": "8Mi"]], nil, ["hugepages-2Mi": "8Mi"]),
        (["limits": [:]], nil, nil),
    ] as [(Value, Value?, Value?)])
    func `a pod with resources of its own has the huge pages of its containers`(
        whole: Value, limits: Value?, requests: Value?
    ) throws {
        let containers = ["a": "2Mi", "b": "4Mi"].map { name, amount -> Value in
            ["name": .string(name), "image": "i", "resources": ["limits": ["hugepages-2Mi": .string(amount)]]]
        }
        let pod: Value = ["spec": ["containers": .array(containers), "resources": whole]]
        let resources = try completed("core.v1.Pod", pod).at("spec", "resources")
        #expect(resources?["limits"] == limits)
        #expect(resources?["requests"] == requests)
    }

    @Test func `plain text of a secret becomes data and is not kept`() throws {
        let secret = try completed(
            "core.v1.Secret", ["data": ["a": "MQ==", "b": "MQ=="], "stringData": ["b": "2", "c": ""]])
        #expect(secret["data"] == ["a": "MQ==", "b": "Mg==", "c": ""])
        #expect(secret["stringData"] == nil)
        #expect(secret["type"] == "Opaque")
    }

    @Test(arguments: [
        ("Node", #"{"podCIDR":"10.1.0.0/24"}"#, #"{"podCIDR":"10.1.0.0/24","podCIDRs":["10.1.0.0/24"]}"#),
        ("Node", #"{"podCIDRs":["10.1.0.0/24"]}"#, #"{"podCIDR":"10.1.0.0/24","podCIDRs":["10.1.0.0/24"]}"#),
        (
            "Node", #"{"podCIDR":"10.1.0.0/24","podCIDRs":["10.1.0.0/24","fd00::/64"]}"#,
            #"{"podCIDR":"10.1.0.0/24","podCIDRs":["10.1.0.0/24","fd00::/64"]}"#
        ),
        (
            "Node", #"{"podCIDR":"10.2.0.0/24","podCIDRs":["10.1.0.0/24","fd00::/64"]}"#,
            #"{"podCIDR":"10.2.0.0/24","podCIDRs":["10.2.0.0/24"]}"#
        ),
        ("Node", #"{"podCIDRs":[]}"#, #"{}"#),
        ("Pod", #"{"podIP":"10.1.0.1"}"#, #"{"podIP":"10.1.0.1","podIPs":[{"ip":"10.1.0.1"}]}"#),
        ("Pod", #"{"podIPs":[{"ip":"10.1.0.1"}]}"#, #"{"podIP":"10.1.0.1","podIPs":[{"ip":"10.1.0.1"}]}"#),
        (
            "Pod", #"{"podIP":"10.1.0.2","podIPs":[{"ip":"10.1.0.1"}]}"#,
            #"{"podIP":"10.1.0.2","podIPs":[{"ip":"10.1.0.2"}]}"#
        ),
    ])
    func `a list and the field before it say the same`(kind: String, given: String, kept: String) throws {
        let part = kind == "Node" ? "spec" : "status"
        let object = try completed("core.v1." + kind, [part: try Value(json: given)])
        let keys = kind == "Node" ? ["podCIDR", "podCIDRs"] : ["podIP", "podIPs"]
        var found = Value.emptyObject
        for key in keys where object.at(part, key)?.array?.isEmpty != true { found[key] = object.at(part, key) }
        #expect(found.description == kept)
    }

    @Test func `a deployment rolls by a quarter`() throws {
        let spec = try #require(try completed("apps.v1.Deployment", ["spec": .emptyObject])["spec"])
        #expect(spec["replicas"] == 1)
        #expect(
            spec["strategy"] == [
                "type": "RollingUpdate", "rollingUpdate": ["maxSurge": "25%", "maxUnavailable": "25%"],
            ])
        let recreate = try completed(
            "apps.v1.Deployment", ["spec": ["replicas": 0, "strategy": ["type": "Recreate"]]])
        #expect(recreate.at("spec", "strategy") == ["type": "Recreate"])
        #expect(recreate.at("spec", "replicas") == 0)
    }

    @Test func `a service points at its own ports`() throws {
        let service = try completed(
            "core.v1.Service", ["spec": ["ports": [["port": 80], ["port": 81, "targetPort": "web"]]]])
        #expect(
            service["spec"] == [
                "internalTrafficPolicy": "Cluster",
                "ports": [
                    ["port": 80, "protocol": "TCP", "targetPort": 80],
                    ["port": 81, "protocol": "TCP", "targetPort": "web"],
                ], "sessionAffinity": "None", "type": "ClusterIP",
            ])
        let external = try completed(
            "core.v1.Service", ["spec": ["type": "NodePort", "sessionAffinity": "ClientIP"]])
        #expect(external.at("spec", "externalTrafficPolicy") == "Cluster")
        #expect(external.at("spec", "sessionAffinityConfig", "clientIP", "timeoutSeconds") == 10_800)
    }

    @Test(arguments: [
        ("nginx", "Always"), ("nginx:latest", "Always"), ("nginx:1", "IfNotPresent"),
        ("reg:5000/nginx", "Always"),
        ("reg:5000/nginx:1", "IfNotPresent"), ("nginx@sha256:abc", "IfNotPresent"),
        ("nginx:latest@sha256:a", "Always"),
        ("", "IfNotPresent"),
    ])
    func `only the latest image is always pulled`(image: String, policy: String) {
        #expect(BuiltinDefaults.pullPolicy(ofImage: image) == policy)
    }

    @Test(
        arguments: [
            ("core.v1.Secret", ["type"], "Opaque"),
            ("core.v1.PersistentVolumeClaim", ["spec", "volumeMode"], "Filesystem"),
            ("storage.v1.StorageClass", ["volumeBindingMode"], "Immediate"),
            ("batch.v1.Job", ["spec", "backoffLimit"], 6),
            ("batch.v1.CronJob", ["spec", "concurrencyPolicy"], "Allow"),
            ("rbac.v1.RoleBinding", ["roleRef", "apiGroup"], "rbac.authorization.k8s.io"),
            (
                "apps.v1.StatefulSet", ["spec", "updateStrategy"],
                ["rollingUpdate": ["partition": 0], "type": "RollingUpdate"]
            ),
            ("core.v1.Namespace", ["metadata", "labels"], ["kubernetes.io/metadata.name": "x"]),
        ] as [(String, [String], Value)])
    func `other kinds have their defaults`(type: String, path: [String], value: Value) throws {
        #expect(try completed(type, ["metadata": ["name": "x"], "spec": .emptyObject])[path: path] == value)
    }
}
