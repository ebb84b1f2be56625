import API
public import APIMachinery
import Client
import Support

/// Deletes tokens of joining machines when they have ended.
public struct TokenCleaner: Controller {
    public let name = "token-cleaner-controller"

    public init() {}

    public func run(_ context: ControllerContext) async throws(Status) {
        let secrets = try await context.client.observe(
            API.Secret.self, ObservationScope(namespace: BootstrapTokenSecret.namespace))
        let changed = ReconcileLoop<ObjectName>.Source(secrets) { change in
            guard let secret = change.new, !secret.isDeleting else { return [] }
            return BootstrapTokenSecret(API.Secret(secret))?.expiration == nil ? [] : [change.name]
        }
        await ReconcileLoop<ObjectName>(context).run([changed], workers: 1) { name throws(Status) in
            guard let secret = secrets.get(API.Secret.self, name), let token = BootstrapTokenSecret(secret),
                let end = token.expiration
            else { return nil }
            let now = context.now()
            guard token.isExpired(at: now) else { return end - now }
            try await context.client.delete(
                API.Secret.self, name, DeletionOptions(preconditionUID: secret.metadata.uid))
            return nil
        }
    }
}
