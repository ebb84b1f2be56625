import API
import APIMachinery
import APIServer
import Client
import Datastore
import PKI
import Support
import Testing

/// Quotas in a whole server.
@Suite struct QuotaAdmissionTests {
    private static func pod(_ name: String, _ spec: Value = [:], _ resources: Value = [:]) -> Value {
        var spec = spec
        spec["containers"] = [["name": "c", "image": "i", "resources": resources]]
        return ["apiVersion": "v1", "kind": "Pod", "metadata": ["name": .string(name)], "spec": spec]
    }

    private static let pods = Target(.pods, namespace: "default")

    private func withServer(
        _ admission: AdmissionOptions = AdmissionOptions(), _ body: (APIServer, LocalClient) async throws -> Void
    ) async throws {
        var options = APIServerOptions(
            durable: MemoryDatastore(), volatile: MemoryDatastore(), clientAuthorities: [],
            serviceAccountKeys: [try PrivateKey.generateP256()],
            serviceCIDR: try #require(IPPrefix("10.43.0.0/16")),
            advertiseAddress: try #require(IPAddress("127.0.0.1")), advertisePort: 6443,
            version: ["gitVersion": "v1.36.3+k3s1"])
        options.admission = admission
        let server = try await APIServer.open(options)
        await server.bootstrap()
        let admin = server.client()
        try await admin.create(ServiceAccount(namespace: "default", name: "default"))
        try await body(server, admin)
        await server.close()
    }

    private func limit(_ admin: LocalClient, _ hard: Value, _ spec: Value = [:]) async throws {
        var spec = spec
        spec["hard"] = hard
        _ = try await admin.create(
            Target(.resourceQuotas, namespace: "default"), ["metadata": ["name": "q"], "spec": spec], WriteOptions())
    }

    private func refusal(_ body: () async throws -> Void) async throws -> String {
        let status = await #expect(throws: Status.self) { try await body() }
        #expect(status?.code == 403)
        return status?.message ?? ""
    }

    @Test func `pods are counted, and make room when they end`() async throws {
        try await withServer { _, admin in
            _ = try await admin.create(Self.pods, Self.pod("a", [:], ["requests": ["cpu": "300m"]]), WriteOptions())
            try await limit(admin, ["pods": "2", "requests.cpu": "1"])
            #expect(
                try await refusal { _ = try await admin.create(Self.pods, Self.pod("b"), WriteOptions()) }
                    == "pods \"b\" is forbidden: failed quota: q: must specify requests.cpu for: c")
            let big = Self.pod("b", [:], ["requests": ["cpu": "800m"]])
            #expect(
                try await refusal { _ = try await admin.create(Self.pods, big, WriteOptions()) }
                    == "pods \"b\" is forbidden: exceeded quota: q, requested: requests.cpu=800m, used: "
                    + "requests.cpu=300m, limited: requests.cpu=1")
            let small = Self.pod("b", [:], ["requests": ["cpu": "700m"]])
            _ = try await admin.create(Self.pods, small, WriteOptions(isDryRun: true))
            _ = try await admin.create(Self.pods, small, WriteOptions())
            let more = Self.pod("c", [:], ["requests": ["cpu": "0"]])
            #expect(
                try await refusal { _ = try await admin.create(Self.pods, more, WriteOptions()) }
                    == "pods \"c\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2")
            _ = try await admin.patch(
                Target(.pods, namespace: "default", name: "a", subresource: "status"),
                .merge(["status": ["phase": "Succeeded"]]), WriteOptions())
            _ = try await admin.create(Self.pods, more, WriteOptions())
        }
    }

    @Test func `writers at the same time keep within a quota, and use it up`() async throws {
        try await withServer { server, admin in
            try await limit(admin, ["pods": "10", "count/configmaps": "7"])
            let (pods, maps) = await withTaskGroup(of: (isPod: Bool, isMade: Bool).self) { group in
                for index in 0..<32 {
                    group.addTask {
                        let made = try? await server.client().create(Self.pods, Self.pod("p\(index)"), WriteOptions())
                        return (true, made != nil)
                    }
                    group.addTask {
                        let target = Target(.configMaps, namespace: "default")
                        let map: Value = ["metadata": ["name": .string("m\(index)")]]
                        let made = try? await server.client().create(target, map, WriteOptions())
                        return (false, made != nil)
                    }
                }
                return await group.reduce(into: (0, 0)) { count, one in
                    guard one.isMade else { return }
                    if one.isPod { count.0 += 1 } else { count.1 += 1 }
                }
            }
            #expect(pods == 10)
            #expect(maps == 7)
            #expect(try await admin.list(Self.pods, ListOptions()).items.count == 10)
            #expect(try await admin.list(Target(.configMaps, namespace: "default"), ListOptions()).items.count == 7)
        }
    }

    @Test func `services, claims and the number of any kind are limited`() async throws {
        try await withServer { _, admin in
            try await limit(
                admin,
                [
                    "services.nodeports": "1", "requests.storage": "1Gi", "count/deployments.apps": "0",
                    "gold.storageclass.storage.k8s.io/requests.storage": "0",
                ])
            func service(_ type: String, ports: Int) -> Value {
                let ports = (1...ports).map { ["name": .string("p\($0)"), "port": .integer(Int64($0))] as Value }
                return ["metadata": ["name": "s"], "spec": ["type": .string(type), "ports": .array(ports)]]
            }
            let services = Target(.services, namespace: "default")
            _ = try await admin.create(services, service("ClusterIP", ports: 2), WriteOptions())
            // An update counts too.
            let patch = Patch.merge(["spec": ["type": "NodePort"]])
            let target = Target(.services, namespace: "default", name: "s")
            #expect(
                try await refusal { _ = try await admin.patch(target, patch, WriteOptions()) }
                    == "services \"s\" is forbidden: exceeded quota: q, requested: services.nodeports=2, used: "
                    + "services.nodeports=0, limited: services.nodeports=1")
            func claim(_ size: String, _ storageClass: String) -> Value {
                [
                    "metadata": ["name": "c"],
                    "spec": [
                        "accessModes": ["ReadWriteOnce"], "storageClassName": .string(storageClass),
                        "resources": ["requests": ["storage": .string(size)]],
                    ],
                ]
            }
            let claims = Target(.persistentVolumeClaims, namespace: "default")
            for (claim, name) in [
                (claim("2Gi", "iron"), "requests.storage"),
                (claim("1Gi", "gold"), "gold.storageclass.storage.k8s.io/requests.storage"),
            ] {
                #expect(
                    try await refusal { _ = try await admin.create(claims, claim, WriteOptions()) }
                        .contains("requested: \(name)="))
            }
            let template: Value = ["metadata": ["labels": ["a": "b"]], "spec": Self.pod("x")["spec"] ?? .null]
            let deployment: Value = [
                "metadata": ["name": "d"], "spec": ["selector": ["matchLabels": ["a": "b"]], "template": template],
            ]
            #expect(
                try await refusal {
                    _ = try await admin.create(Target(.deployments, namespace: "default"), deployment, WriteOptions())
                }.hasSuffix(
                    "exceeded quota: q, requested: count/deployments.apps=1, used: count/deployments.apps=0, "
                        + "limited: count/deployments.apps=0"))
        }
    }

    @Test func `devices of claims count as the resource that their class stands for`() async throws {
        try await withServer { _, admin in
            try await limit(admin, ["requests.example.com/gpu": "1"])
            let gpu: Value = ["metadata": ["name": "gpu"], "spec": ["extendedResourceName": "example.com/gpu"]]
            _ = try await admin.create(Target(.deviceClasses), gpu, WriteOptions())
            func claim(_ name: String) -> Value {
                let request: Value = ["name": "r", "exactly": ["deviceClassName": "gpu"]]
                return ["metadata": ["name": .string(name)], "spec": ["devices": ["requests": [request]]]]
            }
            let claims = Target(.resourceClaims, namespace: "default")
            _ = try await admin.create(claims, claim("a"), WriteOptions())
            #expect(
                try await refusal { _ = try await admin.create(claims, claim("b"), WriteOptions()) }.hasSuffix(
                    "exceeded quota: q, requested: requests.example.com/gpu=1, used: requests.example.com/gpu=1, "
                        + "limited: requests.example.com/gpu=1"))
        }
    }

    @Test func `what is limited by the configuration needs a quota`() async throws {
        let options = try AdmissionOptions(
            enable: [], disable: [],
            configuration: """
                kind: AdmissionConfiguration
                plugins:
                - name: ResourceQuota
                  configuration:
                    limitedResources:
                    - resource: pods
                      matchScopes:
                      - {scopeName: PriorityClass, operator: In, values: [high]}
                    - resource: persistentvolumeclaims
                      matchContains: [.storageclass.storage.k8s.io/requests.storage]
                """
        ) { _ in "" }
        try await withServer(options) { _, admin in
            _ = try await admin.create(
                Target(.priorityClasses), ["metadata": ["name": "high"], "value": 5], WriteOptions())
            let pod = Self.pod("a", ["priorityClassName": "high"])
            #expect(
                try await refusal { _ = try await admin.create(Self.pods, pod, WriteOptions()) }
                    == "pods \"a\" is forbidden: insufficient quota to match these scopes: [{PriorityClass In [high]}]")
            try await limit(
                admin, ["pods": "1"],
                ["scopeSelector": ["matchExpressions": [["scopeName": "PriorityClass", "operator": "Exists"]]]])
            _ = try await admin.create(Self.pods, pod, WriteOptions())
            let claim: Value = [
                "metadata": ["name": "c"],
                "spec": [
                    "accessModes": ["ReadWriteOnce"], "storageClassName": "gold",
                    "resources": ["requests": ["storage": "1Gi"]],
                ],
            ]
            #expect(
                try await refusal {
                    _ = try await admin.create(
                        Target(.persistentVolumeClaims, namespace: "default"), claim, WriteOptions())
                }.hasSuffix(
                    "insufficient quota to consume: gold.storageclass.storage.k8s.io/requests.storage"))
        }
    }
}
