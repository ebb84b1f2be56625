/// ECDSA signatures on P-256 in the form of JSON Web Tokens: r and s, 32 bytes each, one after the other (RFC
/// 7518, 3.4).
enum RawSignature {
    private static let width = 32

    /// From the DER form.
    static func fromDER(_ der: [UInt8]) throws(DERError) -> [UInt8] {
        var reader = try DERReader.whole(der[...], DERTag.sequence).reader
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
    static func toDER(_ raw: [UInt8]) -> [UInt8]? {
        guard raw.count == 2 * width else { return nil }
        return DER.sequence(DER.unsigned(raw[..<width]), DER.unsigned(raw[width...]))
    }
}
