import API
import APIMachinery
import Client
import Logging
import Synchronization

/// Warns in the status of validating policies of fields that the kinds they are about do not have, and says which version
/// was looked at (KEP-3488, "Type checking").
///
/// A policy is looked at when it changes, and when the kinds that it names come, change or go.
final class PolicyStatus: Sendable {
    private let client: LocalClient
    private let policies: any ObjectSet
    private let registry: Registry
    private let clock: any Clock<Duration>
    private let report: Logger
    private let looked = Mutex<[String: Look]>([:])

    /// What a policy was compiled against.
    private struct Look: Hashable {
        var uid: String
        var generation: Value
        /// The definitions of custom resources that it names; of one that is not served, nothing.
        var definitions: [GroupVersionResource: String]
    }

    init(
        client: LocalClient, policies: any ObjectSet, registry: Registry, clock: any Clock<Duration>, report: Logger
    ) {
        self.client = client
        self.policies = policies
        self.registry = registry
        self.clock = clock
        self.report = report
    }

    /// Runs until the task is cancelled.
    func run() async {
        let queue = WorkQueue<ObjectName>(clock: clock)
        let observation = policies.observe { queue.add($0.name) }
        defer { observation.cancel() }
        registry.whenChanged { [policies] in
            for policy in policies.list(namespace: nil) { queue.add(policy.objectName) }
        }
        await queue.run(workers: 1) { [report] (name: ObjectName, error: Status) in
            let isExpected = error.isConflict || error.isNotFound
            report.log(level: isExpected ? .debug : .warning, "policy \(name): \(error)")
        } _: { name throws(Status) in
            try await self.look(at: name)
            return nil
        }
    }

    private func look(at name: ObjectName) async throws(Status) {
        guard let stored = policies.get(name) else {
            looked.withLock { $0[name.name] = nil }
            return
        }
        var policy = stored.value
        let check = PolicyTypeCheck(policy)
        let kinds = check.resources.compactMap { registry[$0] }
        let generation = policy.at("metadata", "generation") ?? 1
        let look = Look(
            uid: stored.uid, generation: generation,
            definitions: Dictionary(
                kinds.map { ($0.definition.resource, $0.fingerprint) }.filter { !$0.1.isEmpty }, uniquingKeysWith: { $1 }))
        if looked.withLock({ $0[name.name] }) == look { return }
        // Built-in kinds stay what they were when the status was written.
        let isOnlyBuiltin = look.definitions.isEmpty && kinds.count == check.resources.count
        if !isOnlyBuiltin || policy.at("status", "observedGeneration") != generation {
            let status = status(of: policy, check, kinds, generation)
            if status != policy["status"] {
                policy["status"] = status
                _ = try await client.update(
                    Target(.validatingAdmissionPolicies, name, subresource: "status"), policy, WriteOptions())
            }
        }
        looked.withLock { $0[name.name] = look }
    }

    /// The status that a policy should have.
    private func status(
        of policy: Value, _ check: PolicyTypeCheck, _ kinds: [Registry.Served], _ generation: Value
    ) -> Value {
        let warnings = check.warnings(
            kinds.compactMap { served in
                served.type.map { PolicyTypeCheck.Kind(served.definition.groupVersionKind, $0) }
            })
        var status = policy["status"] ?? .emptyObject
        status["observedGeneration"] = generation
        status["typeChecking"] = warnings.isEmpty ? .emptyObject : ["expressionWarnings": .array(warnings)]
        return status
    }
}
