import API
import APIMachinery
import Client
import Logging
import Support

/// Renews the lease of this API server, makes it again when somebody removed it, and removes those of servers that are
/// gone. One deadline is armed at a time; leases live in memory, so nothing is written to the disk.
struct IdentityLeaseKeeper: Sendable {
    let lease: IdentityLease
    let client: LocalClient
    let leases: any ObjectSet
    let now: @Sendable () -> Timestamp
    let clock: any Clock<Duration>
    let report: Logger

    /// Runs until the task is cancelled.
    func run() async {
        let queue = WorkQueue<ObjectName>(clock: clock)
        let own = lease.name
        let observation = leases.observe { change in
            if change.new == nil, change.name == own { queue.add(own) }
        }
        defer { observation.cancel() }
        queue.add(own)
        await queue.run(workers: 1) { (name: ObjectName, error: Status) in
            // Somebody wrote it meanwhile: it is written over what he wrote.
            guard !error.isConflict else { return }
            report.warning("the lease \(name) of this API server could not be renewed: \(error)")
        } _: { name throws(Status) in
            try await renew(name)
            try await removeForsaken(except: name)
            return IdentityLease.period
        }
    }

    private func renew(_ name: ObjectName) async throws(Status) {
        let present = leases.get(Lease.self, name)
        let renewed = lease.renewed(present, at: now())
        if present == nil { try await client.create(renewed) } else { try await client.update(renewed) }
    }

    private func removeForsaken(except own: ObjectName) async throws(Status) {
        let now = now()
        for object in leases.list(namespace: IdentityLease.namespace) where object.objectName != own {
            let other = Lease(object)
            guard IdentityLease.isForsaken(other, at: now) else { continue }
            let options = DeletionOptions(preconditionUID: other.metadata.uid)
            try await client.delete(Lease.self, other.objectName, options)
        }
    }
}
