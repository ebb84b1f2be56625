import API
import APIMachinery

/// What decisions need to know of a node and of the pods on it.
///
/// A class, owned by ``ClusterFacts`` and changed in place: each decision looks at hundreds of nodes, and copies none.
/// ``copy()`` is for asking what would be if.
final class NodeFacts {
    let name: String
    /// Its place in the columns that are kept per node.
    let slot: Int
    private(set) var labels = Fields()
    private(set) var isUnschedulable = false
    private(set) var taints: [TaintFacts] = []
    private(set) var hasHardTaints = false
    private(set) var hasSoftTaints = false
    private(set) var allocatable = ResourceAmounts()
    private(set) var podLimit: Int128 = 0
    /// The images that it has, and the bytes of each.
    private(set) var images: [String: Int64] = [:]

    /// By uid; those included that are on their way here.
    private(set) var pods: [String: PodFacts] = [:]
    private(set) var requested = ResourceAmounts()
    private(set) var weightedCPU: Int128 = 0
    private(set) var weightedMemory: Int128 = 0
    private(set) var podCount: Int128 = 0
    private(set) var hostPorts: [HostPort] = []
    /// Pods that name disks without claims.
    private(set) var diskUsers = 0

    init(name: String, slot: Int) {
        self.name = name
        self.slot = slot
    }

    /// What about a node changed, of that which decisions look at.
    struct Change: OptionSet, Hashable {
        let rawValue: Int
        static let appearance = Change(rawValue: 1)
        static let labels = Change(rawValue: 2)
        static let taints = Change(rawValue: 4)
        static let amounts = Change(rawValue: 8)
        static let images = Change(rawValue: 16)
    }

    /// Takes the node's present version.
    func set(_ node: Node) -> Change {
        var change: Change = []
        let (spec, status) = (node.value["spec"], node.value["status"])
        let labels = node.value.at("metadata", "labels")?.fields ?? Fields()
        if labels != self.labels {
            self.labels = labels
            change.insert(.labels)
        }
        let isUnschedulable = spec?["unschedulable"]?.bool ?? false
        let taints = (spec?["taints"]?.array ?? []).map(TaintFacts.init)
        if taints != self.taints || isUnschedulable != self.isUnschedulable {
            self.taints = taints
            self.isUnschedulable = isUnschedulable
            hasHardTaints = taints.contains { $0.isHard }
            hasSoftTaints = taints.contains { $0.effect == .preferNoSchedule }
            change.insert(.taints)
        }
        var allocatable = ResourceAmounts(status?["allocatable"]?.strings ?? [:])
        let podLimit = allocatable["pods"]
        allocatable["pods"] = 0
        if allocatable != self.allocatable || podLimit != self.podLimit {
            (self.allocatable, self.podLimit) = (allocatable, podLimit)
            change.insert(.amounts)
        }
        let images = Self.images(status?["images"])
        if images != self.images {
            self.images = images
            change.insert(.images)
        }
        return change
    }

    func add(_ pod: PodFacts) {
        pods[pod.uid] = pod
        count(pod)
    }

    /// Takes a later version of a pod that is here, and counts as it did.
    func replace(_ pod: PodFacts) { pods[pod.uid] = pod }

    func remove(_ pod: PodFacts) {
        guard let pod = pods.removeValue(forKey: pod.uid) else { return }
        requested -= pod.requests
        weightedCPU -= pod.weightedCPU
        weightedMemory -= pod.weightedMemory
        podCount -= 1
        for port in pod.hostPorts {
            if let index = hostPorts.firstIndex(of: port) { hostPorts.remove(at: index) }
        }
        if !pod.legacyDisks.isEmpty { diskUsers -= 1 }
    }

    private func count(_ pod: PodFacts) {
        requested += pod.requests
        weightedCPU += pod.weightedCPU
        weightedMemory += pod.weightedMemory
        podCount += 1
        hostPorts += pod.hostPorts
        if !pod.legacyDisks.isEmpty { diskUsers += 1 }
    }

    /// The same node, to be changed at will.
    func copy() -> NodeFacts {
        let copy = NodeFacts(name: name, slot: slot)
        (copy.labels, copy.isUnschedulable, copy.taints) = (labels, isUnschedulable, taints)
        (copy.hasHardTaints, copy.hasSoftTaints) = (hasHardTaints, hasSoftTaints)
        (copy.allocatable, copy.podLimit, copy.images) = (allocatable, podLimit, images)
        (copy.pods, copy.requested) = (pods, requested)
        (copy.weightedCPU, copy.weightedMemory) = (weightedCPU, weightedMemory)
        (copy.podCount, copy.hostPorts, copy.diskUsers) = (podCount, hostPorts, diskUsers)
        return copy
    }

    /// Where the node stands: nodes of different zones are asked in turn.
    var zone: String {
        let region = labels["topology.kubernetes.io/region"]?.string ?? ""
        let zone = labels["topology.kubernetes.io/zone"]?.string ?? ""
        return region.isEmpty && zone.isEmpty ? "" : region + ":\u{0}:" + zone
    }

    private static func images(_ list: Value?) -> [String: Int64] {
        var images: [String: Int64] = [:]
        for image in list?.array ?? [] {
            for case .string(let name) in image["names"]?.array ?? [] {
                images[name] = image["sizeBytes"]?.integer ?? 0
            }
        }
        return images
    }

    /// An image's name as nodes report it: with a tag.
    static func normalized(_ image: String) -> String {
        let tail = image.utf8.lastIndex(of: UInt8(ascii: "/")).map { image[$0...] } ?? image[...]
        return tail.utf8.contains { $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "@") } ? image : image + ":latest"
    }
}
