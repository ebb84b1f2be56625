import Host
import Support
import Testing

/// A driver for the devices of claims as a program of its own (`Programs/device_driver.py`), which speaks
/// gRPC as most do.
///
/// What a device brings into a container is the runtime's work: Debian's containerd knows no names of the
/// Container Device Interface yet.
@Suite(.serialized) struct DeviceClaimTests {
    private static let name = "lamps.example.com"

    private struct Driver {
        let node: TestNode
        let process: ChildProcess

        private static func data(_ node: TestNode) -> String { node.folder + "/lamps" }

        var calls: [String] {
            ((try? Files.readText(Self.data(node) + "/calls")) ?? "").split(separator: "\n").map(String.init)
        }

        func refuse(_ why: String?) throws {
            let order = Self.data(node) + "/refuse"
            if let why { try Files.write(why, to: order) } else { try Files.remove(order) }
        }

        static func start(on node: TestNode) async throws -> Driver {
            try Files.makeDirectory(data(node))
            let program = Path.join(Path.parent(of: #filePath), "Programs/device_driver.py")
            var command = try node.command(
                "/usr/bin/python3", ["-B", program, name, "/var/lib/kubelet/plugins_registry", data(node)])
            (command.output, command.errors) = (.null, .null)
            command.parentDeathSignal = .kill
            return Driver(node: node, process: try await command.start())
        }
    }

    private static let slice = """
        apiVersion: resource.k8s.io/v1
        kind: ResourceSlice
        metadata: {name: lamps}
        spec:
          driver: \(name)
          nodeName: node-1
          pool: {name: node-1, generation: 1, resourceSliceCount: 1}
          devices: [{name: lamp}]
        """

    private static let objects = """
        apiVersion: resource.k8s.io/v1
        kind: DeviceClass
        metadata: {name: lamps}
        spec: {selectors: [{cel: {expression: "device.driver == '\(name)'"}}]}
        ---
        apiVersion: resource.k8s.io/v1
        kind: ResourceClaimTemplate
        metadata: {name: one-lamp}
        spec: {spec: {devices: {requests: [{name: lamp, exactly: {deviceClassName: lamps}}]}}}
        """

    private static func pod(_ name: String) -> String {
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: \(name)}
        spec:
          terminationGracePeriodSeconds: 1
          resourceClaims: [{name: light, resourceClaimTemplateName: one-lamp}]
          containers:
          - name: main
            image: busybox:1
            command: [sleep, "100000"]
            resources: {claims: [{name: light, request: lamp}]}
        """
    }

    private static func event(_ server: TestNode.Server, _ pod: String, _ text: String) async throws {
        try await eventually("an event says: \(text)") {
            try await server.must(
                "get", "events", "--field-selector",
                "involvedObject.name=\(pod),reason=FailedPrepareDynamicResources",
                "-o", "jsonpath={.items[*].message}"
            ).contains(text)
        }
    }

    private static func slices(_ server: TestNode.Server) async throws -> String {
        try await server.must("get", "resourceslices", "-o", "name")
    }

    @Test func `claims are prepared before their pods begin, and taken back whoever has died meanwhile`()
        async throws
    {
        try await TestNode.with { node, server in
            let driver = try await Driver.start(on: node)
            try await eventually("the driver is registered") { driver.calls == ["registered"] }
            try await server.must("create", input: Self.objects + "\n---\n" + Self.slice)
            try driver.refuse("the lamp is hot")
            try await server.must("create", input: Self.pod("first"))
            try await Self.event(
                server, "first", "NodePrepareResources failed for ResourceClaim first-light-")
            try await Self.event(server, "first", "the lamp is hot")
            try driver.refuse(nil)
            try await server.must("wait", "--for=condition=Ready", "pod/first", "--timeout=50s")
            let claim = try await server.must(
                "get", "pod", "first", "-o", "jsonpath={.status.resourceClaimStatuses[0].resourceClaimName}")
            #expect(driver.calls.last == "prepare default/\(claim)")
            let health = "jsonpath={.status.containerStatuses[0].allocatedResourcesStatus[0]}"
            try await eventually("its status tells how the lamp is") {
                try await server.must("get", "pod", "first", "-o", health)
                    == #"{"name":"claim:light/lamp","resources":[{"health":"Healthy","resourceID":"example.com/lamp=\#(claim)"}]}"#
            }
            // The lamp is taken, so that another pod waits for it.
            try await server.must("create", input: Self.pod("second"))
            try await eventually("the scheduler says why it waits") {
                try await server.must("get", "events", "--field-selector", "involvedObject.name=second")
                    .contains("cannot allocate all claims")
            }

            try await server.stop(.kill)
            let calls = driver.calls.filter { !$0.hasPrefix("registered") }
            let again = try await node.start()
            try await eventually("it registers again") { driver.calls.last == "registered" }
            #expect(driver.calls.filter { !$0.hasPrefix("registered") } == calls, "what runs is left alone")
            try await again.must("delete", "pod", "first")
            #expect(driver.calls.contains("unprepare default/\(claim)"))
            // Its slices went when the node began anew, as long as it was not there.
            if try await Self.slices(again).isEmpty { try await again.must("create", input: Self.slice) }
            try await again.must("wait", "--for=condition=Ready", "pod/second", "--timeout=50s")
            #expect(driver.calls.last?.hasPrefix("prepare default/second-light-") == true)
        }
    }

    @Test func `the slices of a driver that has died are deleted after half a minute`() async throws {
        try await TestNode.with { node, server in
            let driver = try await Driver.start(on: node)
            try await eventually("the driver is registered") { driver.calls == ["registered"] }
            try await server.must("create", input: Self.slice)
            try await node.shell("kill -9 $(pgrep -f '[d]evice_driver.py')")
            _ = try await driver.process.wait()
            let died = ContinuousClock.now
            #expect(try await Self.slices(server) == "resourceslice.resource.k8s.io/lamps\n")
            try await eventually("its slices are gone", within: .seconds(60)) {
                try await Self.slices(server).isEmpty
            }
            #expect(ContinuousClock.now - died > .seconds(25))
        }
    }
}
