import Support

extension PublicKey {
    /// The key that the members of a JSON Web Key describe (RFC 7518, section 6): `kty` and `n`, `e`, or `crv`, `x`, `y`.
    /// `nil` for kinds that verify no tokens, and for what is no key.
    public init?(jsonWebKey member: (String) -> String?) {
        func number(_ name: String) -> [UInt8]? { member(name).flatMap { Base64.decode($0) } }
        let info: [UInt8]
        switch member("kty") {
        case "RSA":
            guard let modulus = number("n"), let exponent = number("e"), !modulus.isEmpty, !exponent.isEmpty else {
                return nil
            }
            // RFC 7518, 3.3: no smaller key may be used. The upper bound keeps a made-up key from costing seconds.
            guard (2048...16_384).contains(modulus.drop { $0 == 0 }.count * 8), exponent.count <= 4 else { return nil }
            info = Self.information(
                [ObjectIdentifier.rsaEncryption.encoded, [0x05, 0x00]],
                DER.sequence(DER.unsigned(modulus), DER.unsigned(exponent)))
        case "EC":
            guard let curve = member("crv").flatMap(NamedCurve.init), let x = number("x"), let y = number("y"),
                x.count == curve.width, y.count == curve.width
            else { return nil }
            // SEC 1, 2.3.3: a mark for the uncompressed form, x, y.
            info = Self.information([ObjectIdentifier.ecPublicKey.encoded, curve.identifier.encoded], [4] + x + y)
        default: return nil
        }
        guard let key = try? PublicKey(der: info) else { return nil }
        self = key
    }

    /// A SubjectPublicKeyInfo.
    private static func information(_ algorithm: [[UInt8]], _ bits: [UInt8]) -> [UInt8] {
        DER.sequence(DER.sequence(of: algorithm), DER.bits(bits))
    }
}
