import API
import APIMachinery
import Client
import ClientTestSupport
import Logging
import Testing

@testable import Scheduler

/// Devices for the claims of pods.
@Suite(.timeLimit(.minutes(1))) struct DeviceTests {
    /// Node a has two small devices and a big one, b one small; one that the network reaches is everyone's.
    private static let slices: [Value] = [
        slice("a", [device("s1", "small", 1), device("s2", "small", 2), device("big", "big", 2)]),
        slice("b", [device("s3", "small", 1)]),
        [
            "driver": "net.example", "allNodes": true, "devices": [["name": "wire"]],
            "pool": ["name": "net", "generation": 1, "resourceSliceCount": 1],
        ],
    ]

    private static func slice(_ node: String, _ devices: [Value], generation: Int64 = 1, of count: Int64 = 1) -> Value {
        [
            "driver": "gpu.example", "nodeName": .string(node), "devices": .array(devices),
            "pool": [
                "name": .string(node), "generation": .integer(generation), "resourceSliceCount": .integer(count),
            ],
        ]
    }

    private static func device(_ name: String, _ model: String, _ rack: Int64) -> Value {
        [
            "name": .string(name),
            "attributes": ["model": ["string": .string(model)], "gpu.example/rack": ["int": .integer(rack)]],
            "capacity": ["memory": ["value": .string(model == "big" ? "80Gi" : "8Gi")]],
        ]
    }

    private static let classes: [String: Value] = [
        "gpu": ["selectors": [["cel": ["expression": "device.driver == 'gpu.example'"]]]],
        "net": ["selectors": [["cel": ["expression": "device.driver == 'net.example'"]]]],
    ]

    private func need(_ devices: Value) throws -> DeviceNeed {
        let claim: Value = ["metadata": ["name": "c", "namespace": "ns", "uid": "u"], "spec": ["devices": devices]]
        return try DeviceNeed(claim) { Self.classes[$0] }
    }

    private func request(_ more: [String: Value] = [:], class name: String = "gpu") -> Value {
        var request: Value = ["deviceClassName": .string(name)]
        for (key, value) in more { request[key] = value }
        return request
    }

    /// The devices that a claim gets on each node.
    private func picks(_ devices: Value, taken: [String] = []) throws -> [String: [String]] {
        var facts = PodDevices()
        facts.needs = [try need(devices)]
        facts.stock = DeviceStock(of: Self.slices)
        for device in facts.stock.devices where taken.contains(device.id.device) { facts.taken.add(device.id) }
        let cluster = Given.cluster(Given.node("a"), Given.node("b"))
        return cluster.order.reduce(into: [:]) { $0[$1.name] = facts.picks(on: $1)?.map(\.device.id.device) }
    }

    private func expression(_ text: String) -> Value { [["cel": ["expression": .string(text)]]] }

    @Test func `so many devices of a class are given, none of them twice`() throws {
        let one: Value = ["requests": [["name": "r", "exactly": request()]]]
        #expect(try picks(one) == ["a": ["s1"], "b": ["s3"]])
        #expect(try picks(one, taken: ["s1", "s3"]) == ["a": ["s2"]])
        let two: Value = ["requests": [["name": "r", "exactly": request(["count": 2])]]]
        #expect(try picks(two) == ["a": ["s1", "s2"]])
        let apart: Value = ["requests": [["name": "r", "exactly": request()], ["name": "q", "exactly": request()]]]
        #expect(try picks(apart) == ["a": ["s1", "s2"]])
        #expect(try picks(["requests": [["name": "r", "exactly": request(class: "net")]]]) == ["a": ["wire"], "b": ["wire"]])
    }

    @Test func `all devices that suit are given, or none`() throws {
        let all: Value = ["requests": [["name": "r", "exactly": request(["allocationMode": "All"])]]]
        #expect(try picks(all) == ["a": ["s1", "s2", "big"], "b": ["s3"]])
        #expect(try picks(all, taken: ["s2"]) == ["b": ["s3"]])
    }

    @Test(arguments: [
        ("device.attributes['gpu.example'].model == 'big'", ["a": ["big"]]),
        ("device.capacity['gpu.example'].memory.compareTo(quantity('10Gi')) > 0", ["a": ["big"]]),
        ("device.attributes['gpu.example'].rack == 1", ["a": ["s1"], "b": ["s3"]]),
        ("device.attributes['other.example'].model == 'big'", [:]),
    ])
    func `expressions look at devices`(text: String, given: [String: [String]]) throws {
        let exactly = request(["selectors": expression(text)])
        #expect(try picks(["requests": [["name": "r", "exactly": exactly]]]) == given)
    }

    @Test func `devices agree or differ as the claim says, and the search turns back for that`() throws {
        func pair(_ constraint: String) -> Value {
            [
                "requests": [["name": "r", "exactly": request(["count": 2])]],
                "constraints": [.object(Fields([(constraint, "gpu.example/rack")]))],
            ]
        }
        #expect(try picks(pair("matchAttribute")) == ["a": ["s2", "big"]])
        #expect(try picks(pair("distinctAttribute")) == ["a": ["s1", "s2"]])
        // The first device that suits the first request is the only one for the second.
        let small = expression("device.attributes['gpu.example'].rack == 1")
        let greedy: Value = [
            "requests": [["name": "r", "exactly": request()], ["name": "q", "exactly": request(["selectors": small])]]
        ]
        #expect(try picks(greedy) == ["a": ["s2", "s1"]])
    }

    @Test func `the first way that can be had is taken`() throws {
        let big = expression("device.attributes['gpu.example'].model == 'big'")
        var (first, second) = (request(["selectors": big]), request())
        (first["name"], second["name"]) = ("big", "any")
        let either: Value = ["requests": [["name": "r", "firstAvailable": [first, second]]]]
        #expect(try picks(either) == ["a": ["big"], "b": ["s3"]])
        #expect(try picks(either, taken: ["big"]) == ["a": ["s1"], "b": ["s3"]])
    }

    @Test func `a node that has what a claim would rather have is better`() throws {
        let big = expression("device.attributes['gpu.example'].model == 'big'")
        var (first, second) = (request(["selectors": big]), request())
        (first["name"], second["name"]) = ("big", "any")
        var facts = PodDevices()
        facts.needs = [try need(["requests": [["name": "r", "firstAvailable": [first, second]]]])]
        facts.stock = DeviceStock(of: Self.slices)
        let cluster = Given.cluster(Given.node("a"), Given.node("b"))
        let nodes = cluster.order.sorted { $0.name < $1.name }
        #expect(DynamicResourcesScorer(facts)?.scores(of: nodes) == [100, 87])
        let decision = Decision(Given.pod(), VolumeFacts(), Profile(), cluster, devices: facts)
        let without = Decision(Given.pod(), VolumeFacts(), Profile(), cluster)
        #expect(zip(decision.scores(of: nodes), without.scores(of: nodes)).map { $0 - $1 } == [200, 174])
        facts.needs = [try need(["requests": [["name": "r", "exactly": request()]]])]
        #expect(DynamicResourcesScorer(facts) == nil)
    }

    @Test func `a pod goes where the devices of its claim are reached`() {
        let expression: Value = ["key": "kubernetes.io/hostname", "operator": "In", "values": ["b"]]
        let nodes = NodeSelector(stored: ["nodeSelectorTerms": [["matchExpressions": [expression]]]])
        var devices = PodDevices()
        devices.held = [.init(claim: ObjectName(namespace: "ns", name: "c"), nodes: nodes, isReserved: true)]
        let cluster = Given.cluster(Given.node("a"), Given.node("b"))
        let decision = Decision(Given.pod(), VolumeFacts(), Profile(), cluster, devices: devices)
        guard case .nodes(let left, _) = decision.sift(from: 0) else { return #expect(Bool(false), "b reaches them") }
        #expect(left.map(\.name) == ["b"])
    }

    @Test func `who administrates looks at devices that others use`() throws {
        let look: Value = ["requests": [["name": "r", "exactly": request(["adminAccess": true, "allocationMode": "All"])]]]
        #expect(try picks(look, taken: ["s1", "s3"]) == ["a": ["s1", "s2", "big"], "b": ["s3"]])
    }

    @Test func `a pool counts when it is whole, in its newest generation`() {
        func names(_ slices: Value...) -> [String] { DeviceStock(of: slices).devices.map(\.id.device) }
        let one = Self.device("x", "small", 1)
        #expect(names(Self.slice("a", [one], of: 2)) == [])
        let newer = Self.slice("a", [Self.device("y", "small", 1)], generation: 2)
        #expect(names(Self.slice("a", [one]), newer) == ["y"])
        var tainted = one
        tainted["taints"] = [["key": "broken", "effect": "NoSchedule"]]
        #expect(names(Self.slice("a", [tainted])) == ["x"])
    }

    @Test func `a pod gets its devices, its claim says so, and who comes too late waits`() async throws {
        let api = MemoryAPI()
        for name in ["a", "b"] {
            var node = Node(name: name)
            node.value["status"] = ["allocatable": ["cpu": "2", "memory": "4Gi", "pods": "9"]]
            try await api.create(node)
        }
        let big: Value = [
            "selectors": expression("device.attributes['gpu.example'].model == 'big'"),
            "config": [["opaque": ["driver": "gpu.example", "parameters": ["mode": "fast"]]]],
        ]
        try await create(api, .deviceClasses, "gpu", big)
        for (index, spec) in Self.slices.enumerated() {
            try await create(api, .resourceSlices, "slice-\(index)", spec)
        }
        for name in ["one", "two"] {
            let spec: Value = ["devices": ["requests": [["name": "r", "exactly": request()]]]]
            try await create(api, .resourceClaims, name, spec, in: "ns")
        }
        let scheduler = Scheduler(client: api, log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await scheduler.run() }
            defer { group.cancelAll() }
            for name in ["one", "two"] {
                let spec: Value = [
                    "schedulerName": "default-scheduler", "containers": [["name": "c"]],
                    "resourceClaims": [["name": "gpu", "resourceClaimName": .string(name)]],
                ]
                try await api.create(Pod(["metadata": ["name": .string(name), "namespace": "ns"], "spec": spec]))
                if name == "one" {
                    await api.wait { $0.peek(Pod.self, "one", in: "ns")?.spec.nodeName == "a" }
                }
            }
            let target = Target(.resourceClaims, namespace: "ns", name: "one")
            let claim = try await api.get(target).value
            let allocation = claim.at("status", "allocation")
            #expect(allocation?.at("devices", "results") == [["request": "r", "driver": "gpu.example", "pool": "a", "device": "big"]])
            #expect(allocation?.at("devices", "config")?.array?.first?["source"] == "FromClass")
            #expect(allocation?.at("nodeSelector", "nodeSelectorTerms")?.array?.count == 1)
            #expect(claim.at("status", "reservedFor")?.array?.first?["name"] == "one")
            #expect(claim.at("metadata", "finalizers") == ["resource.kubernetes.io/delete-protection"])
            await api.wait {
                let status = $0.peek(Pod.self, "two", in: "ns")?.status
                return status?.conditions.first?.message.hasPrefix("0/2 nodes are available: 2 cannot allocate all claims.") == true
            }
            // The claim gives its device back.
            var free = claim
            free["status"] = .emptyObject
            free[path: ["metadata", "resourceVersion"]] = nil
            _ = try await api.update(
                Target(.resourceClaims, namespace: "ns", name: "one", subresource: "status"), free, WriteOptions())
            await api.wait { $0.peek(Pod.self, "two", in: "ns")?.spec.nodeName == "a" }
        }
    }

    private func create(
        _ api: MemoryAPI, _ resource: GroupVersionResource, _ name: String, _ spec: Value, in namespace: String = ""
    ) async throws {
        var metadata: Value = ["name": .string(name)]
        if !namespace.isEmpty { metadata["namespace"] = .string(namespace) }
        let target = Target(resource, namespace: namespace)
        _ = try await api.create(target, ["metadata": metadata, "spec": spec], WriteOptions())
    }
}
