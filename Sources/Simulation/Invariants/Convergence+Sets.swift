import API
import APIMachinery

extension Convergence {
    /// A stateful set has the pods of its ordinals and no others, of its newest template unless people are to delete the
    /// old ones.
    func statefulSet(_ object: StoredObject, _ value: Value) -> String? {
        let set = StatefulSet(value)
        guard !object.isDeleting, !isCrowded(object.namespace) else { return nil }
        let (wanted, status) = (set.spec.replicas ?? 1, set.status)
        let names = (0..<wanted).map { "\(object.name)-\($0)" }.sorted()
        // Somebody gave a pod of it other labels: until that one goes it has the name, and the set waits.
        let isHeldUp = names.contains {
            guard let pod = ledger.pods[ObjectName(namespace: object.namespace, name: $0)] else { return false }
            return pod.owner?.uid != object.uid
        }
        guard !isHeldUp else { return nil }
        let present = pods(ownedBy: object.uid)
        guard present.map(\.name.name).sorted() == names else {
            return "wants the pods \(names) and has \(present.map(\.name.name).sorted())"
        }
        let counts = [status.replicas, status.readyReplicas]
        guard counts == [wanted, wanted] else { return "wants \(wanted) pods, tells \(counts) (all, ready)" }
        guard set.spec.updateStrategy.type == "RollingUpdate", wanted > 0 else { return nil }
        let isNew = present.allSatisfy { $0.labels["controller-revision-hash"]?.string == status.updateRevision }
        return isNew ? nil : "has pods of an older template than \(status.updateRevision)"
    }

    /// A daemon set has one pod on each node that it is for.
    func daemonSet(_ object: StoredObject, _ value: Value) -> String? {
        let set = DaemonSet(value)
        guard !object.isDeleting, !isCrowded(object.namespace) else { return nil }
        let selector = set.spec.template.spec.nodeSelector
        let wanted = ledger.nodes.filter { node in
            selector.allSatisfy { node.value.labels[$0.key]?.string == $0.value }
        }.keys.sorted()
        let present = pods(ownedBy: object.uid).map(\.node).sorted()
        guard present == wanted else { return "belongs on \(wanted) and is on \(present)" }
        let counts = [set.status.desiredNumberScheduled, set.status.numberReady]
        guard counts == [wanted.count, wanted.count] else {
            return "belongs on \(wanted.count) nodes, tells \(counts) (wanted, ready)"
        }
        let isRolling = set.spec.updateStrategy.type == "RollingUpdate"
        return isRolling && set.status.updatedNumberScheduled != wanted.count
            ? "has pods of an older template on \(wanted.count - set.status.updatedNumberScheduled) nodes" : nil
    }

    private func pods(ownedBy uid: String) -> [PodRecord] {
        ledger.pods.values.filter { $0.owner?.uid == uid && !$0.isOver && !$0.isDeleting }
    }
}
