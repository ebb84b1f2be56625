import API
import APIMachinery
import Client
import Logging

/// Warns in the status of validating policies of fields that the kinds they are about do not have, and says which version
/// was looked at (KEP-3488, "Type checking").
struct PolicyStatus: Sendable {
    let client: LocalClient
    let policies: any ObjectSet
    let registry: Registry
    let report: Logger

    /// Runs until the task is cancelled.
    func run() async {
        let queue = WorkQueue<ObjectName>()
        let observation = policies.observe { queue.add($0.name) }
        defer { observation.cancel() }
        await queue.run(workers: 1) { (name: ObjectName, error: Status) in
            let isExpected = error.isConflict || error.isNotFound
            report.log(level: isExpected ? .debug : .warning, "policy \(name): \(error)")
        } _: { name throws(Status) in
            guard var policy = policies.get(name)?.value else { return nil }
            guard let status = status(of: policy) else { return nil }
            policy["status"] = status
            let target = Target(.validatingAdmissionPolicies, name, subresource: "status")
            _ = try await client.update(target, policy, WriteOptions())
            return nil
        }
    }

    /// The status that a policy should have; `nil` when it has been looked at already.
    private func status(of policy: Value) -> Value? {
        let generation = policy.at("metadata", "generation") ?? 1
        guard policy.at("status", "observedGeneration") != generation else { return nil }
        let check = PolicyTypeCheck(policy)
        let kinds = check.resources.compactMap { resource -> PolicyTypeCheck.Kind? in
            guard let served = registry[resource], let type = served.type else { return nil }
            return PolicyTypeCheck.Kind(served.definition.groupVersionKind, type)
        }
        let warnings = check.warnings(kinds)
        var status = policy["status"] ?? .emptyObject
        status["observedGeneration"] = generation
        status["typeChecking"] = warnings.isEmpty ? .emptyObject : ["expressionWarnings": .array(warnings)]
        return status
    }
}
