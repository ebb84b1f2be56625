import API
import APIMachinery
import Runtime
import Support
import Testing

@testable import Kubelet

@Suite struct StorageNodeTests {
    private static func info(_ id: String, _ topology: [String: String] = [:], most: Int64 = 0) -> CSI.NodeInfo {
        var info = CSI.NodeInfo()
        (info.nodeID, info.maxVolumesPerNode) = (id, most)
        info.accessibleTopology = topology.isEmpty ? nil : CSI.Topology(topology)
        return info
    }

    private static func node(labels: [String: String] = [:], ids: String? = nil) -> Node {
        var node = Node(name: "n1")
        node.metadata.uid = "uid-n1"
        node.metadata.labels = labels
        if let ids { node.metadata.annotations[StorageNode.annotation] = ids }
        return node
    }

    @Test func `a CSINode goes with its Node and has a list even of nothing`() throws {
        let object = StorageNode.fresh(Self.node(), [])
        #expect(object.metadata.name == "n1")
        #expect(object.metadata.ownerReferences.map(\.uid) == ["uid-n1"])
        #expect(object.value.at("spec", "drivers") == .array([]))
    }

    @Test func `a driver is listed with its name for the node, its topology and its bound`() throws {
        var object = StorageNode.fresh(Self.node(), [])
        StorageNode.add("a.io", Self.info("id-a", ["zone": "z", "rack": "r"], most: 7), to: &object)
        StorageNode.add("b.io", Self.info("id-b"), to: &object)
        #expect(object.spec.drivers.map(\.name) == ["a.io", "b.io"])
        #expect(object.spec.drivers[0].topologyKeys == ["rack", "zone"])
        #expect(object.spec.drivers[0].allocatable?.count == 7)
        #expect(object.spec.drivers[1].allocatable == nil)
        // Again, with another bound that no number of ours holds.
        StorageNode.add("a.io", Self.info("id-a2", most: .max), to: &object)
        #expect(object.spec.drivers.map(\.nodeID) == ["id-b", "id-a2"])
        #expect(object.spec.drivers[1].allocatable?.count == Int(Int32.max))
        let present = object
        StorageNode.add("b.io", Self.info("id-b"), to: &object)
        #expect(object == present, "what is there stays in its place")
        StorageNode.remove("a.io", from: &object)
        StorageNode.remove("b.io", from: &object)
        #expect(object.value.at("spec", "drivers") == .array([]))
    }

    @Test func `the Node is told of names and labels, and only of news`() throws {
        let info = Self.info("id-a", ["zone": "z"])
        let patch = try StorageNode.patch(Self.node(ids: #"{"b.io":"id-b"}"#), adding: "a.io", info)
        #expect(patch?.at("metadata", "labels", "zone") == "z")
        #expect(
            patch?.at("metadata", "annotations", StorageNode.annotation) == #"{"a.io":"id-a","b.io":"id-b"}"#)
        let done = Self.node(labels: ["zone": "z"], ids: #"{"a.io":"id-a"}"#)
        #expect(try StorageNode.patch(done, adding: "a.io", info) == nil)
        let rest = StorageNode.patch(done, removing: "a.io")
        #expect(rest?.at("metadata", "annotations", StorageNode.annotation) == .null)
        #expect(rest?.at("metadata", "labels") == nil, "volumes may have been placed by them")
        #expect(StorageNode.patch(done, removing: "b.io") == nil)
    }

    @Test func `a label of another value, and a node without a name, refuse the driver`() throws {
        let other = Self.node(labels: ["zone": "y"])
        let fault = #expect(throws: Fault.self) {
            try StorageNode.patch(other, adding: "a.io", Self.info("id", ["zone": "z"]))
        }
        #expect(
            fault?.summary
                == #"detected topology value collision: driver reported "zone":"z" but existing label is "zone":"y""#)
        let nameless = #expect(throws: Fault.self) { try StorageNode.patch(other, adding: "a.io", Self.info("")) }
        #expect(nameless?.summary.contains("driverNodeID must not be empty") == true)
    }

    @Test(arguments: [
        ("1.0.0", true), ("v1.11.0", true), ("1", true), ("0.3.0", false), ("2.0.0", false), ("", false),
        ("one", false), ("1.0.0.0", false),
    ])
    func `version 1 is spoken`(version: String, isSpoken: Bool) {
        #expect(CSIRegistration.isSupported(version) == isSpoken)
    }
}
