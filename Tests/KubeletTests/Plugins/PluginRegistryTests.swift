import API
import APIMachinery
import Client
import Host
import Runtime
import Support
import Testing
import Wire

@testable import Kubelet

@Suite(.timeLimit(.minutes(1)))
struct PluginRegistryTests {
    @Test func `a node has a CSINode before it has drivers`() async throws {
        try await PluginWorld.run { world in
            try await world.untilStorageNode { $0?.spec.drivers == [] }
        }
    }

    @Test func `a driver that plugs in is listed, told so, and can be found`() async throws {
        try await PluginWorld.run { world in
            let driver = ScriptedDriver(nodeID: "id-1")
            driver.change { $0.info.accessibleTopology = CSI.Topology(["a.io/zone": "z"]) }
            let registrar = try world.plug("a.io-reg.sock", "a.io", driver)
            #expect(await registrar.verdict() == nil)
            let node = try #require(world.client.present(Node.self, ObjectName(name: "n1")))
            #expect(node.metadata.annotations[StorageNode.annotation] == #"{"a.io":"id-1"}"#)
            #expect(node.metadata.labels["a.io/zone"] == "z")
            let object = try #require(world.client.present(CSINode.self, ObjectName(name: "n1")))
            #expect(object.spec.drivers.map(\.name) == ["a.io"])
            #expect(object.spec.drivers.first?.topologyKeys == ["a.io/zone"])
            #expect(world.drivers["a.io"]?.info.nodeID == "id-1")
        }
    }

    @Test func `a driver whose socket goes is listed no more`() async throws {
        try await PluginWorld.run { world in
            let driver = ScriptedDriver()
            #expect(await (try world.plug("a.io-reg.sock", "a.io", driver)).verdict() == nil)
            try world.unplug("a.io-reg.sock")
            try await world.untilStorageNode { $0?.spec.drivers == [] }
            try await world.untilNode { $0?.metadata.annotations[StorageNode.annotation] == nil }
        }
    }

    @Test func `sockets are found in folders, files and hidden sockets are not`() async throws {
        try await PluginWorld.run { world in
            try Files.write("no socket", to: world.folder + "/file")
            try world.plug(".hidden.sock", "hidden.io")
            #expect(await (try world.plug("below/a.io-reg.sock", "a.io")).verdict() == nil)
            #expect(world.drivers.all.map(\.name) == ["a.io"])
        }
    }

    @Test func `what was registered when the node stopped is registered again`() async throws {
        try await PluginWorld.run { world in
            let first = try world.plug("a.io-reg.sock", "a.io", ScriptedDriver(nodeID: "id-1"))
            #expect(await first.verdict() == nil)
            // Another kubelet, which knows nothing.
            try await world.live { #expect(await first.verdict() == nil) }
        }
    }

    @Test func `a socket that is made anew is registered anew`() async throws {
        try await PluginWorld.run { world in
            let old = ScriptedDriver(nodeID: "id-1")
            #expect(await (try world.plug("a.io-reg.sock", "a.io", old)).verdict() == nil)
            try world.unplug("a.io-reg.sock")
            #expect(await (try world.plug("a.io-reg.sock", "a.io", ScriptedDriver(nodeID: "id-2"))).verdict() == nil)
            #expect(world.drivers["a.io"]?.info.nodeID == "id-2")
            #expect(old.read(\.isClosed))
            try await world.untilStorageNode { $0?.spec.drivers.map(\.nodeID) == ["id-2"] }
        }
    }

    @Test func `a name that moved to another socket survives the end of the first`() async throws {
        try await PluginWorld.run { world in
            #expect(await (try world.plug("one.sock", "a.io", ScriptedDriver(nodeID: "id-1"))).verdict() == nil)
            #expect(await (try world.plug("two.sock", "a.io", ScriptedDriver(nodeID: "id-2"))).verdict() == nil)
            try world.unplug("one.sock")
            // Looked at in order: when the third is registered, the first is gone.
            #expect(await (try world.plug("three.sock", "c.io")).verdict() == nil)
            #expect(world.drivers["a.io"]?.info.nodeID == "id-2")
        }
    }

    @Test(arguments: [
        ("CSIPlugin", ["0.3.0"], "None of the versions specified"), ("CSIPlugin", [], "empty list"),
        ("Teapot", ["1.0.0"], "no handler registered for plugin type: Teapot"),
    ])
    func `what cannot be used is told why`(type: String, versions: [String], why: String) async throws {
        try await PluginWorld.run { world in
            let registrar = try world.plug("a.sock", "a.io", type: type, versions: versions)
            #expect(await registrar.verdict()?.contains(why) == true)
            #expect(world.drivers.all.isEmpty)
        }
    }

    @Test func `a driver that fails to tell about the node is tried again`() async throws {
        try await PluginWorld.run { world in
            let driver = ScriptedDriver()
            driver.fail("info", .unavailable)
            let registrar = try world.plug("a.sock", "a.io", driver)
            #expect(await registrar.verdict()?.contains("refused") == true)
            #expect(await registrar.verdict() == nil)
            #expect(driver.calls == ["info", "info"])
        }
    }

    @Test func `a Node that is made anew has its CSINode and its drivers again`() async throws {
        try await PluginWorld.run { world in
            #expect(await (try world.plug("a.sock", "a.io", ScriptedDriver(nodeID: "id-1"))).verdict() == nil)
            let name = ObjectName(name: "n1")
            world.client.remove(Node.self, name)
            var node = Node(name: "n1")
            node.metadata.uid = "uid-2"
            world.client.put(node)
            try await world.untilStorageNode { $0?.metadata.ownerReferences.map(\.uid) == ["uid-2"] }
            try await world.untilNode { $0?.metadata.annotations[StorageNode.annotation] == #"{"a.io":"id-1"}"# }
            try await world.untilStorageNode { $0?.spec.drivers.map(\.nodeID) == ["id-1"] }
        }
    }
}
