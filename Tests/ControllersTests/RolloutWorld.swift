import API
import APIMachinery
import Support

@testable import Controllers

/// A Deployment with its sets and their pods, in memory: what the API, the replica set controller and the
/// nodes would do to them, one step at a time.
struct RolloutWorld {
    var deployment: Deployment
    var sets: [ReplicaSet] = []
    /// By the set's uid: for each pod, whether it is available.
    var pods: [String: [Bool]] = [:]
    var now = Timestamp(seconds: 1_000_000)
    private var created = 0

    init(replicas: Int, surge: Value, unavailable: Value, strategy: String = "RollingUpdate") {
        deployment = Deployment(namespace: "default", name: "web")
        deployment.metadata.uid = "d"
        deployment.metadata.generation = 1
        deployment.spec.replicas = replicas
        deployment.spec.progressDeadlineSeconds = 600
        deployment.spec.revisionHistoryLimit = 2
        deployment.spec.selector = MetaV1LabelSelector(["matchLabels": ["app": "web"]])
        deployment.spec.template.metadata.labels = ["app": "web"]
        deployment.spec.strategy.type = strategy
        var update = RollingUpdateDeployment()
        update.maxSurge = surge
        update.maxUnavailable = unavailable
        if strategy == "RollingUpdate" { deployment.spec.strategy.rollingUpdate = update }
        use(image: "v1")
    }

    mutating func use(image: String) {
        deployment.spec.template.spec = PodSpec(["containers": [["name": "web", "image": .string(image)]]])
        deployment.metadata.generation += 1
    }

    func image(of set: ReplicaSet) -> String { set.spec.template.spec.containers.first?.image ?? "" }

    var decision: RolloutDecision {
        let old = RolloutDecision(deployment: deployment, sets: sets, hasOldPods: false).oldSets
        let hasOldPods = old.contains { !(pods[$0.metadata.uid] ?? []).isEmpty }
        return RolloutDecision(deployment: deployment, sets: sets, hasOldPods: hasOldPods)
    }

    /// One pass of the deployment controller. What it did, in words.
    mutating func step() -> [String] {
        var lines: [String] = []
        var hasCreated = false
        for change in decision.changes {
            if case .create = change { hasCreated = true }
            lines.append(apply(change))
        }
        let status = RolloutStatus(
            deployment: deployment, newSet: decision.newSet, sets: decision.sets, hasCreated: hasCreated,
            now: now)
        deployment = status.reported
        if status.isComplete(deployment.status) {
            for set in decision.expired { lines.append(apply(.delete(set))) }
        }
        return lines.filter { !$0.isEmpty }
    }

    private mutating func apply(_ change: RolloutDecision.Change) -> String {
        switch change {
        case .create(var set):
            created += 1
            set.metadata.uid = "set-\(created)"
            set.metadata.generation = 1
            set.metadata.creationTimestamp = now + .seconds(created)
            sets.append(set)
            return "create \(image(of: set)) \(set.size)"
        case .update(let set, let size):
            for index in sets.indices where sets[index].metadata.uid == set.metadata.uid {
                sets[index] = set
                sets[index].metadata.generation += 1
            }
            return size == set.size ? "" : "resize \(image(of: set)) \(size) to \(set.size)"
        case .delete(let set):
            sets.removeAll { $0.metadata.uid == set.metadata.uid }
            return "delete \(image(of: set))"
        }
    }

    /// The replica set controller brings one set's pods to its size, those that are not available going
    /// first, and writes its status.
    mutating func reconcileSet(at index: Int) {
        let (uid, size) = (sets[index].metadata.uid, sets[index].size)
        var present = (pods[uid] ?? []).sorted { $0 && !$1 }
        while present.count < size { present.append(false) }
        present.removeLast(present.count - size)
        pods[uid] = present
        sets[index].status.replicas = present.count
        sets[index].status.readyReplicas = present.count(where: \.self)
        sets[index].status.availableReplicas = present.count(where: \.self)
        sets[index].status.observedGeneration = sets[index].metadata.generation
    }

    mutating func reconcileSets() {
        for index in sets.indices { reconcileSet(at: index) }
    }

    /// Pods become available, at most so many.
    mutating func makeAvailable(_ count: Int = .max) {
        var left = count
        for set in sets {
            for index in (pods[set.metadata.uid] ?? []).indices where left > 0 {
                if pods[set.metadata.uid]?[index] == false {
                    pods[set.metadata.uid]?[index] = true
                    left -= 1
                }
            }
        }
        reconcileSets()
    }

    var availableCount: Int { pods.values.reduce(0) { $0 + $1.count(where: \.self) } }
    var size: Int { sets.reduce(0) { $0 + $1.size } }
}
