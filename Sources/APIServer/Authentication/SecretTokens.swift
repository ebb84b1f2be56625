import API
import APIMachinery
import Client
import PKI
import Support

/// Tokens of service accounts that lie in Secrets: each holds as long as its Secret has it and its account is
/// there.
struct SecretTokens: TokenAuthenticator {
    let accounts: any ObjectSet
    let secrets: any ObjectSet
    /// The keys that verify.
    let keys: [PublicKey]
    /// Those of this server: such tokens name none, and are for its own use.
    let audiences: [String]
    /// Where their use is noted.
    let uses: SecretTokenUses
    private let signatures = KnownSignatures()

    init(_ tokens: ServiceAccountTokens, uses: SecretTokenUses) {
        accounts = tokens.objects.accounts
        secrets = tokens.objects.secrets
        keys = tokens.publicKeys
        audiences = tokens.audiences
        self.uses = uses
    }

    func look(_ text: String, for accepted: [String]) -> TokenVerdict {
        guard let token = JSONWebToken(text), let facts = try? Value(json: token.payload),
            facts["iss"]?.string == AccountTokenSecret.Claims.issuer
        else { return .unknown }
        guard signatures.holds(text, { keys.contains { token.isSigned(by: $0) } }) else {
            return .refused(why: "the signature of the service account token does not hold")
        }
        guard let claims = AccountTokenSecret.Claims(facts) else { return .refused(why: "the claims are invalid") }
        let common = accepted.filter(audiences.contains)
        guard !common.isEmpty else { return .refused(why: "token audiences are invalid for the target audiences") }
        if let why = objection(claims, text) { return .refused(why: why) }
        let user = User.serviceAccount(namespace: claims.namespace, name: claims.account, uid: claims.accountUID)
        return .holder(TokenHolder(user: user, audiences: common))
    }

    /// Why a token that was good once is not now. What is being deleted counts as gone.
    private func objection(_ claims: AccountTokenSecret.Claims, _ text: String) -> String? {
        guard let secret = secrets.get(ObjectName(namespace: claims.namespace, name: claims.secret)),
            !secret.isDeleting
        else { return "service account token has been invalidated" }
        let held = Base64.decode(secret.field("data." + AccountTokenSecret.token)) ?? []
        guard PKI.Secret.isEqual(String(decoding: held, as: UTF8.self), text) else {
            return "service account token does not match the server's copy"
        }
        let account = accounts.get(ObjectName(namespace: claims.namespace, name: claims.account))
        guard let account, !account.isDeleting, account.uid == claims.accountUID else {
            return "service account \(claims.namespace)/\(claims.account) has been deleted"
        }
        // Also of a token that does not hold any more: somebody needs it.
        uses.note(secret)
        if secret.labels[AccountTokenSecret.invalidSince]?.string ?? "" != "" {
            return "the token in secret \(claims.namespace)/\(claims.secret) for service account "
                + "\(claims.namespace)/\(claims.account) has been marked invalid. Use tokens from the TokenRequest API or "
                + "manually created secret-based tokens, or remove the '\(AccountTokenSecret.invalidSince)' label from "
                + "the secret to temporarily allow use of this token"
        }
        return nil
    }
}
