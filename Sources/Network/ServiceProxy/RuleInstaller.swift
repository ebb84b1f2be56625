import Dispatch
import Host
import Support

/// Carries transactions into the kernel, one after the other, on a queue of its own: the kernel takes
/// milliseconds for each, which no thread of Swift's pool shall wait.
actor RuleInstaller {
    private let queue: RuleQueue
    private let rules: Nftables.Socket
    private let namespace: NetworkNamespace?

    nonisolated var unownedExecutor: UnownedSerialExecutor { queue.asUnownedSerialExecutor() }

    init(in namespace: NetworkNamespace?) throws(Fault) {
        queue = RuleQueue()
        rules = try Nftables.Socket(in: namespace)
        self.namespace = namespace
    }

    /// Makes the change of the rules, all of it or nothing.
    func install(_ transaction: Nftables.Transaction) throws(Fault) { try rules.commit(transaction) }

    /// Forgets connections that became stale; after the change, or they would be tracked anew by the old
    /// rules.
    func forget(_ stale: StaleConnections) throws(Fault) {
        guard !stale.isEmpty else { return }
        let connections = try Conntrack(in: namespace)
        for family in stale.families { try connections.delete(family) { stale.contains($0) } }
    }
}

/// A serial queue as an executor.
private final class RuleQueue: SerialExecutor {
    private let queue = DispatchQueue(label: "k3s.rules")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
}
