import API
import APIMachinery
import Support

/// Whether a node takes a pod that is bound to it.
enum AdmissionVerdict: Hashable, Sendable {
    case admitted
    case refused(PodEnd)
    /// These must go first.
    case preempts([String])
    /// Others have been told to go.
    case waits
}

/// What a pod takes of its node.
struct PodClaim: Hashable, Sendable {
    /// By the name of the resource: thousandths of a core, bytes, pieces.
    var amounts: [String: Int64]
    var ports: [HostPort]
    var priority: Int?
    var isCritical: Bool
    var quality: QualityOfService

    init(_ pod: Pod) {
        amounts = [:]
        for (name, amount) in PodResources.requests(of: pod.value) where amount.sign > 0 {
            amounts[name] = name == "cpu" ? amount.milliValue : amount.value
        }
        amounts["pods"] = 1
        ports = HostPort.all(of: pod.spec.value)
        priority = pod.spec.priority
        isCritical = pod.isCritical
        quality = QualityOfService(pod)
    }
}

/// Decides which pods a node takes: the scheduler has judged most of them already, but it may be late, and those that
/// name their node, or come from a file of it, met no scheduler.
///
/// Pure. The order of the questions, the reasons and the words are those of Kubernetes.
struct AdmissionLedger: Sendable {
    /// What of the node counts; `node` is what the API has of it, where that is known.
    struct Place: Sendable {
        var name: String
        var node: Node?
        var pressures: Set<NodePressure> = []
        /// How much of the resources of device plug-ins pods have: as much there is, whatever the API knows of it.
        var devices: [String: Int64] = [:]
    }

    /// What the node gives to pods, as ``PodClaim/amounts``.
    let allocatable: [String: Int64]
    private var admitted: [String: PodClaim] = [:]
    /// Those that go for others.
    private var leaving: Set<String> = []
    private var waiting: Set<String> = []

    init(allocatable: [String: Int64]) { self.allocatable = allocatable }

    func knows(_ uid: String) -> Bool { admitted[uid] != nil }

    /// The pod is here and has this.
    mutating func note(_ uid: String, _ claim: PodClaim) { admitted[uid] = claim }

    /// The pod needs nothing any more. Returns the pods that may be taken by that.
    mutating func forget(_ uid: String) -> [String] {
        waiting.remove(uid)
        admitted[uid] = nil
        guard leaving.remove(uid) != nil else { return [] }
        return waiting.sorted()
    }

    /// Judges a pod; one that is taken has its part from now on.
    mutating func admit(_ pod: Pod, _ place: Place) -> AdmissionVerdict {
        let uid = pod.metadata.uid
        guard admitted[uid] == nil else { return .admitted }
        let claim = PodClaim(pod)
        if let refusal = refusal(pod, claim, place.pressures) ?? refusal(pod, system: place.node) {
            return .refused(refusal)
        }
        let lacks = lacks(claim, place)
        let others = objections(pod, claim, place)
        if let lack = lacks.first, !claim.isCritical { return .refused(lack.refusal) }
        if let other = others.first { return .refused(other) }
        guard lacks.isEmpty else { return makeRoom(uid, claim, lacks) }
        waiting.remove(uid)
        admitted[uid] = claim
        return .admitted
    }

    private mutating func makeRoom(_ uid: String, _ claim: PodClaim, _ lacks: [ResourceLack]) -> AdmissionVerdict {
        let preemption = Preemption(claim, lacks, of: admitted.filter { !leaving.contains($0.key) })
        let freed = leaving.compactMap { admitted[$0] }
        do throws(Preemption.Failure) {
            let victims = try preemption.victims(besides: freed)
            leaving.formUnion(victims)
            waiting.insert(uid)
            return victims.isEmpty ? .waits : .preempts(victims)
        } catch {
            return .refused(
                .refused(
                    "UnexpectedAdmissionError",
                    "Unexpected error while attempting to recover from admission failure: \(error.message)"))
        }
    }

    // MARK: Reasons

    /// As the first question about a pod.
    func refusal(_ pod: Pod, under pressures: Set<NodePressure>) -> PodEnd? { refusal(pod, PodClaim(pod), pressures) }

    /// A node under pressure takes no more than it must (Kubernetes documentation, "Node conditions").
    private func refusal(_ pod: Pod, _ claim: PodClaim, _ pressures: Set<NodePressure>) -> PodEnd? {
        guard !pressures.isEmpty, !claim.isCritical else { return nil }
        if pressures == [.memory] {
            if claim.quality != .bestEffort { return nil }
            let key = "node.kubernetes.io/memory-pressure"
            let isBorne = pod.spec.tolerations.contains { $0.tolerates(key: key, value: "", effect: "NoSchedule") }
            if isBorne { return nil }
        }
        let names = NodePressure.allCases.filter(pressures.contains).map(\.condition)
        return .refused(PodEnd.evicted, "The node had condition: [\(names.joined(separator: " "))]. ")
    }

    private func refusal(_ pod: Pod, system node: Node?) -> PodEnd? {
        let label = pod.metadata.labels["kubernetes.io/os"]
        if let label, label != "linux" {
            return .refused(
                "PodOSSelectorNodeLabelDoesNotMatch",
                "Failed to admit pod as the `kubernetes.io/os` label doesn't match node label")
        }
        let system = pod.spec.value.at("os", "name")?.string
        guard let system, system != "linux" else { return nil }
        return .refused("PodOSNotSupported", "Failed to admit pod as the OS field doesn't match node OS")
    }

    /// In the order in which Kubernetes counts.
    private func lacks(_ claim: PodClaim, _ place: Place) -> [ResourceLack] {
        let order = ["pods", "cpu", "memory", "ephemeral-storage"]
        var most = allocatable
        // Resources of others than the kubelet are told by the node's object; what nobody gives is not the node's matter.
        for (name, amount) in [String: Quantity](place.node?.status.value["allocatable"]) where most[name] == nil {
            most[name] = amount.value
        }
        most.merge(place.devices) { max($0, $1) }
        let names = order + claim.amounts.keys.filter { !order.contains($0) }.sorted()
        return names.compactMap { name in
            guard let asked = claim.amounts[name], asked > 0 else { return nil }
            guard let capacity = most[name] ?? (name.hasPrefix("hugepages-") ? 0 : nil) else { return nil }
            let used = admitted.values.reduce(Int128(0)) { $0 + Int128($1.amounts[name] ?? 0) }
            guard Int128(asked) + used > Int128(capacity) else { return nil }
            return ResourceLack(resource: name, asked: asked, used: Int64(clamping: used), capacity: capacity)
        }
    }

    private func objections(_ pod: Pod, _ claim: PodClaim, _ place: Place) -> [PodEnd] {
        func objection(_ predicate: String, _ why: String) -> PodEnd {
            .refused(predicate, "Predicate \(predicate) failed: \(why)")
        }
        var objections: [PodEnd] = []
        var placement = NodePlacement(pod.spec)
        let name = placement.nodeName
        placement.nodeName = ""
        if let node = place.node {
            let labels = node.metadata.value["labels"]?.fields ?? Fields()
            if !placement.selects(place.name, labels: labels) {
                objections.append(objection("NodeAffinity", "node(s) didn't match Pod's node affinity/selector"))
            }
        }
        if !name.isEmpty, name != place.name {
            objections.append(objection("NodeName", "node(s) didn't match the requested node name"))
        }
        let taken = claim.ports.isEmpty ? [] : admitted.values.flatMap(\.ports)
        if claim.ports.contains(where: { port in taken.contains { $0.conflicts(with: port) } }) {
            objections.append(objection("NodePorts", "node(s) didn't have free ports for the requested pod ports"))
        }
        if !pod.isStatic, let node = place.node, placement.untolerated(node.spec.taints, "NoExecute") != nil {
            objections.append(objection("TaintToleration", "node(s) had taints that the pod didn't tolerate"))
        }
        return objections
    }
}

/// Of what a node has too little for a pod.
struct ResourceLack: Hashable, Sendable {
    var resource: String
    var asked: Int64
    var used: Int64
    var capacity: Int64

    var missing: Int64 { Int64(clamping: Int128(asked) - (Int128(capacity) - Int128(used))) }

    var refusal: PodEnd {
        .refused(
            "OutOf" + resource,
            "Node didn't have enough resource: \(resource), requested: \(asked), used: \(used), capacity: \(capacity)")
    }
}

extension NodePressure {
    /// The condition of the node that tells of it.
    var condition: String {
        switch self {
        case .memory: "MemoryPressure"
        case .disk: "DiskPressure"
        case .processes: "PIDPressure"
        }
    }
}
