import API
import APIMachinery
import Support

/// Something that holds after every single write.
protocol Rule: Sendable {
    /// What is against the rule about a change that `ledger` has taken in; `nil` when nothing is.
    mutating func judge(_ event: Ledger.Event, _ before: PodRecord?, _ ledger: Ledger) -> String?
}

enum Rules {
    static var all: [any Rule] {
        [
            PlacementRule(), QuotaRule(), GenerationRule(), JobRule(), BudgetRule(), VolumeRule(), AutoscalerRule(),
            NodeAddressRule(),
        ]
    }
}

/// A pod is bound once, to a node that is there, has room for it, and does not keep it away.
struct PlacementRule: Rule {
    /// A taint that came, or a node that went, so shortly before may have been unknown when the decision was made.
    private static let delay = Duration.seconds(15)

    func judge(_ event: Ledger.Event, _ before: PodRecord?, _ ledger: Ledger) -> String? {
        guard event.kind == "pods", let value = event.newValue, let pod = ledger.pods[event.name], !pod.node.isEmpty
        else { return nil }
        if let before, before.uid == pod.uid, !before.node.isEmpty {
            return before.node == pod.node ? nil : "moved from \(before.node) to \(pod.node)"
        }
        guard let node = ledger.nodes[pod.node] else {
            let isNews = ledger.lostNodes[pod.node].map { event.now - $0 <= Self.delay } ?? false
            return isNews ? nil : "bound to \(pod.node), which is not there"
        }
        let others = ledger.pods.values.filter { $0.node == pod.node && !$0.isOver }
        let (cpu, memory) = others.reduce(into: (Int64(0), Int64(0))) { sum, other in
            sum.0 += other.cpu
            sum.1 += other.memory
        }
        if cpu > node.cpu { return "bound to \(pod.node), of whose \(node.cpu)m CPU \(cpu)m are asked for" }
        if memory > node.memory { return "bound to \(pod.node), of whose \(node.memory) bytes \(memory) are asked for" }
        if others.count > node.pods { return "bound to \(pod.node), which takes no more than \(node.pods) pods" }
        let spec = Pod(value).spec
        for (key, value) in spec.nodeSelector where node.labels[key]?.string != value {
            return "bound to \(pod.node), which lacks \(key)=\(value)"
        }
        for (taint, since) in node.taints where event.now - since > Self.delay {
            guard !spec.tolerations.contains(where: { $0.tolerates(taint) }) else { continue }
            return "bound to \(pod.node), which has had the taint \(taint.key) for \((event.now - since).brief)"
        }
        return nil
    }
}

/// A namespace holds no more pods than its quota allows, unless it did before the quota came.
struct QuotaRule: Rule {
    func judge(_ event: Ledger.Event, _ before: PodRecord?, _ ledger: Ledger) -> String? {
        guard event.kind == "pods", event.old == nil else { return nil }
        for (name, quota) in ledger.values["resourcequotas"] ?? [:] where name.namespace == event.name.namespace {
            // Not counted yet: nothing is refused before.
            guard quota.at("status", "hard", "pods") != nil,
                let most = quota.at("spec", "hard", "pods")?.string.flatMap({ Int($0) })
            else { continue }
            // One that is ending counts as long as its grace lasts: it is left out here.
            let count = ledger.pods.values.filter {
                $0.name.namespace == name.namespace && !$0.isOver && !$0.isDeleting
            }.count
            if count > most { return "created as pod \(count) of a namespace that may hold \(most)" }
        }
        return nil
    }
}

/// What was seen of a specification is no more than there is, and never less than before.
struct GenerationRule: Rule {
    func judge(_ event: Ledger.Event, _ before: PodRecord?, _ ledger: Ledger) -> String? {
        guard ["deployments", "replicasets", "statefulsets", "daemonsets"].contains(event.kind), let new = event.newValue,
            let seen = new.at("status", "observedGeneration")?.integer
        else { return nil }
        let generation = new.at("metadata", "generation")?.integer ?? 0
        if seen > generation { return "generation \(seen) was seen before it was there" }
        guard let old = event.oldValue, event.old?.uid == event.new?.uid else { return nil }
        let past = old.at("status", "observedGeneration")?.integer ?? 0
        return past > seen ? "generation \(past) had been seen, now \(seen)" : nil
    }
}
