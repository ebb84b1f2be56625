import API
import APIMachinery

/// What still differs from what is asked for. When faults have stopped, nothing does after a while.
struct Convergence {
    let ledger: Ledger
    /// Of everything that is there.
    private let uids: Set<String>

    init(_ ledger: Ledger) {
        self.ledger = ledger
        uids = Set(ledger.objects.values.flatMap { $0.values.map(\.uid) })
    }

    /// In order of name; empty when everything is as it shall be.
    var complaints: [(subject: String, what: String)] {
        var found: [(subject: String, what: String)] = []
        for (kind, check) in Self.checks {
            for (name, object) in ledger.objects[kind] ?? [:] {
                guard let value = ledger.values[kind]?[name] else { continue }
                if let what = check(self)(object, value) { found.append(("\(kind) \(name)", what)) }
            }
        }
        for (kind, objects) in ledger.objects where kind != "events" && kind != "leases" {
            for (name, object) in objects {
                if object.isDeleting, !isHeld(kind, object) { found.append(("\(kind) \(name)", "is still ending")) }
                if let owner = missingOwner(of: object) {
                    found.append(("\(kind) \(name)", "its owners are gone, among them \(owner)"))
                }
            }
        }
        return found.sorted { ($0.subject, $0.what) < ($1.subject, $1.what) }
    }

    private typealias Check = (Convergence) -> (StoredObject, Value) -> String?

    private static var checks: [(kind: String, check: Check)] {
        [
            ("deployments", { $0.deployment }), ("replicasets", { $0.replicaSet }), ("pods", { $0.pod }),
            ("services", { $0.service }), ("jobs", { $0.job }),
            ("statefulsets", { $0.statefulSet }), ("daemonsets", { $0.daemonSet }),
            ("persistentvolumeclaims", { $0.claim }), ("persistentvolumes", { $0.volume }),
            ("horizontalpodautoscalers", { $0.autoscaler }),
        ]
    }

    private func deployment(_ object: StoredObject, _ value: Value) -> String? {
        let deployment = Deployment(value)
        guard !object.isDeleting, !isCrowded(object.namespace), !deployment.spec.paused else { return nil }
        let (wanted, status) = (deployment.spec.replicas ?? 1, deployment.status)
        guard status.observedGeneration == deployment.metadata.generation else { return "was not looked at" }
        let counts = [status.replicas, status.updatedReplicas, status.readyReplicas, status.availableReplicas]
        guard counts.allSatisfy({ $0 == wanted }) else {
            return "wants \(wanted) replicas, tells \(counts) (all, updated, ready, available)"
        }
        let owned = pods(of: object.uid, through: "replicasets")
        return owned == wanted ? nil : "wants \(wanted) replicas and has \(owned)"
    }

    private func replicaSet(_ object: StoredObject, _ value: Value) -> String? {
        let set = ReplicaSet(value)
        guard !object.isDeleting, !isCrowded(object.namespace) else { return nil }
        let (wanted, status) = (set.spec.replicas ?? 1, set.status)
        let present = ledger.pods.values.filter { $0.owner?.uid == object.uid && !$0.isOver && !$0.isDeleting }
        guard present.count == wanted else { return "wants \(wanted) pods and has \(present.count)" }
        let counts = [status.replicas, status.readyReplicas]
        return counts == [wanted, wanted] ? nil : "wants \(wanted) pods, tells \(counts) (all, ready)"
    }

    /// A job that nobody paused ends, one way or the other. Of those that come by the clock there is always a new one.
    private func job(_ object: StoredObject, _ value: Value) -> String? {
        let job = Job(value)
        guard !object.isDeleting, object.owners.isEmpty, !isCrowded(object.namespace), job.spec.suspend != true, job.spec.parallelism != 0 else {
            return nil
        }
        let isOver = job.status.conditions.contains { ["Complete", "Failed"].contains($0.type) && $0.status == "True" }
        if isOver { return job.status.active == 0 ? nil : "is over and tells \(job.status.active) active pods" }
        return "has not ended: \(job.status.value)"
    }

    /// What runs for ever runs on a node that is there, and is ready.
    private func pod(_ object: StoredObject, _ value: Value) -> String? {
        guard let pod = ledger.pods[object.objectName], !pod.isOver, !pod.isDeleting else { return nil }
        if pod.node.isEmpty { return "was not placed" }
        if ledger.nodes[pod.node] == nil { return "is on \(pod.node), which is gone" }
        guard Pod(value).spec.restartPolicy == "Always" else { return nil }
        return pod.isReady ? nil : "is not ready"
    }

    /// The endpoints of a service are the ready pods that it selects.
    private func service(_ object: StoredObject, _ value: Value) -> String? {
        let service = Service(value)
        guard let selector = try? LabelSelector(labels: Fields(service.spec.selector.map { ($0, .string($1)) })),
            !service.spec.selector.isEmpty
        else { return nil }
        let wanted = ledger.pods.values.filter {
            $0.name.namespace == object.namespace && selector.matches($0.labels) && $0.isReady && !$0.isDeleting && !$0.isOver
        }.map(\.ip)
        var listed: [String] = []
        for (name, value) in ledger.values["endpointslices"] ?? [:] where name.namespace == object.namespace {
            let slice = EndpointSlice(value)
            guard slice.metadata.labels["kubernetes.io/service-name"] == object.name else { continue }
            for endpoint in slice.endpoints where endpoint.conditions.ready == true {
                listed += endpoint.addresses
            }
        }
        return wanted.sorted() == listed.sorted() ? nil : "has the ready pods \(wanted.sorted()), lists \(listed.sorted())"
    }

    // MARK: Helpers

    /// A namespace with a quota may be too small for what is asked for.
    func isCrowded(_ namespace: String) -> Bool {
        (ledger.objects["resourcequotas"] ?? [:]).keys.contains { $0.namespace == namespace }
    }

    private func pods(of uid: String, through kind: String) -> Int {
        let between = Set(
            (ledger.objects[kind] ?? [:]).values.filter { $0.controllerUID == uid }.map(\.uid))
        return ledger.pods.values.filter { between.contains($0.owner?.uid ?? "") && !$0.isOver && !$0.isDeleting }.count
    }

    private func missingOwner(of object: StoredObject) -> String? {
        guard !object.owners.isEmpty else { return nil }
        return object.owners.contains { uids.contains($0.uid) } ? nil : object.owners.first?.uid
    }
}
