import API
import APIMachinery
import APIServer
import Client
import ClientTestSupport
import Support
import Testing

@testable import Controllers

@Suite(.timeLimit(.minutes(1))) struct DeviceTaintTests {
    private static let now = Timestamp(seconds: 1_000_000)

    /// A slice of the pool `p` with the devices `a` and `b`.
    private static func slice(_ taints: [String: Value] = [:], generation: Int64 = 1, name: String = "s") -> Value {
        let devices = ["a", "b"].map { name -> Value in
            var device: Value = ["name": .string(name)]
            if let taint = taints[name] { device["taints"] = [taint] }
            return device
        }
        return [
            "metadata": ["name": .string(name), "uid": .string(name)],
            "spec": [
                "driver": "d", "pool": ["name": "p", "generation": .integer(generation), "resourceSliceCount": 1],
                "allNodes": true, "devices": .array(devices),
            ],
        ]
    }

    private static func taint(_ effect: String = "NoExecute", ago: Int64 = 10) -> Value {
        let time = Timestamp(seconds: now.seconds - ago).description
        return ["key": "k", "value": "v", "effect": .string(effect), "timeAdded": .string(time)]
    }

    private static func claim(_ device: String, for uid: String, _ tolerations: [Value] = []) -> Value {
        [
            "metadata": ["name": "c", "namespace": "default"],
            "status": [
                "allocation": [
                    "devices": [
                        "results": [
                            [
                                "driver": "d", "pool": "p", "device": .string(device), "request": "r",
                                "tolerations": .array(tolerations),
                            ]
                        ]
                    ]
                ],
                "reservedFor": [["resource": "pods", "name": "web", "uid": .string(uid)]],
            ],
        ]
    }

    private static func pod(node: String = "n") -> Pod {
        var pod = Pod(namespace: "default", name: "web")
        pod.metadata.uid = "u"
        pod.value["spec"] = ["resourceClaims": [["name": "gpu", "resourceClaimName": "c"]]]
        if !node.isEmpty { pod.spec.nodeName = node }
        return pod
    }

    private static func change(_ old: Value?, _ new: Value?) -> ObjectChange {
        ObjectChange(old: old.map { StoredObject(received: $0) }, new: new.map { StoredObject(received: $0) })
    }

    private static let pool = DeviceTaintIndex.Pool(driver: "d", name: "p")

    @Test func `pods leave tainted devices when they tolerate them no longer`() {
        func action(_ device: String, _ tolerations: [Value] = [], uid: String = "u", node: String = "n") -> EvictionDecision.Action {
            var taints = DeviceTaintIndex()
            _ = taints.take(Self.change(nil, Self.slice(["a": Self.taint()])), at: Self.now)
            return DeviceEvictionDecision(
                pod: Self.pod(node: node), claims: [ResourceClaimView(Self.claim(device, for: uid, tolerations))],
                taints: taints, now: Self.now
            ).action
        }
        let long: Value = ["key": "k", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 30]
        let short: Value = ["key": "k", "operator": "Equal", "value": "v", "effect": "NoExecute", "tolerationSeconds": 5]
        #expect(action("a") == .evict)
        #expect(action("b") == .stay)
        #expect(action("a", uid: "another") == .stay)
        #expect(action("a", node: "") == .stay)
        #expect(action("a", [["operator": "Exists"]]) == .stay)
        #expect(action("a", [["key": "other", "operator": "Exists"]]) == .evict)
        #expect(action("a", [long]) == .wait(.seconds(20)))
        #expect(action("a", [long, short]) == .evict)
    }

    @Test func `the newest generation of a pool tells, and only what is new makes work`() {
        var taints = DeviceTaintIndex()
        let (clean, tainted) = (Self.slice(), Self.slice(["a": Self.taint()]))
        #expect(taints.take(Self.change(nil, clean), at: Self.now) == nil)
        #expect(taints.take(Self.change(clean, Self.slice(["a": Self.taint("NoSchedule")])), at: Self.now) == nil)
        #expect(taints.isEmpty)
        #expect(taints.take(Self.change(clean, tainted), at: Self.now) == Self.pool)
        #expect(taints.take(Self.change(tainted, tainted), at: Self.now) == nil)
        #expect(taints[Self.pool]["a"]?.first?.since == Timestamp(seconds: Self.now.seconds - 10))
        let next = Self.slice(generation: 2, name: "t")
        #expect(taints.take(Self.change(nil, next), at: Self.now) == nil)
        #expect(taints[Self.pool].isEmpty)
        #expect(taints.take(Self.change(next, nil), at: Self.now) == Self.pool, "the older one tells again")
        #expect(taints.take(Self.change(tainted, nil), at: Self.now) == nil)
        #expect(taints.isEmpty)
    }

    @Test func `a pod is told and deleted when its device is tainted`() async throws {
        try await withServer { server in
            let admin = server.client()
            try await admin.create(Node(name: "n"))
            var pod = Self.pod()
            pod.metadata.uid = ""
            pod.value[path: ["spec", "containers"]] = [["name": "c", "image": "i"]]
            pod = try await admin.create(pod)
            let claims = Target(.resourceClaims, namespace: "default", name: "c")
            let spec: Value = ["devices": ["requests": [["name": "r", "exactly": ["deviceClassName": "x"]]]]]
            _ = try await admin.create(
                Target(.resourceClaims, namespace: "default"), ["metadata": ["name": "c"], "spec": spec], WriteOptions())
            let status = Self.claim("a", for: pod.metadata.uid)["status"]
            var named = claims
            named.subresource = "status"
            _ = try await admin.patch(named, .merge(["status": status ?? .null]), WriteOptions())
            var slice = try await admin.create(Target(.resourceSlices), Self.slice(), WriteOptions()).value
            let client = server.controllerClient("device-taint-eviction-controller")
            try await running([DeviceTaintEviction()], on: client, now: { .now }) {
                slice["spec"] = Self.slice(["a": ["key": "k", "effect": "NoExecute"]])["spec"]
                _ = try await admin.update(Target(.resourceSlices, name: "s"), slice, WriteOptions())
                let left = try await wait(for: Pod.self, pod.objectName, admin) { $0?.metadata.deletionTimestamp != nil }
                #expect(left?.condition("DisruptionTarget")?.reason == "DeletionByDeviceTaintManager")
                try await wait(among: Event.self, admin) { $0.reason == "DeviceTaintManagerEviction" }
            }
        }
    }
}
