import API
import APIMachinery
import Runtime
import Support

/// What the API is told of a storage driver on this node. Pure.
///
/// The CSINode lists the drivers, for the scheduler and the programs beside the drivers; the Node has their own names
/// for it in an annotation, and where they can be reached from as labels (KEP 557).
enum StorageNode {
    static let annotation = "csi.volume.kubernetes.io/nodeid"

    /// A CSINode that goes with its node.
    static func fresh(_ node: Node, _ drivers: [(name: String, info: CSI.NodeInfo)]) -> CSINode {
        var object = CSINode(name: node.metadata.name)
        var owner = OwnerReference()
        (owner.apiVersion, owner.kind) = ("v1", "Node")
        (owner.name, owner.uid) = (node.metadata.name, node.metadata.uid)
        object.metadata.ownerReferences = [owner]
        object.spec.drivers = []
        // A list that must be there, even of nothing.
        object.value[path: ["spec", "drivers"]] = .array([])
        for driver in drivers { add(driver.name, driver.info, to: &object) }
        return object
    }

    /// Puts the driver into the list. One that is there as it should be stays.
    static func add(_ name: String, _ info: CSI.NodeInfo, to object: inout CSINode) {
        var driver = CSINodeDriver()
        (driver.name, driver.nodeID) = (name, info.nodeID)
        driver.topologyKeys = (info.accessibleTopology?.segments ?? [:]).keys.sorted()
        if info.maxVolumesPerNode > 0 {
            var resources = VolumeNodeResources()
            resources.count = Int(min(info.maxVolumesPerNode, Int64(Int32.max)))
            driver.allocatable = resources
        }
        var drivers = object.spec.drivers.filter { $0.name != name }
        drivers.append(driver)
        guard Set(drivers.map(\.value)) != Set(object.spec.drivers.map(\.value)) else { return }
        object.spec.drivers = drivers
    }

    static func remove(_ name: String, from object: inout CSINode) {
        let drivers = object.spec.drivers.filter { $0.name != name }
        object.value[path: ["spec", "drivers"]] = .array(drivers.map(\.value))
    }

    /// The changes that the Node needs, as a merge patch; `nil` for none. Fails with `conflict` when a label of
    /// another value is there.
    static func patch(_ node: Node, adding name: String, _ info: CSI.NodeInfo) throws(Fault) -> Value? {
        guard !info.nodeID.isEmpty else {
            throw Fault(.invalid, "error adding CSI driver node info: driverNodeID must not be empty")
        }
        var labels = Value.emptyObject
        for (key, value) in (info.accessibleTopology?.segments ?? [:]).sorted(by: { $0.key < $1.key }) {
            let present = node.metadata.labels[key]
            guard present == nil || present == value else {
                throw Fault(
                    .conflict,
                    "detected topology value collision: driver reported \(GoText.quoted(key)):\(GoText.quoted(value)) "
                        + "but existing label is \(GoText.quoted(key)):\(GoText.quoted(present ?? ""))")
            }
            if present == nil { labels[key] = .string(value) }
        }
        var metadata = Value.emptyObject
        if labels != .emptyObject { metadata["labels"] = labels }
        var ids = identifiers(of: node)
        if ids[name]?.string != info.nodeID {
            ids[name] = .string(info.nodeID)
            metadata["annotations"] = [annotation: .string(text(ids))]
        }
        return metadata == .emptyObject ? nil : ["metadata": metadata]
    }

    /// The labels stay: volumes may have been placed by them.
    static func patch(_ node: Node, removing name: String) -> Value? {
        var ids = identifiers(of: node)
        guard ids[name] != nil else { return nil }
        ids[name] = nil
        let rest: Value = ids == .emptyObject ? .null : .string(text(ids))
        return ["metadata": ["annotations": [annotation: rest]]]
    }

    private static func identifiers(of node: Node) -> Value {
        guard let text = node.metadata.annotations[annotation], let value = try? Value(json: text),
            value.fields != nil
        else { return .emptyObject }
        return value
    }

    private static func text(_ value: Value) -> String { String(decoding: value.json, as: UTF8.self) }
}
