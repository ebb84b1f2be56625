import APIMachinery
import PKI

/// The keys that an issuer has published (RFC 7517, section 5). Pure.
struct IssuerKeySet: Sendable {
    struct Key: Sendable {
        /// `nil` when the issuer gives it no name.
        var id: String?
        var key: PublicKey
        /// What it signs with, when the issuer says so.
        var algorithm: String?
    }

    let keys: [Key]

    /// More are not looked at.
    private static let most = 256

    /// Keys of kinds that verify no tokens, and those that are for encryption, are left out.
    init(_ document: Value) {
        keys = (document["keys"]?.array ?? []).prefix(Self.most).compactMap { entry in
            guard entry["use"] == nil || entry["use"] == "sig",
                let key = PublicKey(jsonWebKey: { entry[$0]?.string })
            else { return nil }
            return Key(id: entry["kid"]?.string, key: key, algorithm: entry["alg"]?.string)
        }
    }

    /// Whether one of the keys made the signature. `id` is the name that the token gives; without one all keys count.
    func verifies(_ token: JSONWebToken, _ algorithm: TokenAlgorithm, keyID id: String?) -> Bool {
        keys.contains { key in
            (id == nil || id == key.id) && (key.algorithm == nil || key.algorithm == algorithm.rawValue)
                && token.isSigned(by: key.key, algorithm)
        }
    }
}
