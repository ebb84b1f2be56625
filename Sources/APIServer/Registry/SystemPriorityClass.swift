import API
import APIMachinery
import Client

/// The priority classes that every cluster has, for the pods that it cannot do without (Kubernetes documentation,
/// "Guaranteed Scheduling For Critical Add-On Pods").
enum SystemPriorityClass: String, CaseIterable, Sendable {
    case nodeCritical = "system-node-critical"
    case clusterCritical = "system-cluster-critical"

    var priority: Int64 {
        switch self {
        case .nodeCritical: 2_000_001_000
        case .clusterCritical: 2_000_000_000
        }
    }

    var text: String {
        switch self {
        case .nodeCritical: "Used for system critical pods that must not be moved from their current node."
        case .clusterCritical:
            "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary."
        }
    }

    /// Throws 403 when the object is one of these, whoever asks. As in Kubernetes that holds for who names the class; one
    /// that goes with the whole collection goes.
    static func checkDeletion(of target: Target) throws(Status) {
        guard target.resource == .priorityClasses, SystemPriorityClass(rawValue: target.name) != nil else { return }
        throw .forbidden(target.resource, target.name, "this is a system priority class and cannot be deleted")
    }
}
