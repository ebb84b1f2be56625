import API
import APIMachinery
import Client
import Support
import Testing
import Wire

@testable import APIServer

@Suite struct AggregationRulesTests {
    private static func server(
        _ group: String = "ext.test", _ version: String = "v1", priority: Int = 100, versionPriority: Int = 10,
        isAvailable: Bool = true
    ) throws -> ExtensionServer {
        var object: Value = [
            "metadata": ["name": .string("\(version).\(group)")],
            "spec": [
                "group": .string(group), "version": .string(version),
                "groupPriorityMinimum": .integer(Int64(priority)),
                "versionPriority": .integer(Int64(versionPriority)),
                "service": ["namespace": "ns", "name": "web", "port": 443],
            ],
        ]
        if isAvailable { object = APIServiceCondition.passed.set(in: object, at: Timestamp(seconds: 0)) }
        return try #require(ExtensionServer(object))
    }

    // MARK: Local versions

    @Test func `each version that is served has an APIService, which is ours to change`() throws {
        let apps = try #require(LocalAPIService(group: "apps", version: "v1", isBuiltin: true))
        guard case .create(let object) = LocalAPIService.action(apps, nil) else {
            Issue.record("not created")
            return
        }
        #expect(object.at("metadata", "name") == "v1.apps")
        #expect(object.at("metadata", "labels", LocalAPIService.label) == "onstart")
        #expect(object.at("spec", "groupPriorityMinimum") == 17_800)
        #expect(LocalAPIService.action(apps, object) == .nothing)
        var changed = object
        changed[path: ["spec", "versionPriority"]] = 1
        #expect(LocalAPIService.action(apps, changed) == .update(object))
        // Somebody else answers for that version.
        changed[path: ["metadata", "labels"]] = [:]
        #expect(LocalAPIService.action(apps, changed) == .nothing)
        #expect(LocalAPIService.action(nil, changed) == .nothing)
        #expect(LocalAPIService.action(nil, object) == .delete)
        #expect(LocalAPIService.action(nil, nil) == .nothing)
        #expect(LocalAPIService(group: "apiregistration.k8s.io", version: "v1", isBuiltin: true) == nil)
        let custom = LocalAPIService(group: "stable.example.com", version: "v1", isBuiltin: false)
        #expect(custom?.groupPriority == 1000)
        #expect(LocalAPIService(group: "", version: "v1", isBuiltin: true)?.name == "v1.")
    }

    // MARK: Availability

    @Test func `what stands in the way of a server is named`() throws {
        let server = try Self.server()
        func reason(_ service: Service?, _ slices: [EndpointSlice]) -> String? {
            APIServiceCondition.obstacle(to: server, service, slices)?.reason
        }
        func service(port: Int64, type: String = "ClusterIP") -> Service {
            Service(["spec": ["type": .string(type), "ports": [["name": "https", "port": .integer(port)]]]])
        }
        func slice(_ port: String, addresses: [String], ready: Bool = true) -> EndpointSlice {
            EndpointSlice([
                "ports": [["name": .string(port), "port": 8443]],
                "endpoints": [["addresses": Value(addresses), "conditions": ["ready": .bool(ready)]]],
            ])
        }
        #expect(reason(nil, []) == "ServiceNotFound")
        #expect(reason(service(port: 80), []) == "ServicePortError")
        #expect(reason(service(port: 443), []) == "EndpointsNotFound")
        #expect(reason(service(port: 443), [slice("http", addresses: ["10.0.0.1"])]) == "MissingEndpoints")
        #expect(reason(service(port: 443), [slice("https", addresses: [])]) == "MissingEndpoints")
        let unready = slice("https", addresses: ["10.0.0.1"], ready: false)
        #expect(reason(service(port: 443), [unready]) == "MissingEndpoints")
        #expect(reason(service(port: 443), [slice("https", addresses: ["10.0.0.1"])]) == nil)
        #expect(reason(service(port: 80, type: "ExternalName"), []) == nil)
    }

    @Test func `the time of transition changes with the status only`() {
        let at = { (seconds: Int64) in Timestamp(seconds: seconds) }
        let down = APIServiceCondition(false, "ServiceNotFound", "a").set(in: [:], at: at(1))
        let still = APIServiceCondition(false, "MissingEndpoints", "b").set(in: down, at: at(2))
        let up = APIServiceCondition.passed.set(in: still, at: at(3))
        func time(_ object: Value) -> Value? {
            object.at("status", "conditions")?.array?.first?["lastTransitionTime"]
        }
        #expect(time(still) == .string(at(1).description))
        #expect(time(up) == .string(at(3).description))
        #expect(APIServiceCondition(still) == APIServiceCondition(false, "MissingEndpoints", "b"))
        #expect(APIServiceCondition(up)?.isTrue == true)
        #expect(APIServiceCondition([:]) == nil)
    }

    @Test func `a change that is only what was written calls for no second look`() {
        let written = WrittenConditions()
        func object(_ reason: String, _ spec: Value = ["version": "v1"]) -> StoredObject {
            let object: Value = ["metadata": ["name": "a"], "spec": spec]
            let condition = APIServiceCondition(false, reason, "")
            return StoredObject(received: condition.set(in: object, at: Timestamp(seconds: 0)))
        }
        func explains(_ old: StoredObject?, _ new: StoredObject?) -> Bool {
            written.explains(ObjectChange(old: old, new: new))
        }
        written.note("a", APIServiceCondition(false, "Mine", ""))
        #expect(explains(object("X"), object("Mine")))
        // Somebody else's condition, another service, an object that was not there.
        #expect(!explains(object("Mine"), object("Other")))
        #expect(!explains(object("X"), object("Mine", ["version": "v2"])))
        #expect(!explains(nil, object("Mine")))
        #expect(!explains(object("Mine"), nil))
        #expect(!explains(object("X"), object("Mine")))
    }

    // MARK: Discovery

    private static func group(_ name: String, _ versions: [String]) -> Value {
        [
            "name": .string(name), "preferredVersion": [:],
            "versions": .array(
                versions.map { ["groupVersion": .string("\(name)/\($0)"), "version": .string($0)] }),
        ]
    }

    @Test func `groups of other servers take their place by priority`() throws {
        let local: Value = [
            "kind": "APIGroupList",
            "groups": [
                Self.group("apiregistration.k8s.io", ["v1"]), Self.group("apps", ["v1"]),
                Self.group("policy", ["v1"]), Self.group("custom.test", ["v1"]),
            ],
        ]
        let merged = ExtensionDiscovery([
            try Self.server("high.test", priority: 17_150), try Self.server("low.test", priority: 100),
            try Self.server("custom.test", "v2", priority: 1000, versionPriority: 200),
        ]).groupList(local)
        let names = (merged["groups"]?.array ?? []).map { $0["name"]?.string ?? "" }
        #expect(names == ["apiregistration.k8s.io", "apps", "high.test", "policy", "custom.test", "low.test"])
        let custom = merged["groups"]?.array?[4]
        #expect(custom?.at("preferredVersion", "version") == "v2")
        #expect((custom?["versions"]?.array ?? []).count == 2)
    }

    @Test func `resources of other servers are told in the aggregated form, stale ones as such`() throws {
        var server = try Self.server()
        server.offer = ExtensionServer.Offer(
            resources: [
                "resources": [
                    [
                        "name": "things", "singularName": "thing", "namespaced": true, "kind": "Thing",
                        "verbs": ["get", "list"], "shortNames": ["th"],
                    ],
                    [
                        "name": "things/scale", "namespaced": true, "kind": "Scale", "group": "autoscaling",
                        "version": "v1", "verbs": ["get"],
                    ],
                ]
            ], documentHash: nil)
        let local: Value = ["kind": "APIGroupDiscoveryList", "items": []]
        let item = ExtensionDiscovery([server]).aggregated(local)["items"]?.array?.first
        #expect(item?.at("metadata", "name") == "ext.test")
        let version = item?["versions"]?.array?.first
        #expect(version?["freshness"] == "Current")
        #expect(
            version?["resources"] == [
                [
                    "resource": "things", "responseKind": ["group": "ext.test", "version": "v1", "kind": "Thing"],
                    "scope": "Namespaced", "singularResource": "thing", "verbs": ["get", "list"], "shortNames": ["th"],
                    "subresources": [
                        [
                            "subresource": "scale",
                            "responseKind": ["group": "autoscaling", "version": "v1", "kind": "Scale"],
                            "verbs": ["get"],
                        ]
                    ],
                ]
            ])
        let stale = ExtensionDiscovery([try Self.server(isAvailable: false)]).aggregated(local)
        #expect(stale["items"]?.array?.first?["versions"]?.array?.first?["freshness"] == "Stale")
    }

    // MARK: Users

    @Test func `a user is named in the front proxy's headers, whatever the client claims`() throws {
        var headers: HTTPHeaders = ["X-Remote-User": "root", "x-remote-extra-scopes": "all", "X-Remote-Group": "g"]
        try headers.vouch(
            for: User(name: "me", uid: "u", groups: ["a", "b"], extra: ["acme.com/Scopes": ["x"]]))
        #expect(headers.values(of: "X-Remote-User") == ["me"])
        #expect(headers.values(of: "X-Remote-Uid") == ["u"])
        #expect(headers.values(of: "X-Remote-Group") == ["a", "b"])
        #expect(!headers.contains("X-Remote-Extra-Scopes"))
        #expect(headers["X-Remote-Extra-acme.com%2Fscopes"] == "x")
        var forged = HTTPHeaders()
        #expect(throws: Status.self) { try forged.vouch(for: User(name: "me\r\nX-Remote-Group: system:masters")) }
    }

    @Test func `extension servers learn whom to believe`() {
        let options = AggregationOptions(
            certificatePEM: [], keyPEM: [], authoritiesPEM: Array("CA".utf8), allowedNames: ["system:auth-proxy"])
        let data = ExtensionAuthentication.data(options, clientAuthorities: Array("CLIENTS".utf8))
        #expect(data["client-ca-file"] == "CLIENTS")
        #expect(data["requestheader-client-ca-file"] == "CA")
        #expect(data["requestheader-allowed-names"] == #"["system:auth-proxy"]"#)
        #expect(data["requestheader-username-headers"] == #"["X-Remote-User"]"#)
        #expect(data["requestheader-group-headers"] == #"["X-Remote-Group"]"#)
        #expect(data["requestheader-extra-headers-prefix"] == #"["X-Remote-Extra-"]"#)
        #expect(ExtensionAuthentication.data(nil, clientAuthorities: []).isEmpty)
    }
}
