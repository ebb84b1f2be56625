import APIMachinery
import PKI
import Wire

/// What others need to check service account tokens by themselves: `/.well-known/openid-configuration` and
/// `/openid/v1/jwks` (Kubernetes documentation, "Service account issuer discovery").
struct IssuerDocuments: DocumentSource {
    private let configuration: [UInt8]
    private let keys: [UInt8]

    private static let configurationPath = "/.well-known/openid-configuration"
    private static let keysPath = "/openid/v1/jwks"

    /// `keysURL` is where the keys are found, when it is not this server.
    init(issuer: String, keys: [PublicKey], serverAddress: String, keysURL: String? = nil) {
        let algorithms = Set(keys.compactMap(\.tokenAlgorithm)).sorted()
        configuration =
            ([
                "id_token_signing_alg_values_supported": Value(algorithms), "issuer": .string(issuer),
                "jwks_uri": .string(keysURL ?? "https://" + serverAddress + Self.keysPath),
                "response_types_supported": ["id_token"], "subject_types_supported": ["public"],
            ] as Value).json
        self.keys = (["keys": .array(keys.compactMap(\.jsonWebKey).map(Self.value))] as Value).json
    }

    var paths: [String] { [Self.configurationPath, Self.keysPath] }

    func document(_ request: HTTPRequest) -> Document? {
        switch request.path {
        case Self.configurationPath: Self.document(configuration, "application/json")
        case Self.keysPath: Self.document(keys, "application/jwk-set+json")
        default: nil
        }
    }

    private static func document(_ bytes: [UInt8], _ type: String) -> Document {
        Document(contentType: type, bytes: bytes, headers: [("Cache-Control", "public, max-age=3600")])
    }

    /// RFC 7517.
    private static func value(_ key: JSONWebKey) -> Value {
        switch key.parameters {
        case .rsa(let modulus, let exponent):
            [
                "use": "sig", "kty": "RSA", "kid": .string(key.id), "alg": "RS256", "n": .string(modulus),
                "e": .string(exponent),
            ]
        case .p256(let x, let y):
            [
                "use": "sig", "kty": "EC", "kid": .string(key.id), "crv": "P-256", "alg": "ES256", "x": .string(x),
                "y": .string(y),
            ]
        }
    }
}
