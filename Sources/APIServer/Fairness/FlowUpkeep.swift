import API
import APIMachinery
import Client
import Logging
import Support

/// Keeps the standard flow schemas and priority levels, and the status of every schema, after each change of them.
struct FlowUpkeep: Sendable {
    let client: LocalClient
    let schemas: any ObjectSet
    let levels: any ObjectSet
    let now: @Sendable () -> Timestamp

    /// Does all that is to be done now.
    func settle() async throws(Status) {
        let plan = FlowPlan(now: now())
        try await take(plan.steps(schemas: Self.objects(schemas), levels: Self.objects(levels)))
        try await take(plan.statusSteps(schemas: Self.objects(schemas), levels: Self.objects(levels)))
    }

    /// Runs until the task is cancelled.
    func run(reportingTo log: Logger) async {
        let bell = Bell()
        let observations = [schemas, levels].map { $0.observe { _ in bell.ring() } }
        defer { for observation in observations { observation.cancel() } }
        while !Task.isCancelled {
            await bell.wait()
            do throws(Status) {
                try await settle()
            } catch {
                // What changed meanwhile rings again.
                guard !error.isConflict, !error.isNotFound else { continue }
                log.warning("the standard flow schemas and priority levels cannot be kept: \(error.message)")
            }
        }
    }

    private static func objects(_ set: any ObjectSet) -> [String: Value] {
        Dictionary(uniqueKeysWithValues: set.list(namespace: nil).map { ($0.name, $0.value) })
    }

    /// All at once, since those who write at the same time share an fsync.
    private func take(_ steps: [FlowPlan.Step]) async throws(Status) {
        let failure = await withTaskGroup(of: Status?.self) { group in
            for step in steps { group.addTask { await take(step) } }
            var failure: Status?
            for await result in group { failure = failure ?? result }
            return failure
        }
        if let failure { throw failure }
    }

    private func take(_ step: FlowPlan.Step) async -> Status? {
        do throws(Status) {
            switch step {
            case .create(let resource, let object):
                _ = try await client.create(Target(resource), object, WriteOptions())
            case .update(let resource, let object):
                _ = try await client.update(Target(resource, name: Self.name(object)), object, WriteOptions())
            case .updateStatus(let resource, let object):
                let target = Target(resource, name: Self.name(object), subresource: "status")
                _ = try await client.update(target, object, WriteOptions())
            }
            return nil
        } catch {
            // At the start two make them at the same time.
            return error.isAlreadyExists ? nil : error
        }
    }

    private static func name(_ object: Value) -> String { object.at("metadata", "name")?.string ?? "" }
}
