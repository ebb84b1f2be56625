import API
import APIMachinery
import Client
import Host
import Logging
import Runtime
import Support
import Testing
import Wire

@testable import Kubelet

/// Pods with claims to devices, and drivers on real sockets.
@Suite(.timeLimit(.minutes(1)))
struct ClaimsTests {
    private static func plugins(_ world: KubeletWorld) -> String {
        world.folder + "/kubelet/plugins_registry"
    }
    private static func file(_ world: KubeletWorld) -> String { world.folder + "/kubelet/dra_manager_state" }

    /// A claim that was given devices of a driver, for these pods.
    private static func claim(
        _ world: KubeletWorld, _ name: String, driver: String = "a.io", for pods: [String],
        owner: String? = nil
    ) {
        var metadata: Value = ["namespace": "default", "name": .string(name), "uid": .string("uid-" + name)]
        if let owner {
            metadata["ownerReferences"] = [
                ["kind": "Pod", "uid": .string("uid-" + owner), "controller": true]
            ]
        }
        world.client.put(
            AnyClaim([
                "metadata": metadata,
                "status": [
                    "allocation": ["devices": ["results": [["driver": .string(driver), "request": "r"]]]],
                    "reservedFor": .array(pods.map { ["resource": "pods", "uid": .string("uid-" + $0)] }),
                ],
            ]))
    }

    /// A pod whose container uses these claims, `NAME` or `NAME/REQUEST`.
    private static func pod(
        _ world: KubeletWorld, _ name: String, _ claims: String..., policy: String = "Always"
    ) -> Pod {
        var pod = world.pod(name, policy: policy)
        let uses = claims.map { $0.split(separator: "/").map(String.init) }
        pod.value[path: ["spec", "resourceClaims"]] = .array(
            uses.map { ["name": .string($0[0]), "resourceClaimName": .string($0[0])] })
        var container = pod.spec.containers[0]
        container.value["resources"] = [
            "claims": .array(
                uses.map { use in
                    var claim: Value = ["name": .string(use[0])]
                    if use.count > 1 { claim["request"] = .string(use[1]) }
                    return claim
                })
        ]
        pod.spec.containers = [container]
        return pod
    }

    private static func event(_ world: KubeletWorld, of pod: String, _ part: String) async throws {
        let events = try await world.client.observe(Event.self)
        while true {
            let told = events.list(namespace: "default").map { Event($0) }
            let isTold = told.contains {
                $0.reason == "FailedPrepareDynamicResources" && $0.involvedObject.name == pod
                    && $0.message.contains(part)
            }
            if isTold { return }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    private static func cdi(_ world: KubeletWorld, _ container: String) -> [String]? {
        world.runtime.read { state in
            state.configs.values.first { $0.metadata.name == container }?.cdiDevices.map(\.name)
        }
    }

    @Test(arguments: ["v1.DRAPlugin", "v1beta1.DRAPlugin"])
    func `a pod gets the devices of its claims, and gives them back`(service: String) async throws {
        try await KubeletWorld.with { world in
            let driver = DeviceDriverProgram("a.io", service: service)
            driver.give("one", "x", for: ["r"])
            driver.give("one", "y", for: ["s"])
            driver.give("two", "z")
            Self.claim(world, "one", for: ["web"])
            Self.claim(world, "two", for: ["web"])
            try await world.run {
                try await driver.run(in: Self.plugins(world)) {
                    #expect(driver.verdicts == [""])
                    world.client.put(Self.pod(world, "web", "one/s", "two"))
                    try await world.until("web") { $0?.isReady ?? false }
                    #expect(Self.cdi(world, "web") == ["example.com/dev=y", "example.com/dev=z"])
                    #expect(driver.calls == ["prepare default/one=uid-one default/two=uid-two"])
                    let ledger = try ClaimCheckpoint.ledger(json: try Files.read(Self.file(world)))
                    #expect(ledger.claims(of: "uid-web").map(\.name) == ["one", "two"])
                    #expect(ledger.entries.values.flatMap { $0.drivers["a.io"] ?? [] }.count == 3)
                    // A container that comes after has the same.
                    world.runtime.exit("web", code: 1)
                    try await world.until("web") { $0?.first?.restartCount == 1 && $0?.isReady == true }
                    world.delete("web")
                    try await world.until("web") { $0 == nil }
                    #expect(driver.calls.dropFirst() == ["unprepare default/one=uid-one default/two=uid-two"])
                    #expect(
                        try ClaimCheckpoint.ledger(json: try Files.read(Self.file(world))) == ClaimLedger())
                }
            }
        }
    }

    @Test func `a pod waits for its claim, and an event says for what`() async throws {
        try await KubeletWorld.with { world in
            let driver = DeviceDriverProgram("a.io")
            try await world.run {
                let begin = "Failed to prepare dynamic resources: prepare dynamic resources: "
                world.client.put(Self.pod(world, "web", "one"))
                try await Self.event(world, of: "web", begin + "fetch ResourceClaim one: ")
                Self.claim(world, "one", for: ["other"])
                try await Self.event(
                    world, of: "web",
                    begin + "pod web (uid-web) is not allowed to use ResourceClaim one (uid-one)")
                Self.claim(world, "one", for: ["web"])
                try await Self.event(world, of: "web", begin + "DRA driver a.io is not registered")
                driver.change { $0.refusal = GRPCStatus(.unknown, "broken") }
                try await driver.run(in: Self.plugins(world)) {
                    try await Self.event(
                        world, of: "web",
                        begin + "NodePrepareResources: rpc error: code = Unknown desc = broken")
                    driver.change { ($0.refusal, $0.errors) = (nil, ["one": "no such device"]) }
                    try await Self.event(
                        world, of: "web",
                        begin + "NodePrepareResources failed for ResourceClaim one: no such device")
                    driver.change { ($0.errors, $0.silent) = ([:], ["one"]) }
                    try await Self.event(
                        world, of: "web", begin + "NodePrepareResources skipped 1 ResourceClaims")
                    #expect(!world.runtime.calls.contains("run web"), "it has no sandbox before its devices")
                    driver.change { $0.silent = [] }
                    try await world.until("web") { $0?.isReady ?? false }
                }
            }
        }
    }

    @Test func `a driver that refuses is asked less and less often`() async throws {
        try await KubeletWorld.with { world in
            let driver = DeviceDriverProgram("a.io")
            driver.change { $0.errors = ["one": "no"] }
            Self.claim(world, "one", for: ["web"])
            try await world.run {
                try await driver.run(in: Self.plugins(world)) {
                    world.client.put(Self.pod(world, "web", "one"))
                    try await Self.event(world, of: "web", "no")
                    // After half a second, then after one, then after two.
                    try await Task.sleep(for: .milliseconds(2700))
                    #expect((2...4).contains(driver.calls.count), "\(driver.calls.count) calls")
                }
            }
        }
    }

    @Test func `a pod that cannot have its claim leaves without any driver`() async throws {
        try await KubeletWorld.with { world in
            Self.claim(world, "one", for: ["web"])
            try await world.run {
                world.client.put(Self.pod(world, "web", "one"))
                try await Self.event(world, of: "web", "DRA driver a.io is not registered")
                world.delete("web")
                try await world.until("web") { $0 == nil }
                #expect(!Files.exists(Self.file(world)))
            }
        }
    }

    @Test func `what pods share is taken back after the last one`() async throws {
        try await KubeletWorld.with { world in
            let driver = DeviceDriverProgram("a.io")
            driver.give("one", "x")
            Self.claim(world, "one", for: ["first", "second"])
            try await world.run {
                try await driver.run(in: Self.plugins(world)) {
                    for name in ["first", "second"] {
                        world.client.put(Self.pod(world, name, "one"))
                        try await world.until(name) { $0?.isReady ?? false }
                        #expect(Self.cdi(world, name) == ["example.com/dev=x"])
                    }
                    #expect(driver.calls.count == 1, "it is ready already")
                    world.delete("first")
                    try await world.until("first") { $0 == nil }
                    #expect(driver.calls.count == 1)
                    world.delete("second")
                    try await world.until("second") { $0 == nil }
                    #expect(driver.calls.last == "unprepare default/one=uid-one" && driver.calls.count == 2)
                }
            }
        }
    }

    @Test func `a pod has ended when its claims are taken back, not before`() async throws {
        try await KubeletWorld.with { world in
            let driver = DeviceDriverProgram("a.io")
            Self.claim(world, "one", for: ["job"])
            try await world.run {
                try await driver.run(in: Self.plugins(world)) {
                    world.client.put(Self.pod(world, "job", "one", policy: "Never"))
                    try await world.until("job") { $0?.isReady ?? false }
                    driver.change { $0.errors = ["one": "busy"] }
                    world.runtime.exit("job", code: 0)
                    while driver.calls.count(where: { $0.hasPrefix("unprepare") }) < 2 {
                        try await Task.sleep(for: .milliseconds(5))
                    }
                    let name = ObjectName(namespace: "default", name: "job")
                    #expect(world.client.present(Pod.self, name)?.status.phase == "Running")
                    driver.change { $0.errors = [:] }
                    try await world.until("job") { $0?.status.phase == "Succeeded" }
                }
            }
        }
    }

    @Test func `another kubelet takes back what pods left that are gone`() async throws {
        try await KubeletWorld.with { world in
            let driver = DeviceDriverProgram("a.io")
            Self.claim(world, "one", for: ["stays", "goes"])
            try await world.run {
                try await driver.run(in: Self.plugins(world)) {
                    for name in ["stays", "goes"] {
                        world.client.put(Self.pod(world, name, "one"))
                        try await world.until(name) { $0?.isReady ?? false }
                    }
                }
            }
            world.client.remove(Pod.self, ObjectName(namespace: "default", name: "goes"))
            world.client.remove(Pod.self, ObjectName(namespace: "default", name: "stays"))
            try await world.run {
                try await driver.run(in: Self.plugins(world)) {
                    while !driver.calls.contains("unprepare default/one=uid-one") {
                        try await Task.sleep(for: .milliseconds(5))
                    }
                    #expect(driver.calls.count == 2)
                }
            }
        }
    }

    @Test func `a damaged file ends the start`() async throws {
        try await KubeletWorld.with { world in
            try Files.makeDirectory(world.folder + "/kubelet")
            try Files.write("{}", to: Self.file(world))
            let fault = await #expect(throws: Fault.self) {
                try await world.run { try await Task.sleep(for: .seconds(30)) }
            }
            #expect(fault?.code == .corrupt)
        }
    }

    @Test func `a status tells how the devices of claims are`() async throws {
        try await KubeletWorld.with { world in
            let driver = DeviceDriverProgram("a.io")
            driver.give("one", "x", for: ["r"])
            driver.report(.healthy, of: "x")
            Self.claim(world, "one", for: ["web"])
            @Sendable func health(_ pod: Pod?) -> Value? { pod?.first?.allocatedResourcesStatus.first?.value }
            @Sendable func told(_ health: String, _ message: String? = nil) -> Value {
                var device: Value = ["resourceID": "example.com/dev=x", "health": .string(health)]
                if let message { device["message"] = .string(message) }
                return ["name": "claim:one/r", "resources": [device]]
            }
            try await world.run {
                try await driver.run(in: Self.plugins(world)) {
                    world.client.put(Self.pod(world, "web", "one/r"))
                    try await world.until("web") { health($0) == told("Healthy") }
                    driver.report(.unhealthy, of: "x", "it glows")
                    try await world.until("web") { health($0) == told("Unhealthy", "it glows") }
                    driver.report(.healthy, of: "x", seconds: 1)
                    try await world.until("web") { health($0) == told("Healthy") }
                    try await world.until("web") { health($0) == told("Unknown") }
                }
            }
        }
    }
}

/// Drivers that come and go, without a kubelet around them.
@Suite(.timeLimit(.minutes(1)))
struct DeviceDriversTests {
    private static func slice(_ client: MemoryClient, _ name: String, _ driver: String, node: String = "n1") {
        client.put(
            AnySlice([
                "metadata": ["name": .string(name)],
                "spec": ["nodeName": .string(node), "driver": .string(driver)],
            ]))
    }

    private static func slices(_ client: MemoryClient) async throws -> [String] {
        try await client.list(Target(.resourceSlices), ListOptions()).items.map(\.objectName.name)
    }

    /// Keeps drivers whose slices go after `patience`, and a registry for their sockets, while `body` runs.
    private static func run(
        _ client: MemoryClient, patience: Duration,
        _ body: @escaping @Sendable (_ folder: String) async throws -> Void
    ) async throws {
        let folder = "/tmp/kubelet-drivers-\(UInt32.random(in: 0...UInt32.max))"
        try Files.makeDirectory(folder)
        defer { try? Files.remove(folder) }
        let log = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let drivers = DeviceDrivers(
            client: client, nodeName: "n1", log: log, patience: patience, wake: { _ in }, health: { _, _ in })
        let registry = PluginRegistry(
            folder: folder, handlers: ["DRAPlugin": DeviceDriverRegistration(drivers: drivers)], log: log)
        try await withThrowingTaskGroup { group in
            group.addTask { await drivers.run() }
            group.addTask { await registry.run() }
            group.addTask { try await body(folder) }
            try await group.next()
            group.cancelAll()
        }
    }

    @Test func `slices of drivers that are not here go when the node starts`() async throws {
        let client = MemoryClient()
        Self.slice(client, "mine", "a.io")
        Self.slice(client, "other", "a.io", node: "n2")
        try await Self.run(client, patience: .seconds(60)) { _ in
            while try await Self.slices(client) != ["other"] { try await Task.sleep(for: .milliseconds(5)) }
        }
    }

    @Test func `slices of a driver that has left go after a while, unless it comes back`() async throws {
        let client = MemoryClient()
        try await Self.run(client, patience: .milliseconds(400)) { folder in
            let driver = DeviceDriverProgram("a.io")
            try await driver.run(in: folder) {
                Self.slice(client, "mine", "a.io")
                Self.slice(client, "second", "b.io")
            }
            // Another program takes its place in time.
            try await DeviceDriverProgram("a.io").run(in: folder) {
                try await Task.sleep(for: .milliseconds(800))
                #expect(try await Self.slices(client) == ["mine", "second"])
            }
            let left = ContinuousClock.now
            while try await Self.slices(client) != ["second"] { try await Task.sleep(for: .milliseconds(5)) }
            #expect(ContinuousClock.now - left > .milliseconds(300))
        }
    }
}

/// Kinds that have no view of their own.
private struct AnyClaim: ResourceView {
    static let resource = GroupVersionResource.resourceClaims
    static let kind = "ResourceClaim"
    var value: Value
    init(_ value: Value) { self.value = value }
}

private struct AnySlice: ResourceView {
    static let resource = GroupVersionResource.resourceSlices
    static let kind = "ResourceSlice"
    var value: Value
    init(_ value: Value) { self.value = value }
}
