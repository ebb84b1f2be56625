public import APIMachinery
import API
import Client

/// Sees that each namespace has the service account `default`.
public struct ServiceAccountController: Controller {
    public let name = "service-account-controller"
    private static let account = "default"

    public init() {}

    public func run(_ context: ControllerContext) async throws(Status) {
        let namespaces = try await context.client.observe(Namespace.self)
        let accounts = try await context.client.observe(ServiceAccount.self)
        let lost = ReconcileLoop<ObjectName>.Source(accounts) { change in
            change.new == nil && change.name.name == Self.account
                ? [ObjectName(name: change.name.namespace)] : []
        }
        await ReconcileLoop<ObjectName>(context).run([.own(namespaces), lost]) { name throws(Status) in
            guard let namespace = namespaces.get(name), !namespace.isDeleting else { return nil }
            let account = ServiceAccount(namespace: name.name, name: Self.account)
            guard accounts.get(account.objectName) == nil else { return nil }
            try await context.client.createUnlessPresent(account)
            return nil
        }
    }
}
