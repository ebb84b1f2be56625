import API
public import APIMachinery
import Client
public import PKI
import Support

/// Puts tokens into the Secrets that ask for one of a service account, and removes those whose account has
/// gone.
///
/// Who observes must see all Secrets, and write those of everybody: it runs as the controller manager itself.
public struct AccountTokens: Controller {
    public let name = "serviceaccount-token-controller"
    private let key: PrivateKey
    private let authority: String

    /// What may need a look.
    private enum Subject: Hashable {
        case secret(ObjectName)
        /// An account that has gone.
        case account(ObjectName)
    }

    /// - Parameters:
    ///   - key: signs the tokens.
    ///   - authority: the certificate authority of the API server, in PEM.
    public init(key: PrivateKey, authority: String) {
        self.key = key
        self.authority = authority
    }

    public func run(_ context: ControllerContext) async throws(Status) {
        let accounts = try await context.client.observe(ServiceAccount.self)
        let secrets = try await context.client.observe(
            API.Secret.self, ObservationScope(fieldSelector: "type=" + AccountTokenSecret.type))
        let wanting = ReconcileLoop<Subject>.Source(secrets) { $0.new == nil ? [] : [.secret($0.name)] }
        let gone = ReconcileLoop<Subject>.Source(accounts) { change in
            guard let old = change.old, old.uid != change.new?.uid else { return [] }
            return [.account(change.name)]
        }
        await ReconcileLoop<Subject>(context).run([wanting, gone]) { subject throws(Status) in
            switch subject {
            case .secret(let name):
                guard let secret = secrets.get(API.Secret.self, name) else { break }
                try await look(at: secret, accounts, context)
            case .account(let name):
                for object in secrets.list(namespace: name.namespace) {
                    let secret = API.Secret(object)
                    guard Self.account(of: secret) == name else { continue }
                    try await look(at: secret, accounts, context)
                }
            }
            return nil
        }
    }

    private static func account(of secret: API.Secret) -> ObjectName {
        ObjectName(
            namespace: secret.metadata.namespace,
            name: secret.metadata.annotations[AccountTokenSecret.account] ?? "")
    }

    private func look(
        at secret: API.Secret, _ accounts: any ObjectSet, _ context: ControllerContext
    ) async throws(Status) {
        let account = accounts.get(ServiceAccount.self, Self.account(of: secret))
        switch AccountTokenDecision(secret: secret, account: account, authority: authority).action {
        case .keep: break
        case .remove:
            try await context.client.delete(
                API.Secret.self, secret.objectName, DeletionOptions(preconditionUID: secret.metadata.uid))
        case .complete(var complete, let needsToken):
            if needsToken, let account {
                complete.data[AccountTokenSecret.token] = Array(try token(of: account, in: secret).utf8)
            }
            try await context.client.update(complete)
        }
    }

    private func token(of account: ServiceAccount, in secret: API.Secret) throws(Status) -> String {
        let claims = AccountTokenSecret.Claims(account, secret: secret.metadata.name)
        do throws(Fault) {
            return try JSONWebToken.sign(payload: claims.value.json, with: key)
        } catch {
            throw .internalError(error.summary)
        }
    }
}
