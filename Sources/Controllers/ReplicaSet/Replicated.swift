import API
import APIMachinery
import Client

/// What asks for a number of equal pods: a ReplicaSet, or a ReplicationController, which came before it. Their statuses
/// have the same fields, so one decision and one shell serve both.
protocol Replicated: ResourceView {
    /// How many pods there shall be.
    var size: Int { get }
    var minReadySeconds: Int { get }
    var podSelector: MetaV1LabelSelector? { get }
    var template: PodTemplateSpec { get }
    var replicaStatus: ReplicaSetStatus { get set }
    /// Whether the status says how many pods are on their way out.
    static var countsTerminatingReplicas: Bool { get }
}

extension ReplicaSet: Replicated {
    var minReadySeconds: Int { spec.minReadySeconds }
    var podSelector: MetaV1LabelSelector? { spec.selector }
    var template: PodTemplateSpec { spec.template }
    var replicaStatus: ReplicaSetStatus { get { status } set { status = newValue } }
    static var countsTerminatingReplicas: Bool { true }
}

extension ReplicationController: Replicated {
    var size: Int { spec.replicas ?? 1 }
    var minReadySeconds: Int { spec.minReadySeconds }
    var podSelector: MetaV1LabelSelector? { MetaV1LabelSelector(["matchLabels": Value(spec.selector)]) }
    var template: PodTemplateSpec { spec.template ?? PodTemplateSpec() }
    var replicaStatus: ReplicaSetStatus {
        get { ReplicaSetStatus(value["status"] ?? .emptyObject) }
        set { value["status"] = newValue.value }
    }
    static var countsTerminatingReplicas: Bool { false }
}
