public import Support

/// A name that a certificate is valid for (RFC 5280, section 4.2.1.6).
public enum SubjectAlternativeName: Hashable, Comparable, Sendable, CustomStringConvertible {
    case dns(String)
    case ip(IPAddress)
    case email(String)
    case uri(String)

    /// An address if `text` is one (IPv6 may stand in brackets), else a DNS name.
    public init(_ text: String) {
        let bare = text.hasPrefix("[") && text.hasSuffix("]") ? String(text.dropFirst().dropLast()) : text
        self = IPAddress(bare).map(SubjectAlternativeName.ip) ?? .dns(text)
    }

    /// The name alone; addresses in their usual text form.
    public var description: String {
        switch self {
        case .dns(let text), .email(let text), .uri(let text): text
        case .ip(let address): address.description
        }
    }

    /// By kind, then by bytes.
    public static func < (a: SubjectAlternativeName, b: SubjectAlternativeName) -> Bool {
        a.number == b.number ? a.content.lexicographicallyPrecedes(b.content) : a.number < b.number
    }

    /// As a GeneralName.
    var encoded: [UInt8] { DER.value(DERTag.context(number, isConstructed: false), content) }

    /// Reads a GeneralName; `nil` for the kinds that no TLS client compares.
    init?(_ element: DERElement) throws(DERError) {
        let text = String(validating: element.content, as: Unicode.ASCII.self)
        switch (element.tag, text) {
        case (DERTag.context(1, isConstructed: false), let text?): self = .email(text)
        case (DERTag.context(2, isConstructed: false), let text?): self = .dns(text)
        case (DERTag.context(6, isConstructed: false), let text?): self = .uri(text)
        case (DERTag.context(7, isConstructed: false), _):
            guard let address = IPAddress(bytes: element.content) else {
                throw DERError("an address has a wrong length")
            }
            self = .ip(address)
        case (0x81, nil), (0x82, nil), (0x86, nil): throw DERError("a name is not ASCII")
        default: return nil
        }
    }

    private var number: UInt8 {
        switch self {
        case .email: 1
        case .dns: 2
        case .uri: 6
        case .ip: 7
        }
    }

    private var content: [UInt8] {
        switch self {
        case .dns(let text), .email(let text), .uri(let text): Array(text.utf8)
        case .ip(let address): address.bytes
        }
    }
}
