import API
import APIMachinery
import Support

@testable import Controllers

/// A DaemonSet with nodes and pods, in memory, as a conversation sets them up.
struct DaemonWorld {
    var set = DaemonSet(namespace: "default", name: "agent")
    var nodes: [String: Node] = [:]
    var pods: [Pod] = []
    var revisions: [ControllerRevision] = []
    var pauses: [String: Timestamp] = [:]
    var now = Timestamp(seconds: 1_000_000)
    private var count = 0

    mutating func answer(_ command: [String]) -> [String] {
        let (options, rest) = (options(command), Array(command.dropFirst()))
        switch command[0] {
        case "daemon": make(options)
        case "nodes": for name in rest { nodes[name] = Node(name: name) }
        case "lose": nodes[rest[0]] = nil
        case "label": nodes[rest[0]]?.metadata.labels = options.filter { !$0.value.isEmpty }
        case "taint": taint(rest)
        case "image": use(rest[0])
        case "step": return step()
        case "ready": change(rest) { $0.status = Self.ready(at: $1) }
        case "unready": change(rest) { pod, _ in pod.status.conditions = [] }
        case "phase": change([rest[0]]) { pod, _ in pod.status.phase = rest[1] }
        case "place": change(rest) { pod, _ in pod.spec.nodeName = DaemonPod.node(of: pod) ?? "" }
        case "gone": pods.removeAll { $0.metadata.deletionTimestamp != nil }
        case "copy": copy(rest[0])
        case "pause": pauses[rest[0]] = now + .seconds(10)
        case "after": now = now + .seconds(Int(rest[0]) ?? 0)
        case "status": return status
        case "deadline": return [decision.nextDeadline.map { "\($0.components.seconds) s" } ?? "none"]
        default: return ["what is \(command[0])?"]
        }
        return []
    }

    private mutating func make(_ options: [String: String]) {
        self = DaemonWorld()
        set.metadata.uid = "d"
        set.spec.selector = MetaV1LabelSelector(["matchLabels": ["app": "agent"]])
        set.spec.template.metadata.labels = ["app": "agent"]
        set.spec.minReadySeconds = Int(options["minReady"] ?? "0") ?? 0
        set.spec.updateStrategy.type = options["strategy"] ?? "RollingUpdate"
        if options["strategy"] == nil {
            var update = RollingUpdateDaemonSet()
            update.maxUnavailable = IntOrString(parsing: options["unavailable"] ?? "1").json
            update.maxSurge = IntOrString(parsing: options["surge"] ?? "0").json
            set.spec.updateStrategy.rollingUpdate = update
        }
        if let selector = options["selector"] { set.spec.template.spec.nodeSelector = [selector: "yes"] }
        use("v1")
    }

    private mutating func use(_ image: String) {
        set.spec.template.spec.containers = [Container(["name": "c", "image": .string(image)])]
        guard case .create(var revision) = RevisionHistory(set.spec.template, revisions).step(for: set) else { return }
        revision.metadata.uid = revision.metadata.name
        revisions.append(revision)
    }

    private mutating func taint(_ words: [String]) {
        nodes[words[0]]?.spec.taints = words.dropFirst().map { word in
            let parts = word.split(separator: ":").map(String.init)
            return Taint(["key": .string(parts[0]), "effect": .string(parts[1])])
        }
    }

    var decision: DaemonSetDecision {
        let history = RevisionHistory(set.spec.template, revisions)
        var decision = DaemonSetDecision(
            set: set, nodes: nodes.values.map { DaemonNode($0) }.sorted { $0.name < $1.name }, pods: pods,
            hash: history.current?.podHash ?? "", now: now)
        decision.pauses = pauses
        return decision
    }

    private mutating func step() -> [String] {
        let changes = decision.changes
        var lines: [String] = []
        for deletion in changes.deletions {
            for index in pods.indices where pods[index].metadata.uid == deletion.pod.metadata.uid {
                pods[index].metadata.deletionTimestamp = now
            }
            lines.append("delete \(words(deletion.pod))" + (deletion.note.map { " \($0.reason)" } ?? ""))
        }
        for node in changes.nodes {
            var pod = set.pod(on: node, hash: decision.hash)
            count += 1
            pod.metadata.name = "\(pod.metadata.generateName)\(count)"
            pod.metadata.uid = pod.metadata.name
            pod.metadata.creationTimestamp = now + .seconds(count)
            pod.status.phase = "Pending"
            pods.append(pod)
            lines.append("create \(words(pod))")
        }
        set.status = decision.status
        return lines
    }

    private func words(_ pod: Pod) -> String {
        "\(DaemonPod.node(of: pod) ?? "nowhere") \(pod.spec.containers.first?.image ?? "")"
    }

    /// Changes the pods on some nodes, or on all; `a/v2` is the pod of that image on `a`.
    private mutating func change(_ names: [String], _ body: (inout Pod, Timestamp) -> Void) {
        for index in pods.indices where pods[index].metadata.deletionTimestamp == nil {
            let words = words(pods[index]).split(separator: " ").map(String.init)
            guard names.isEmpty || names.contains(words[0]) || names.contains(words.joined(separator: "/")) else {
                continue
            }
            body(&pods[index], now)
        }
    }

    private mutating func copy(_ node: String) {
        guard var pod = pods.first(where: { DaemonPod.node(of: $0) == node }) else { return }
        count += 1
        pod.metadata.name = "agent-\(count)"
        pod.metadata.uid = pod.metadata.name
        pod.metadata.creationTimestamp = now + .seconds(1000)
        pods.append(pod)
    }

    private static func ready(at now: Timestamp) -> PodStatus {
        PodStatus([
            "phase": "Running",
            "conditions": [["type": "Ready", "status": "True", "lastTransitionTime": .string(now.description)]],
        ])
    }

    private var status: [String] {
        let status = set.status
        return [
            "wanted \(status.desiredNumberScheduled) there \(status.currentNumberScheduled) "
                + "astray \(status.numberMisscheduled)",
            "ready \(status.numberReady) available \(status.numberAvailable) "
                + "unavailable \(status.numberUnavailable) updated \(status.updatedNumberScheduled)",
        ]
    }
}
