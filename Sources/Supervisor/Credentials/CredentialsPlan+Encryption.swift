import PKI
import Support

/// How k3s encrypts Secrets at rest when it makes the key itself.
public enum SecretsEncryption: String, Hashable, Sendable, CaseIterable {
    case aescbc, secretbox

    /// `--secrets-encryption` and `--secrets-encryption-provider`; `nil` when Secrets are stored as they are.
    init?(_ values: OptionValues) throws(Fault) {
        let asked = values.text("secrets-encryption-provider") ?? Self.aescbc.rawValue
        guard let provider = Self(rawValue: asked) else {
            throw Fault(.invalid, "--secrets-encryption-provider \(asked) is neither aescbc nor secretbox")
        }
        guard values.flag("secrets-encryption") else { return nil }
        self = provider
    }

    /// Both take keys of 32 bytes.
    private static let keyLength = 32

    /// A configuration with a fresh key, as k3s writes it: what was stored before can still be read.
    func freshConfiguration() -> [UInt8] {
        let secret = Base64.encode(Secret.randomBytes(Self.keyLength))
        let provider = #"{"\#(rawValue)":{"keys":[{"name":"\#(rawValue)key","secret":"\#(secret)"}]}}"#
        return Array(
            (#"{"kind":"EncryptionConfiguration","apiVersion":"apiserver.config.k8s.io/v1","resources":[{"#
                + #""resources":["secrets"],"providers":["# + provider + #",{"identity":{}}]}]}"#).utf8)
    }
}

extension CredentialsPlan {
    /// The configuration that is there counts, asked for or not: without it Secrets could not be read.
    mutating func prepareEncryption(into result: inout ServerCredentials) {
        if let found = found.files[paths.encryption] {
            result.encryption = found
            return
        }
        guard let fresh = request.secretsEncryption?.freshConfiguration() else { return }
        write(fresh, to: paths.encryption)
        write(Array("start-\(Hex.encode(Digest.sha256(fresh)))".utf8), to: paths.encryptionState)
        result.encryption = fresh
    }
}
