import API
import APIMachinery

/// What becomes of a Secret that is to hold a token of a service account.
struct AccountTokenDecision {
    enum Action: Equatable {
        case keep
        /// The account is not there, or is another one of the same name.
        case remove
        /// To be written as it is here; `needsToken` when the token is still to be put in.
        case complete(Secret, needsToken: Bool)
    }

    let secret: Secret
    /// The account of the name that the Secret gives.
    let account: ServiceAccount?
    /// The certificate authority of the API server, in PEM.
    let authority: String

    var action: Action {
        guard secret.type == AccountTokenSecret.type, secret.metadata.deletionTimestamp == nil else { return .keep }
        let wanted = secret.metadata.annotations[AccountTokenSecret.accountUID] ?? ""
        guard let account, wanted.isEmpty || wanted == account.metadata.uid else { return .remove }
        var complete = secret
        complete.data[AccountTokenSecret.authority] = Array(authority.utf8)
        if complete.data[AccountTokenSecret.namespace]?.isEmpty ?? true {
            complete.data[AccountTokenSecret.namespace] = Array(secret.metadata.namespace.utf8)
        }
        let needsToken = complete.data[AccountTokenSecret.token]?.isEmpty ?? true
        guard needsToken || complete.data != secret.data else { return .keep }
        complete.metadata.annotations[AccountTokenSecret.account] = account.metadata.name
        complete.metadata.annotations[AccountTokenSecret.accountUID] = account.metadata.uid
        return .complete(complete, needsToken: needsToken)
    }
}
