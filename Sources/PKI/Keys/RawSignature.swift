/// ECDSA signatures in the form of JSON Web Tokens: r and s, each as wide as a coordinate of the curve, one after the
/// other (RFC 7518, 3.4).
enum RawSignature {
    /// From the DER form, on P-256.
    static func fromDER(_ der: [UInt8]) throws(DERError) -> [UInt8] {
        var reader = try DERReader.whole(der[...], DERTag.sequence).reader
        let width = NamedCurve.p256.width
        var raw: [UInt8] = []
        for _ in 0..<2 {
            let number = try reader.readUnsigned()
            guard number.count <= width else { throw DERError("a number is too large for P-256") }
            raw += [UInt8](repeating: 0, count: width - number.count) + number
        }
        try reader.end()
        return raw
    }

    /// To the DER form; `nil` when the length is wrong.
    static func toDER(_ raw: [UInt8], width: Int = NamedCurve.p256.width) -> [UInt8]? {
        guard raw.count == 2 * width else { return nil }
        return DER.sequence(DER.unsigned(raw[..<width]), DER.unsigned(raw[width...]))
    }
}
