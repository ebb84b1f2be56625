import API
public import APIMachinery
import Client
import Logging
import Support

/// Ends the tokens that controllers of old put into Secrets by themselves, when nobody has used them for a year.
///
/// Nothing happens, and no clock runs, where there are none.
public struct UnusedTokens: Controller {
    public let name = "legacy-serviceaccount-token-cleaner-controller"
    private let period: Duration

    /// - Parameter period: `--legacy-service-account-token-clean-up-period`.
    public init(after period: Duration = .seconds(365 * 86_400)) { self.period = period }

    public func run(_ context: ControllerContext) async throws(Status) {
        let accounts = try await context.client.observe(ServiceAccount.self)
        let pods = try await context.client.observe(Pod.self)
        let secrets = try await context.client.observe(
            Secret.self, ObservationScope(fieldSelector: "type=" + AccountTokenSecret.type))
        let named = ReconcileLoop<ObjectName>.Source(accounts) { change in
            guard let new = change.new else { return [] }
            return ServiceAccount(new).secrets.map { ObjectName(namespace: new.namespace, name: $0.name) }
        }
        await ReconcileLoop<ObjectName>(context).run([.own(secrets), named], workers: 1) { name throws(Status) in
            guard let secret = secrets.get(Secret.self, name) else { return nil }
            let account = secret.metadata.annotations[AccountTokenSecret.account] ?? ""
            let owner = accounts.get(ServiceAccount.self, ObjectName(namespace: name.namespace, name: account))
            return try await look(at: secret, owner, pods, context)
        }
    }

    private func look(
        at secret: Secret, _ account: ServiceAccount?, _ pods: any ObjectSet, _ context: ControllerContext
    ) async throws(Status) -> Duration? {
        let name = secret.objectName
        // Said here as well, so that nobody looks through pods for the others.
        guard let account, account.secrets.contains(where: { $0.name == name.name }) else { return nil }
        let tracking = try await context.client.find(ConfigMap.self, AccountTokenSecret.tracking)
        let decision = UnusedTokenDecision(
            secret: secret, account: account,
            isMounted: pods.list(namespace: name.namespace).contains {
                PodReferences.contain("secrets", name.name, Pod($0))
            },
            trackedSince: AccountTokenSecret.day(tracking?.data[AccountTokenSecret.trackedSince] ?? ""), period: period,
            now: context.now())
        switch decision.action {
        case .keep: return nil
        case .wait(let delay): return delay
        case .mark(let day):
            context.log.notice("the token in secret \(name) was not used for long and does not hold any more")
            let metadata: Value = [
                "uid": .string(secret.metadata.uid), "labels": [AccountTokenSecret.invalidSince: .string(day)],
            ]
            try await context.client.patch(Secret.self, name, .merge(["metadata": metadata]))
        case .remove:
            context.log.notice("the token in secret \(name) was not used for long and is removed")
            let options = DeletionOptions(
                preconditionUID: secret.metadata.uid, preconditionVersion: secret.metadata.resourceVersion)
            try await context.client.delete(Secret.self, name, options)
        }
        return nil
    }
}
