import API
import APIMachinery
import Client
import Logging
import Support

/// Tells the API what became of the pods: the status, when it says something new, and in the end that
/// nothing of a pod is left here.
///
/// Changes that come while a write is on its way are told together by the next one.
final class PodStatusWriter: Sendable {
    private let client: any Client
    private let table: PodTable
    private let log: Logger
    private let queue = WorkQueue<String>(backOff: .init(first: .milliseconds(100), most: .seconds(10)))

    init(_ client: any Client, _ table: PodTable, _ log: Logger) {
        self.client = client
        self.table = table
        self.log = log
    }

    /// The pod has a status that the API may not know.
    func add(_ uid: String) { queue.add(uid) }

    /// Writes until cancelled.
    func run() async {
        let log = log
        await queue.run(workers: 8) { (uid: String, status: Status) in
            // Somebody else was first: the next try sees what they wrote.
            log.log(level: status.isConflict ? .debug : .warning, "status of pod \(uid): \(status.message)")
        } _: { uid throws(Status) in
            try await self.write(uid)
            return nil
        }
    }

    /// What stands in the API for a pod of a file; `nil` while that is being made.
    private func mirror(_ present: PodRecord.State) -> StoredObject? {
        guard let object = present.object, let mirror = table.mirrors[object.objectName], !mirror.isOutdated else {
            return nil
        }
        let hash = Pod(object).metadata.annotations[StaticPod.hash]
        return Pod(mirror.object).metadata.annotations[StaticPod.mirror] == hash ? mirror.object : nil
    }

    private func write(_ uid: String) async throws(Status) {
        guard let present = table[uid]?.present, let object = present.isStatic ? mirror(present) : present.object,
            !present.isGone, let status = present.status
        else { return }
        let name = object.objectName
        do throws(Status) {
            if let patch = PodStatusPatch.make(from: Pod(object), to: status) {
                try await client.patch(Pod.self, name, subresource: "status", .strategicMerge(patch))
            }
            guard present.isFinished else { return }
            // The last word of the node: the API may forget the pod (API conventions, "Graceful deletion").
            try await client.delete(
                Pod.self, name, DeletionOptions(gracePeriodSeconds: 0, preconditionUID: uid))
        } catch {
            // Gone, or another pod has its name: the observation says so in its turn.
            if error.isNotFound { return }
            if error.isConflict, table[uid]?.present.isGone ?? true { return }
            throw error
        }
    }
}
