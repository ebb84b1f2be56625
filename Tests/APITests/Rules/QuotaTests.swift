import APIMachinery
import Support
import Testing

@testable import API

@Suite struct QuotaTests {
    private static func pod(_ spec: Value = [:], requests: Value = [:], limits: Value = [:], status: Value = [:]) -> Value {
        var spec = spec
        spec["containers"] = [["name": "c", "resources": ["requests": requests, "limits": limits]]]
        return ["metadata": ["name": "p", "namespace": "ns", "uid": "u"], "spec": spec, "status": status]
    }

    private static func text(_ amounts: QuotaUsage.Amounts) -> String {
        amounts.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
    }

    // MARK: Use

    struct Use: Sendable, CustomTestStringConvertible {
        var resource: GroupVersionResource
        var object: Value
        var wanted: String
        var testDescription: String { wanted }
    }

    @Test(arguments: [
        Use(
            resource: .pods,
            object: pod(requests: ["cpu": "1", "hugepages-2Mi": "2Mi", "example.com/gpu": "2"], limits: ["memory": "1Gi"]),
            wanted: "count/pods=1 cpu=1 hugepages-2Mi=2Mi limits.memory=1Gi pods=1 requests.cpu=1 "
                + "requests.example.com/gpu=2 requests.hugepages-2Mi=2Mi"),
        Use(resource: .pods, object: pod(requests: ["cpu": "1"], status: ["phase": "Failed"]), wanted: "count/pods=1"),
        Use(
            resource: .services, object: ["spec": ["type": "NodePort", "ports": [["port": 1], ["port": 2]]]],
            wanted: "count/services=1 services=1 services.nodeports=2"),
        Use(
            resource: .services,
            object: [
                "spec": [
                    "type": "LoadBalancer", "allocateLoadBalancerNodePorts": false,
                    "ports": [["port": 1, "nodePort": 30000], ["port": 2]],
                ]
            ], wanted: "count/services=1 services=1 services.loadbalancers=1 services.nodeports=1"),
        Use(
            resource: .persistentVolumeClaims,
            object: [
                "spec": ["storageClassName": "gold", "resources": ["requests": ["storage": "1Gi"]]],
                "status": ["allocatedResources": ["storage": "2Gi"]],
            ],
            wanted: "count/persistentvolumeclaims=1 gold.storageclass.storage.k8s.io/persistentvolumeclaims=1 "
                + "gold.storageclass.storage.k8s.io/requests.storage=2Gi persistentvolumeclaims=1 requests.storage=2Gi"),
        Use(
            resource: .resourceClaims,
            object: [
                "spec": [
                    "devices": [
                        "requests": [
                            ["exactly": ["deviceClassName": "gpu", "count": 2]],
                            ["firstAvailable": [["deviceClassName": "gpu"], ["deviceClassName": "nic", "count": 3]]],
                        ]
                    ]
                ]
            ],
            wanted: "count/resourceclaims.resource.k8s.io=1 gpu.deviceclass.resource.k8s.io/devices=3 "
                + "nic.deviceclass.resource.k8s.io/devices=3 requests.deviceclass.resource.kubernetes.io/gpu=3 "
                + "requests.deviceclass.resource.kubernetes.io/nic=3"),
        Use(
            resource: .resourceClaims,
            object: [
                "metadata": [
                    "annotations": ["resource.kubernetes.io/extended-resource-claim": "true"],
                    "ownerReferences": [["kind": "Pod", "name": "p", "controller": true]],
                ],
                "spec": ["devices": ["requests": [["exactly": ["deviceClassName": "gpu", "count": 2]]]]],
            ],
            wanted: "count/resourceclaims.resource.k8s.io=1 gpu.deviceclass.resource.k8s.io/devices=2"),
        Use(
            resource: .pods,
            object: [
                "spec": [
                    "containers": [
                        ["resources": ["requests": ["deviceclass.resource.kubernetes.io/gpu": "2", "example.com/x": "1"]]]
                    ]
                ]
            ],
            wanted: "count/pods=1 pods=1 requests.deviceclass.resource.kubernetes.io/gpu=2 requests.example.com/x=1"),
        Use(resource: .secrets, object: [:], wanted: "count/secrets=1 secrets=1"),
        Use(resource: .deployments, object: [:], wanted: "count/deployments.apps=1"),
    ])
    func `an object uses what is in it`(use: Use) {
        #expect(Self.text(QuotaUsage.of(use.object, use.resource)) == use.wanted)
        // Whatever is used has a name that leads back to the resource.
        for name in QuotaUsage.of(use.object, use.resource).keys {
            switch QuotaNames.source(of: name) {
            case .measured: #expect(QuotaNames.isUsed(name, by: use.resource))
            case .count(let resource, let group):
                #expect(resource == use.resource.resource && group == use.resource.group)
            case nil: Issue.record("\(name) means nothing")
            }
        }
    }

    @Test func `devices count as the resource that their class stands for`() {
        let claim: Value = ["spec": ["devices": ["requests": [["exactly": ["deviceClassName": "gpu", "count": 2]]]]]]
        func used(_ hard: Value, _ extended: [String: String]) -> String {
            let rules = QuotaRules(["spec": ["hard": hard]], extended: extended)
            return Self.text(rules.usage(of: claim, .resourceClaims))
        }
        #expect(used(["requests.example.com/gpu": "4"], ["gpu": "example.com/gpu"]) == "requests.example.com/gpu=2")
        #expect(used(["requests.example.com/gpu": "4"], ["gpu": "example.com/tpu"]) == "")
        #expect(used(["requests.example.com/gpu": "4"], [:]) == "")
        let classes: [Value] = [
            ["metadata": ["name": "gpu"], "spec": ["extendedResourceName": "example.com/gpu"]],
            ["metadata": ["name": "nic"], "spec": [:]],
        ]
        #expect(QuotaNames.extended(by: classes) == ["gpu": "example.com/gpu"])
    }

    // MARK: Scopes

    @Test(arguments: [
        (["scopes": ["Terminating"]], ["activeDeadlineSeconds": 5], true),
        (["scopes": ["Terminating"]], [:], false), (["scopes": ["NotTerminating"]], [:], true),
        (["scopes": ["BestEffort"]], [:], true), (["scopes": ["NotBestEffort"]], [:], false),
        (["scopes": ["BestEffort", "Terminating"]], [:], false),
        (["scopes": ["PriorityClass"]], ["priorityClassName": "high"], true), (["scopes": ["PriorityClass"]], [:], false),
        (selector("In", ["high"]), ["priorityClassName": "high"], true),
        (selector("In", ["high"]), ["priorityClassName": "low"], false), (selector("NotIn", ["high"]), [:], true),
        (selector("DoesNotExist", []), [:], true),
        (
            ["scopes": ["CrossNamespacePodAffinity"]],
            [
                "affinity": [
                    "podAffinity": ["requiredDuringSchedulingIgnoredDuringExecution": [["namespaces": ["other"]]]]
                ]
            ], true
        ),
        (["scopes": ["CrossNamespacePodAffinity"]], ["affinity": ["podAffinity": [:]]], false),
    ] as [(Value, Value, Bool)])
    func `a quota with scopes counts those pods alone`(spec: Value, pod: Value, isCounted: Bool) {
        var spec = spec
        spec["hard"] = ["pods": "5", "services": "5", "count/deployments.apps": "5"]
        let rules = QuotaRules(["metadata": ["name": "q"], "spec": spec])
        #expect(rules.usage(of: Self.pod(pod), .pods).isEmpty != isCounted)
        #expect(rules.usage(of: [:], .services).isEmpty)
        #expect(rules.usage(of: [:], .deployments).isEmpty)
    }

    private static func selector(_ operator: String, _ values: [String]) -> Value {
        let requirement: Value = [
            "scopeName": "PriorityClass", "operator": .string(`operator`), "values": Value(values),
        ]
        return ["scopeSelector": ["matchExpressions": [requirement]]]
    }

    // MARK: Demands

    @Test func `where compute is limited each container says what it wants`() {
        let names: Set = ["requests.cpu", "limits.memory", "pods"]
        #expect(
            QuotaDemands.complaint(about: Self.pod(), limited: names)
                == "must specify limits.memory for: c; requests.cpu for: c")
        #expect(
            QuotaDemands.complaint(about: Self.pod(requests: ["cpu": "1"], limits: ["memory": "1"]), limited: names) == nil)
        #expect(
            QuotaDemands.complaint(about: Self.pod(["resources": ["requests": ["cpu": "1"]]]), limited: names) == nil)
        #expect(QuotaDemands.complaint(about: Self.pod(), limited: ["pods", "requests.storage"]) == nil)
    }

    // MARK: The book

    private static func stored(_ name: String, _ cpu: String, at revision: Int64, _ metadata: Value = [:]) throws -> StoredObject {
        var pod = pod(requests: ["cpu": .string(cpu)])
        pod["metadata"] = metadata
        for (key, text) in ["name": name, "namespace": "ns", "uid": name] { pod[path: ["metadata", key]] = .string(text) }
        return try StoredObject(logged: pod.json, revision: revision)
    }

    private static let quota = ObjectName(namespace: "ns", name: "q")
    private static let rules = QuotaRules([
        "metadata": ["name": "q"], "spec": ["hard": ["pods": "9", "requests.cpu": "9", "services": "1"]],
    ])

    private func used(_ book: QuotaBook) -> String { Self.text(book.account(of: Self.quota)?.used ?? [:]) }

    @Test func `a book that begins with a listing follows what comes, and what came late`() throws {
        var book = QuotaBook()
        let (first, second) = (try Self.stored("a", "1", at: 5), try Self.stored("a", "2", at: 7))
        book.apply(.pods, old: nil, new: first)
        #expect(book.account(of: Self.quota) == nil)
        book.set(Self.rules, for: Self.quota) { $0 == .pods ? [second] : [] }
        #expect(used(book) == "pods=1 requests.cpu=2 services=0")
        // Changes that the listing had shown.
        book.apply(.pods, old: nil, new: first)
        book.apply(.pods, old: first, new: second)
        #expect(used(book) == "pods=1 requests.cpu=2 services=0")
        let third = try Self.stored("a", "3", at: 9)
        book.apply(.pods, old: second, new: third)
        #expect(used(book) == "pods=1 requests.cpu=3 services=0")
        book.apply(.pods, old: third, new: nil)
        #expect(used(book) == "pods=0 requests.cpu=0 services=0")
        let again = try Self.stored("a", "1", at: 12)
        book.apply(.pods, old: nil, new: again)
        #expect(used(book) == "pods=1 requests.cpu=1 services=0")
        book.set(nil, for: Self.quota) { _ in [] }
        #expect(!book.hasQuotas(in: "ns"))
    }

    @Test func `a pod that should be gone is not counted, and not taken off twice`() throws {
        var book = QuotaBook()
        book.set(Self.rules, for: Self.quota) { _ in [] }
        let pod = try Self.stored("a", "1", at: 5)
        let leaving = try Self.stored(
            "a", "1", at: 6, ["deletionTimestamp": "2026-01-01T00:00:30Z", "deletionGracePeriodSeconds": 30])
        book.apply(.pods, old: nil, new: pod)
        book.apply(.pods, old: pod, new: leaving)
        let end = try #require(Timestamp("2026-01-01T00:01:00Z"))
        #expect(book.nextEnd(in: "ns") == end)
        book.expire(in: "ns", at: end + .seconds(-1))
        #expect(used(book) == "pods=1 requests.cpu=1 services=0")
        book.expire(in: "ns", at: end)
        #expect(used(book) == "pods=0 requests.cpu=0 services=0")
        #expect(book.nextEnd(in: "ns") == nil)
        book.apply(.pods, old: leaving, new: nil)
        #expect(used(book) == "pods=0 requests.cpu=0 services=0")
    }
}
