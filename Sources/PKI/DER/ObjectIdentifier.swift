/// An ASN.1 object identifier, held as the bytes that DER writes for it.
struct ObjectIdentifier: Hashable, Sendable {
    let content: [UInt8]

    /// The identifier with these arcs, `[2, 5, 4, 3]` for 2.5.4.3.
    init(_ arcs: [UInt]) {
        precondition(arcs.count >= 2, "an object identifier has at least two arcs")
        content = ([arcs[0] * 40 + arcs[1]] + arcs.dropFirst(2)).flatMap(Self.base128)
    }

    /// The identifier that `element` holds, if it is one.
    init(_ element: DERElement) throws(DERError) {
        guard element.tag == DERTag.objectIdentifier, element.content.last.map({ $0 < 0x80 }) ?? false else {
            throw DERError("an object identifier is missing")
        }
        content = Array(element.content)
    }

    /// As a complete DER value.
    var encoded: [UInt8] { DER.value(DERTag.objectIdentifier, content) }

    /// With dots between the arcs; arcs beyond 63 bits are written as `?`.
    var dotted: String {
        var arcs: [String] = []
        var (value, isTooLarge): (UInt, Bool) = (0, false)
        for byte in content {
            isTooLarge = isTooLarge || value > UInt.max >> 8
            value = value << 7 | UInt(byte & 0x7F)
            guard byte < 0x80 else { continue }
            if arcs.isEmpty {
                arcs = [String(min(value / 40, 2)), String(value - min(value / 40, 2) * 40)]
            } else {
                arcs.append(isTooLarge ? "?" : String(value))
            }
            (value, isTooLarge) = (0, false)
        }
        return arcs.joined(separator: ".")
    }

    private static func base128(_ arc: UInt) -> [UInt8] {
        var digits = [UInt8(arc & 0x7F)]
        var rest = arc >> 7
        while rest > 0 {
            digits.insert(UInt8(rest & 0x7F) | 0x80, at: 0)
            rest >>= 7
        }
        return digits
    }
}

/// The identifiers that this module writes or looks for, by the documents that assign them.
extension ObjectIdentifier {
    // X.520
    static let commonName = ObjectIdentifier([2, 5, 4, 3])
    static let organization = ObjectIdentifier([2, 5, 4, 10])
    // Kubernetes: the user's UID in a client certificate
    static let kubernetesUserID = ObjectIdentifier([1, 3, 6, 1, 4, 1, 57683, 2])

    // RFC 5280, section 4.2
    static let subjectKeyIdentifier = ObjectIdentifier([2, 5, 29, 14])
    static let keyUsage = ObjectIdentifier([2, 5, 29, 15])
    static let subjectAlternativeName = ObjectIdentifier([2, 5, 29, 17])
    static let basicConstraints = ObjectIdentifier([2, 5, 29, 19])
    static let authorityKeyIdentifier = ObjectIdentifier([2, 5, 29, 35])
    static let extendedKeyUsage = ObjectIdentifier([2, 5, 29, 37])
    static let serverAuth = ObjectIdentifier([1, 3, 6, 1, 5, 5, 7, 3, 1])
    static let clientAuth = ObjectIdentifier([1, 3, 6, 1, 5, 5, 7, 3, 2])
    // PKCS #9
    static let extensionRequest = ObjectIdentifier([1, 2, 840, 113549, 1, 9, 14])

    // RFC 3279, RFC 5480, RFC 8410
    static let rsaEncryption = ObjectIdentifier([1, 2, 840, 113549, 1, 1, 1])
    static let ecPublicKey = ObjectIdentifier([1, 2, 840, 10045, 2, 1])
    static let p256 = ObjectIdentifier([1, 2, 840, 10045, 3, 1, 7])
    static let p384 = ObjectIdentifier([1, 3, 132, 0, 34])
    static let p521 = ObjectIdentifier([1, 3, 132, 0, 35])
    static let rsaWithSHA256 = ObjectIdentifier([1, 2, 840, 113549, 1, 1, 11])
    static let rsaWithSHA384 = ObjectIdentifier([1, 2, 840, 113549, 1, 1, 12])
    static let rsaWithSHA512 = ObjectIdentifier([1, 2, 840, 113549, 1, 1, 13])
    static let ecdsaWithSHA256 = ObjectIdentifier([1, 2, 840, 10045, 4, 3, 2])
    static let ecdsaWithSHA384 = ObjectIdentifier([1, 2, 840, 10045, 4, 3, 3])
    static let ecdsaWithSHA512 = ObjectIdentifier([1, 2, 840, 10045, 4, 3, 4])
    static let ed25519 = ObjectIdentifier([1, 3, 101, 112])
}
