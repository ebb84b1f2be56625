import API
import APIMachinery
import Client
import Testing

@testable import APIServer

/// Who may say what of a claim for devices.
@Suite(.timeLimit(.minutes(5))) struct DeviceRightsTests {
    private static func result(_ device: String, _ driver: String = "a.b") -> Value {
        ["request": "r", "driver": .string(driver), "pool": "p", "device": .string(device)]
    }

    private static func report(_ device: String, _ driver: String = "a.b", health: Bool? = nil) -> Value {
        var report: Value = ["driver": .string(driver), "pool": "p", "device": .string(device)]
        report["data"] = health.map { ["healthy": .bool($0)] }
        return report
    }

    private static func allocation(_ results: [Value], node: String? = nil) -> Value {
        var allocation: Value = ["devices": ["results": .array(results)]]
        if let node {
            allocation["nodeSelector"] = [
                "nodeSelectorTerms": [
                    ["matchFields": [["key": "metadata.name", "operator": "In", "values": [.string(node)]]]]
                ]
            ]
        }
        return allocation
    }

    private static let user: Value = ["resource": "pods", "name": "x", "uid": "u"]
    private static let one = allocation([result("d")], node: "n")

    // MARK: - What a status changes

    struct Change: Sendable {
        var name: String
        var old: Value
        var new: Value
        var isBinding = false
        var drivers: [String] = []
        var node: String?
    }

    private static let changes: [Change] = [
        Change(name: "nothing", old: [:], new: ["reservedFor": [], "devices": []]),
        Change(name: "devices", old: [:], new: ["allocation": one], isBinding: true, node: "n"),
        Change(name: "no devices any more", old: ["allocation": one], new: [:], isBinding: true),
        Change(
            name: "a user", old: ["allocation": one], new: ["allocation": one, "reservedFor": [user]],
            isBinding: true, node: "n"),
        Change(
            name: "a first report", old: ["allocation": one], new: ["allocation": one, "devices": [report("d")]],
            drivers: ["a.b"], node: "n"),
        Change(
            name: "another report", old: ["allocation": one, "devices": [report("d", health: true)]],
            new: ["allocation": one, "devices": [report("d", health: false)]], drivers: ["a.b"], node: "n"),
        Change(
            name: "the same in another order",
            old: ["allocation": one, "devices": [report("d"), report("e")]],
            new: ["allocation": one, "devices": [report("e"), report("d")]], node: "n"),
        Change(
            name: "reports of two drivers",
            old: ["allocation": one, "devices": [report("d"), report("e", "c.d")]],
            new: ["allocation": one, "devices": [report("f", "b.c"), report("d")]], drivers: ["b.c", "c.d"], node: "n"),
        Change(
            name: "no report any more", old: ["allocation": one, "devices": [report("d")]],
            new: ["allocation": one], drivers: ["a.b"], node: "n"),
        // Nobody has to be the driver to take its device away.
        Change(
            name: "neither device nor report", old: ["allocation": one, "devices": [report("d")]], new: [:],
            isBinding: true),
        Change(
            name: "devices of several nodes", old: [:],
            new: [
                "allocation": [
                    "nodeSelector": [
                        "nodeSelectorTerms": [
                            ["matchFields": [["key": "metadata.name", "operator": "In", "values": ["n", "m"]]]]
                        ]
                    ]
                ]
            ], isBinding: true),
    ]

    @Test(arguments: changes) func `a new status is asked for rights by what it changes`(change: Change) {
        let found = DeviceStatusChange(from: change.old, to: change.new)
        #expect(found.changesBinding == change.isBinding, "\(change.name)")
        #expect(found.drivers == change.drivers, "\(change.name)")
        #expect(found.node == change.node, "\(change.name)")
    }

    // MARK: - In a server

    private static let group: Value = ["resource.k8s.io"]
    private static let account = "system:serviceaccount:default:plugin"
    private static let claim = Target(.resourceClaims, namespace: "default", name: "c")
    private static let status = Target(.resourceClaims, namespace: "default", name: "c", subresource: "status")

    private static func rule(_ resources: Value, _ verbs: Value, names: Value? = nil) -> Value {
        var rule: Value = ["apiGroups": group, "resources": resources, "verbs": verbs]
        rule["resourceNames"] = names
        return rule
    }

    /// A claim `c`, and an account that may write claims and their status and has these rights besides.
    private func withPlugin(
        _ rules: [Value], node: String? = nil, label: String? = nil,
        _ body: (_ plugin: LocalClient, _ admin: LocalClient) async throws -> Void
    ) async throws {
        let server = try await TestAPI.open()
        await server.bootstrap()
        let admin = server.client()
        let usual = Self.rule(
            ["resourceclaims", "resourceclaims/status", "resourceclaimtemplates"], ["create", "update", "patch", "get"])
        _ = try await admin.create(
            Target(.clusterRoles), ["metadata": ["name": "plugin"], "rules": .array([usual] + rules)], WriteOptions())
        _ = try await admin.create(
            Target(.clusterRoleBindings),
            [
                "metadata": ["name": "plugin"],
                "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "plugin"],
                "subjects": [["kind": "ServiceAccount", "namespace": "default", "name": "plugin"]],
            ], WriteOptions())
        if let label {
            let labels: Value = ["resource.kubernetes.io/admin-access": .string(label)]
            _ = try await admin.patch(
                Target(.namespaces, name: "default"), .merge(["metadata": ["labels": labels]]), WriteOptions())
        }
        _ = try await admin.create(
            Target(.resourceClaims, namespace: "default"), Self.object("c", isPowerful: false), WriteOptions())
        var user = User.serviceAccount(namespace: "default", name: "plugin")
        if let node { user.extra["authentication.kubernetes.io/node-name"] = [node] }
        try await body(server.client(as: user), admin)
        await server.close()
    }

    private static func object(_ name: String, isPowerful: Bool) -> Value {
        var wanted: Value = ["deviceClassName": "d.x"]
        if isPowerful { wanted["adminAccess"] = true }
        return [
            "metadata": ["name": .string(name)],
            "spec": ["devices": ["requests": [["name": "r", "exactly": wanted]]]],
        ]
    }

    private func refusal(_ body: () async throws -> Void) async throws -> [String] {
        let status = await #expect(throws: Status.self) { try await body() }
        #expect(status?.code == 422)
        return (status?.details?.causes ?? []).map { "\($0.field): \($0.message)" }
    }

    @Test func `who gives devices to claims must be allowed to`() async throws {
        try await withPlugin([]) { plugin, admin in
            let wish: Value = ["status": ["allocation": Self.one]]
            let why = try await refusal { _ = try await plugin.patch(Self.status, .merge(wish), WriteOptions()) }
            #expect(
                why == [
                    "status: Forbidden: changing status.allocation or status.reservedFor requires "
                        + "resource=\"resourceclaims/binding\", verb=\"patch\" permission: "
                        + "resourceclaims.resource.k8s.io is forbidden: User \"\(Self.account)\" cannot patch "
                        + "resource \"resourceclaims/binding\" in API group \"resource.k8s.io\" at the cluster scope"
                ])
            // Rights are those of the cluster's own scheduler and controllers.
            var claim = try await admin.get(Self.claim).value
            claim["status"] = ["allocation": Self.one]
            let changed = claim
            let replaced = try await refusal { _ = try await plugin.update(Self.status, changed, WriteOptions()) }
            #expect(replaced.first?.contains("verb=\"update\"") == true)
        }
        try await withPlugin([Self.rule(["resourceclaims/binding"], ["patch"])]) { plugin, _ in
            let given: Value = ["status": ["allocation": Self.one, "reservedFor": [Self.user]]]
            _ = try await plugin.patch(Self.status, .merge(given), WriteOptions())
            let taken: Value = ["status": ["allocation": .null, "reservedFor": .null]]
            _ = try await plugin.patch(Self.status, .merge(taken), WriteOptions())
        }
    }

    @Test(arguments: [
        // The verb that is granted, for which driver, where the account is, and whether that does.
        ("arbitrary-node:patch", "a.b", nil, true), ("arbitrary-node:patch", "c.d", nil, false),
        ("arbitrary-node:update", "a.b", nil, false), ("associated-node:patch", "a.b", nil, false),
        ("associated-node:patch", "a.b", "m", false), ("associated-node:patch", "a.b", "n", true),
        ("arbitrary-node:patch", "a.b", "n", true),
    ] as [(String, String, String?, Bool)])
    func `a driver reports of its own devices`(
        verb: String, driver: String, node: String?, isAllowed: Bool
    ) async throws {
        let right = Self.rule(["resourceclaims/driver"], [.string(verb)], names: [.string(driver)])
        try await withPlugin([right], node: node) { plugin, admin in
            _ = try await admin.patch(Self.status, .merge(["status": ["allocation": Self.one]]), WriteOptions())
            let report: Value = ["status": ["devices": [Self.report("d")]]]
            if isAllowed {
                _ = try await plugin.patch(Self.status, .merge(report), WriteOptions())
                return
            }
            let why = try await refusal { _ = try await plugin.patch(Self.status, .merge(report), WriteOptions()) }
            let verbs = node == "n" ? "associated-node:patch arbitrary-node:patch" : "arbitrary-node:patch"
            let start = "status.devices: Forbidden: changing status.devices requires "
                + "resource=\"resourceclaims/driver\", verb=\"[\(verbs)]\" permission: resourceclaims.resource.k8s.io \"a.b\" is forbidden: "
            #expect(why.count == 1 && why[0].hasPrefix(start), "\(why)")
        }
    }

    @Test func `the cluster's own scheduler and controller have the rights`() async throws {
        let server = try await TestAPI.open()
        await server.bootstrap()
        let admin = server.client()
        _ = try await admin.create(
            Target(.resourceClaims, namespace: "default"), Self.object("c", isPowerful: false), WriteOptions())
        let controller = User.serviceAccount(namespace: "kube-system", name: "resource-claim-controller")
        for user in [User.scheduler, controller] {
            var claim = try await admin.get(Self.claim).value
            claim["status"] = ["allocation": Self.one, "reservedFor": [Self.user], "devices": [Self.report("d")]]
            _ = try await admin.update(Self.status, claim, WriteOptions())
            claim = try await admin.get(Self.claim).value
            claim["status"] = .emptyObject
            let freed = try await server.client(as: user).update(Self.status, claim, WriteOptions()).value
            #expect(freed.at("status", "allocation") == nil)
        }
        await server.close()
    }

    @Test(arguments: [nil, "false", "true"] as [String?])
    func `devices are had with an administrator's powers only where it is said`(label: String?) async throws {
        try await withPlugin([Self.rule(["resourceclaims/binding"], ["patch"])], label: label) { plugin, admin in
            let message = "Forbidden: admin access to devices requires the "
                + "`resource.kubernetes.io/admin-access: true` label on the containing namespace"
            var template = Self.object("t", isPowerful: true)
            template["spec"] = ["spec": template["spec"] ?? .null]
            let objects: [(GroupVersionResource, Value)] = [
                (.resourceClaims, Self.object("aa", isPowerful: true)), (.resourceClaimTemplates, template),
            ]
            for (resource, object) in objects {
                let target = Target(resource, namespace: "default")
                if label == "true" {
                    _ = try await plugin.create(target, object, WriteOptions())
                } else {
                    let why = try await refusal { _ = try await plugin.create(target, object, WriteOptions()) }
                    #expect(why == ["spec.devices.requests[0].adminAccess: " + message])
                }
            }
            var powerful = Self.result("d")
            powerful["adminAccess"] = true
            let grant: Value = ["status": ["allocation": Self.allocation([powerful])]]
            guard label != "true" else {
                _ = try await plugin.patch(Self.status, .merge(grant), WriteOptions())
                // What was given stays when the label goes.
                let labels: Value = ["resource.kubernetes.io/admin-access": .null]
                _ = try await admin.patch(
                    Target(.namespaces, name: "default"), .merge(["metadata": ["labels": labels]]), WriteOptions())
                let use: Value = ["status": ["reservedFor": [Self.user]]]
                _ = try await plugin.patch(Self.status, .merge(use), WriteOptions())
                return
            }
            let why = try await refusal { _ = try await plugin.patch(Self.status, .merge(grant), WriteOptions()) }
            #expect(why == ["status.allocation.devices.results[0].adminAccess: " + message])
        }
    }

    @Test func `what was reported of a device goes with it`() async throws {
        try await withPlugin([]) { _, admin in
            let two: Value = [
                "allocation": Self.allocation([Self.result("d"), Self.result("e")]),
                "devices": [Self.report("d"), Self.report("e")],
            ]
            _ = try await admin.patch(Self.status, .merge(["status": two]), WriteOptions())
            let none: Value = ["status": ["allocation": .null]]
            let left = try await admin.patch(Self.status, .merge(none), WriteOptions()).value
            #expect(left.at("status", "devices") == nil)
        }
    }
}
