import API
import APIMachinery
import Client
import Logging
import Support

/// Shows the pods of files in the API. An API that does not answer keeps no pod from running.
final class MirrorKeeper: Sendable {
    private let client: any Client
    private let node: String
    private let table: PodTable
    private let log: Logger
    private let queue = WorkQueue<ObjectName>(backOff: .init(first: .milliseconds(200), most: .seconds(60)))

    init(_ client: any Client, node: String, table: PodTable, log: Logger) {
        self.client = client
        self.node = node
        self.table = table
        self.log = log
    }

    /// Something happened to the pod of this name, or to its mirror.
    func add(_ name: ObjectName) { queue.add(name) }

    /// Keeps the mirrors until cancelled. Not before the files have been read: who has no file then has no pod.
    func run() async {
        let log = log
        await queue.run(workers: 2) { (name: ObjectName, status: Status) in
            log.info("the mirror of the static pod \(name) waits: \(status.message)")
        } _: { name throws(Status) in
            try await self.work(name)
            return nil
        }
    }

    private func work(_ name: ObjectName) async throws(Status) {
        switch MirrorDecision(table.standing(of: name), mirror: table.mirrors[name]) {
        case .leave: break
        case .delete(let uid):
            do throws(Status) {
                try await client.delete(
                    Pod.self, name, DeletionOptions(gracePeriodSeconds: 0, preconditionUID: uid))
            } catch where error.isConflict {
                // Another has its name already: the observation tells of it.
            }
        case .create(let pod):
            let owner = try await client.get(Node.self, ObjectName(name: node))
            guard owner.metadata.deletionTimestamp == nil else { return }
            do throws(Status) { try await client.create(MirrorDecision.mirror(of: pod, on: owner)) } catch {
                // One that the table has not seen yet is judged when it has.
                guard !error.isAlreadyExists || table.mirrors[name] == nil else { return }
                throw error
            }
        }
    }
}
