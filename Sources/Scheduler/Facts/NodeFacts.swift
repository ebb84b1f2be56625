import API
import APIMachinery

/// What a decision needs to know of a node and of the pods on it.
struct NodeFacts: Sendable {
    var name: String
    var labels: Fields
    var isUnschedulable: Bool
    var taints: [Taint]
    var allocatable: ResourceAmounts
    /// The sum of what its pods request, those included that are on their way there.
    var requested = ResourceAmounts()
    var podCount = 0
    var hostPorts: [PodFacts.HostPort] = []

    init(_ node: Node) {
        name = node.objectName.name
        labels = node.value.at("metadata", "labels")?.fields ?? Fields()
        isUnschedulable = node.spec.unschedulable
        taints = node.spec.taints
        allocatable = ResourceAmounts(node.status.allocatable)
    }

    /// Whether the node offers what `other` does, whatever is on the two.
    func isSame(offerAs other: NodeFacts) -> Bool {
        labels == other.labels && isUnschedulable == other.isUnschedulable && taints == other.taints
            && allocatable == other.allocatable
    }

    mutating func add(_ pod: PodFacts) {
        requested += pod.requests
        podCount += 1
        hostPorts += pod.hostPorts
    }

    mutating func remove(_ pod: PodFacts) {
        requested -= pod.requests
        podCount -= 1
        for port in pod.hostPorts {
            if let index = hostPorts.firstIndex(of: port) { hostPorts.remove(at: index) }
        }
    }
}
