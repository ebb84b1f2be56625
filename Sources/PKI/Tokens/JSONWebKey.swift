import Support

extension PublicKey {
    /// The name of a key in a token's header (`kid`), as Kubernetes computes it for service account keys:
    /// URL-safe Base64 of SHA-256 over the PKIX form.
    public var keyID: String { Base64.encodeURLSafe(Digest.sha256(der)) }

    /// The `alg` of tokens that this key verifies: `RS256` or `ES256`; `nil` when it verifies none.
    public var tokenAlgorithm: String? {
        switch kind {
        case .rsa: "RS256"
        case .ecP256: "ES256"
        case .ecOther, .ed25519, .other: nil
        }
    }

    /// The key for a JSON Web Key Set; `nil` for kinds that verify no tokens.
    public var jsonWebKey: JSONWebKey? {
        guard let bits = try? self.bits else { return nil }
        switch kind {
        case .rsa:
            guard var numbers = try? DERReader.whole(bits, DERTag.sequence).reader,
                let modulus = try? numbers.readUnsigned(), let exponent = try? numbers.readUnsigned()
            else { return nil }
            return JSONWebKey(
                id: keyID,
                parameters: .rsa(
                    modulus: Base64.encodeURLSafe(modulus), exponent: Base64.encodeURLSafe(exponent)))
        case .ecP256:
            // SEC 1, 2.3.3: a mark for the uncompressed form, x, y.
            guard bits.count == 65, bits.first == 4 else { return nil }
            let (x, y) = (bits.dropFirst().prefix(32), bits.suffix(32))
            return JSONWebKey(
                id: keyID, parameters: .p256(x: Base64.encodeURLSafe(x), y: Base64.encodeURLSafe(y)))
        case .ecOther, .ed25519, .other: return nil
        }
    }
}

/// A public key as RFC 7517 describes it, ready to be written as JSON.
public struct JSONWebKey: Hashable, Sendable {
    /// What depends on the kind of key; numbers in URL-safe Base64 (RFC 7518, section 6).
    public enum Parameters: Hashable, Sendable {
        /// `kty` RSA, `alg` RS256: members `n` and `e`.
        case rsa(modulus: String, exponent: String)
        /// `kty` EC, `alg` ES256, `crv` P-256: members `x` and `y`.
        case p256(x: String, y: String)
    }

    /// `kid`.
    public let id: String
    public let parameters: Parameters
}
