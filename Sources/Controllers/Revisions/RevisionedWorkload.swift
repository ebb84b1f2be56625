import API
import APIMachinery

/// A workload that keeps the templates it had as ControllerRevisions.
protocol RevisionedWorkload: ResourceView {
    var metadata: ObjectMeta { get }
    var selector: MetaV1LabelSelector? { get }
    var template: PodTemplateSpec { get }
    /// How many templates beyond those in use are kept.
    var revisionHistoryLimit: Int? { get }
    /// How often the name that a template's hash gives was taken: it makes the next hash another.
    var collisionCount: Int? { get set }
    /// The label by which a revision tells its hash.
    static var hashLabel: String { get }
}

extension StatefulSet: RevisionedWorkload {
    static let hashLabel = "controller.kubernetes.io/hash"

    var selector: MetaV1LabelSelector? { spec.selector }
    var template: PodTemplateSpec { spec.template }
    var revisionHistoryLimit: Int? { spec.revisionHistoryLimit }
    var collisionCount: Int? {
        get { status.collisionCount }
        set { status.collisionCount = newValue }
    }
}

extension DaemonSet: RevisionedWorkload {
    static let hashLabel = RevisionLabel.ofPods

    var selector: MetaV1LabelSelector? { spec.selector }
    var template: PodTemplateSpec { spec.template }
    var revisionHistoryLimit: Int? { spec.revisionHistoryLimit }
    var collisionCount: Int? {
        get { status.collisionCount }
        set { status.collisionCount = newValue }
    }
}

/// The labels that tie pods to revisions.
enum RevisionLabel {
    /// On pods: of a StatefulSet with the revision's name, of a DaemonSet with its hash.
    static let ofPods = "controller-revision-hash"
}
