import API
import APIMachinery
import Support

/// The templates that a workload had, and which of them it has now.
///
/// Pure: it is fed the revisions that the workload controls, and says what is missing from them.
struct RevisionHistory: Sendable {
    enum Step: Hashable, Sendable {
        /// The present template is the newest already.
        case keep(ControllerRevision)
        /// The present template is an earlier one, which becomes the newest.
        case renumber(ControllerRevision)
        /// The present template is new.
        case create(ControllerRevision)
    }

    /// Oldest first.
    let revisions: [ControllerRevision]
    /// Those that hold the present template, oldest first: one, unless somebody made more of them.
    let matching: [ControllerRevision]

    init(_ template: PodTemplateSpec, _ revisions: [ControllerRevision]) {
        self.revisions = revisions.sorted { Self.order($0) < Self.order($1) }
        matching = self.revisions.filter { RevisionData.holds($0, template) }
    }

    /// The revision of the present template, if there is one.
    var current: ControllerRevision? { matching.last }

    /// What makes the present template the newest revision.
    func step<Owner: RevisionedWorkload>(for owner: Owner) -> Step {
        guard let newest = revisions.last else { return .create(revision(1, of: owner)) }
        // The number is anybody's to write: behind the greatest there is no next one.
        let next = newest.revision == .max ? newest.revision : newest.revision + 1
        guard var current else { return .create(revision(next, of: owner)) }
        if current.metadata.uid == newest.metadata.uid || current.revision == next { return .keep(current) }
        current.revision = next
        return .renumber(current)
    }

    subscript(name: String) -> ControllerRevision? { revisions.first { $0.metadata.name == name } }

    /// What is beyond the history that is kept, oldest first. What `isLive` is in use, and is neither dropped nor counted.
    func expired(beyond limit: Int?, isLive: (ControllerRevision) -> Bool) -> [ControllerRevision] {
        guard let limit, limit >= 0 else { return [] }
        let past = revisions.filter { $0.metadata.uid != current?.metadata.uid && !isLive($0) }
        return Array(past.prefix(max(0, past.count - limit)))
    }

    private func revision<Owner: RevisionedWorkload>(_ number: Int, of owner: Owner) -> ControllerRevision {
        let data = RevisionData.of(owner.template)
        let hash = TemplateHash.of(data, collisions: owner.collisionCount ?? 0)
        let name = String(owner.metadata.name.prefix(Self.longestPrefix)) + "-" + hash
        var revision = ControllerRevision(namespace: owner.metadata.namespace, name: name)
        var labels = owner.template.metadata.labels
        labels[Owner.hashLabel] = hash
        revision.metadata.labels = labels
        // `kubernetes.io/change-cause` among them; what `kubectl apply` remembers is of no use to a past.
        var annotations = owner.metadata.annotations
        annotations["kubectl.kubernetes.io/last-applied-configuration"] = nil
        revision.metadata.annotations = annotations
        revision.metadata.ownerReferences = [owner.controllerReference]
        revision.data = data
        revision.revision = number
        return revision
    }

    /// So that the name with its hash is no longer than names may be.
    private static let longestPrefix = 223

    private static func order(_ revision: ControllerRevision) -> (Int, String, String) {
        (revision.revision, revision.metadata.creationTimestamp?.description ?? "", revision.metadata.name)
    }
}
