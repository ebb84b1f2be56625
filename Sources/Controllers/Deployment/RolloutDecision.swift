import API
import APIMachinery
import Support

/// The next step of a Deployment: which ReplicaSets to create, resize, annotate or delete.
///
/// Pure: it is fed the Deployment and the sets it controls, and makes one step; the shell carries it out, and
/// the next change of a set brings the next step. At every step the sets' sizes sum up to at most
/// ``RollingLimits/most``, and no set is made smaller if that could leave fewer than ``RollingLimits/least``
/// pods available, even when the sets' status is older than their size.
struct RolloutDecision: Sendable {
    enum Change: Hashable, Sendable {
        case create(ReplicaSet)
        /// The set as it shall be, and its size before.
        case update(ReplicaSet, from: Int)
        case delete(ReplicaSet)
    }

    let deployment: Deployment
    /// Oldest first.
    let sets: [ReplicaSet]
    /// Whether pods of old templates are still there: `Recreate` waits for their end.
    var hasOldPods: Bool
    let limits: RollingLimits
    /// The set of the present template; the oldest, should there be several.
    let newSet: ReplicaSet?
    let oldSets: [ReplicaSet]

    init(deployment: Deployment, sets: [ReplicaSet], hasOldPods: Bool) {
        self.deployment = deployment
        self.sets = sets.sorted { Self.age($0) < Self.age($1) }
        self.hasOldPods = hasOldPods
        limits = RollingLimits(deployment.spec)
        let template = deployment.spec.template
        let newSet = self.sets.first { TemplateHash.isSame($0.spec.template, template) }
        self.newSet = newSet
        oldSets = self.sets.filter { $0.metadata.uid != newSet?.metadata.uid }
    }

    /// What to do now, in this order.
    var changes: [Change] {
        guard deployment.metadata.deletionTimestamp == nil else { return [] }
        if deployment.spec.paused || isScaling { return updates(scaledSizes, isScaling: true) }
        guard let newSet else {
            if isRecreate, oldSets.contains(where: { $0.size > 0 }) || hasOldPods {
                return updates(emptied(oldSets), isScaling: false)
            }
            return [.create(makeSet())]
        }
        let sizes = isRecreate ? recreatedSizes(newSet) : rolledSizes(newSet)
        return updates(sizes, isScaling: false)
    }

    /// The sets beyond the history that is kept, once the rollout is complete.
    var expired: [ReplicaSet] {
        guard let limit = deployment.spec.revisionHistoryLimit, deployment.metadata.deletionTimestamp == nil,
            !deployment.spec.paused
        else { return [] }
        let old = oldSets.filter { $0.metadata.deletionTimestamp == nil }
        let excess = old.count - limit
        guard excess > 0 else { return [] }
        // Stable: of equal revisions the older one goes first.
        let ranked = old.sorted {
            Revision.of($0.metadata.annotations) < Revision.of($1.metadata.annotations)
        }
        return ranked.prefix(excess).filter { set in
            let isEmpty = set.size == 0 && set.status.replicas == 0
            return isEmpty && set.status.observedGeneration >= set.metadata.generation
        }
    }

    var isRecreate: Bool { deployment.spec.strategy.type == "Recreate" }

    /// Whether the Deployment was resized since its sets got their sizes.
    private var isScaling: Bool {
        sets.contains { set in
            guard set.size > 0, let text = set.metadata.annotations[Revision.desiredReplicas] else {
                return false
            }
            return Int(text) != limits.replicas
        }
    }

    private func recreatedSizes(_ newSet: ReplicaSet) -> [String: Int] {
        let old = emptied(oldSets.filter { $0.size > 0 })
        guard old.isEmpty, !hasOldPods else { return old }
        return [newSet.metadata.uid: limits.replicas]
    }

    /// One step of a rolling update: first what the surge allows up, otherwise what availability allows down.
    private func rolledSizes(_ newSet: ReplicaSet) -> [String: Int] {
        let total = sets.reduce(0) { $0 + $1.size }
        if newSet.size > limits.replicas { return [newSet.metadata.uid: limits.replicas] }
        let growth = min(limits.most - total, limits.replicas - newSet.size)
        if growth > 0 { return [newSet.metadata.uid: newSet.size + growth] }

        // New pods that are not available yet are counted as missing.
        var spare = total - limits.least - (newSet.size - newSet.available)
        var sizes: [String: Int] = [:]
        for set in oldSets where spare > 0 {
            let unhealthy = min(spare, set.size - set.available)
            guard unhealthy > 0 else { continue }
            sizes[set.metadata.uid] = set.size - unhealthy
            spare -= unhealthy
        }
        spare = min(spare, sets.reduce(0) { $0 + $1.available } - limits.least)
        for set in oldSets where spare > 0 {
            let size = sizes[set.metadata.uid] ?? set.size
            let step = min(spare, size)
            guard step > 0 else { continue }
            sizes[set.metadata.uid] = size - step
            spare -= step
        }
        return sizes
    }

    private func emptied(_ sets: [ReplicaSet]) -> [String: Int] {
        Dictionary(uniqueKeysWithValues: sets.map { ($0.metadata.uid, 0) })
    }

    /// The sets that differ from what they shall be.
    private func updates(_ sizes: [String: Int], isScaling: Bool) -> [Change] {
        sets.compactMap { set in
            var wanted = set
            if set.metadata.uid == newSet?.metadata.uid {
                Revision.annotate(&wanted, from: deployment, over: oldSets)
                if wanted.spec.minReadySeconds != deployment.spec.minReadySeconds {
                    wanted.spec.minReadySeconds = deployment.spec.minReadySeconds
                }
            }
            let size = sizes[set.metadata.uid] ?? set.size
            if size != set.size || (isScaling && size > 0) { Revision.annotate(&wanted, sizedFor: limits) }
            if size != set.size { wanted.spec.replicas = size }
            return wanted == set ? nil : .update(wanted, from: set.size)
        }
    }

    /// The set of the present template, with as many replicas as the surge allows at once.
    private func makeSet() -> ReplicaSet {
        let namespace = deployment.metadata.namespace
        let template = deployment.spec.template
        let hash = TemplateHash.of(template, collisions: deployment.status.collisionCount ?? 0)
        var set = ReplicaSet(namespace: namespace, name: deployment.metadata.name + "-" + hash)
        var labels = template.metadata.labels
        labels[TemplateHash.label] = hash
        set.metadata.labels = labels
        set.metadata.ownerReferences = [deployment.controllerReference]
        set.spec.template = template
        set.spec.template.metadata.labels = labels
        var selector = deployment.spec.selector ?? MetaV1LabelSelector()
        selector.matchLabels[TemplateHash.label] = hash
        set.spec.selector = selector
        set.spec.minReadySeconds = deployment.spec.minReadySeconds
        let total = sets.reduce(0) { $0 + $1.size }
        let growth = isRecreate ? limits.replicas : min(limits.most - total, limits.replicas)
        set.spec.replicas = max(0, growth)
        Revision.annotate(&set, from: deployment, over: oldSets)
        Revision.annotate(&set, sizedFor: limits)
        return set
    }

    /// Creation times have whole seconds; names settle the rest.
    private static func age(_ set: ReplicaSet) -> (String, String) {
        (set.metadata.creationTimestamp?.description ?? "", set.metadata.name)
    }
}

extension ReplicaSet {
    /// How many pods it is asked to have.
    var size: Int { spec.replicas ?? 1 }

    /// How many available pods it is sure to keep at its present size. A status older than the size may say
    /// more.
    var available: Int { min(status.availableReplicas, size) }
}
