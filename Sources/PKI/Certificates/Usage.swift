/// What a key may be used for (RFC 5280, section 4.2.1.3).
public struct KeyUsage: OptionSet, Hashable, Sendable {
    public let rawValue: UInt16
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    public static let digitalSignature = KeyUsage(rawValue: 1 << 0)
    public static let contentCommitment = KeyUsage(rawValue: 1 << 1)
    public static let keyEncipherment = KeyUsage(rawValue: 1 << 2)
    public static let dataEncipherment = KeyUsage(rawValue: 1 << 3)
    public static let keyAgreement = KeyUsage(rawValue: 1 << 4)
    public static let certificateSigning = KeyUsage(rawValue: 1 << 5)
    public static let revocationListSigning = KeyUsage(rawValue: 1 << 6)

    /// As a BIT STRING: use 0 is the highest bit, trailing zero bits are left out (X.690, 11.2.2).
    var encoded: [UInt8] {
        guard rawValue != 0 else { return DER.bits([]) }
        let last = 15 - rawValue.leadingZeroBitCount
        var bytes = [UInt8](repeating: 0, count: last / 8 + 1)
        for bit in 0...last where rawValue >> UInt16(bit) & 1 == 1 {
            bytes[bit / 8] |= 0x80 >> UInt8(bit % 8)
        }
        return DER.bits(bytes, unused: UInt8(7 - last % 8))
    }

    init(_ element: DERElement) throws(DERError) {
        guard element.tag == DERTag.bitString, (1...3).contains(element.content.count) else {
            throw DERError("the key usage is not a bit string")
        }
        var rawValue: UInt16 = 0
        for (index, byte) in element.content.dropFirst().enumerated() {
            for bit in 0..<8 where byte & (0x80 >> UInt8(bit)) != 0 {
                rawValue |= 1 << UInt16(index * 8 + bit)
            }
        }
        self.init(rawValue: rawValue)
    }
}

/// The role in which a certificate may be used (RFC 5280, section 4.2.1.12).
public enum ExtendedKeyUsage: Hashable, Sendable {
    case serverAuth
    case clientAuth
    /// Any other, by its object identifier in dotted form..
    case other(String)

    init(_ identifier: ObjectIdentifier) {
        switch identifier {
        case .serverAuth: self = .serverAuth
        case .clientAuth: self = .clientAuth
        default: self = .other(identifier.dotted)
        }
    }

    var encoded: [UInt8] {
        switch self {
        case .serverAuth: ObjectIdentifier.serverAuth.encoded
        case .clientAuth: ObjectIdentifier.clientAuth.encoded
        case .other(let dotted):
            ObjectIdentifier(dotted.split(separator: ".").compactMap { UInt($0) }).encoded
        }
    }
}
