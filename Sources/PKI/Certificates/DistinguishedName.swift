/// The parts of an X.509 name that Kubernetes reads: the user, its groups and its UID.
public struct DistinguishedName: Hashable, Sendable {
    /// The user's name. Empty when the certificate has none.
    public var commonName: String
    /// The user's groups, in the order of the certificate.
    public var organizations: [String]
    /// The user's UID (Kubernetes' own attribute, 1.3.6.1.4.1.57683.2).
    public var uid: String?

    /// A name from its parts.
    public init(commonName: String, organizations: [String] = [], uid: String? = nil) {
        self.commonName = commonName
        self.organizations = organizations
        self.uid = uid
    }

    /// As a Name. All organizations stand in one set, as Go's encoder writes them.
    var encoded: [UInt8] {
        func attribute(_ type: ObjectIdentifier, _ text: String) -> [UInt8] {
            DER.sequence(type.encoded, DER.text(text))
        }
        var sets: [[UInt8]] = []
        if !organizations.isEmpty {
            sets.append(DER.set(of: organizations.map { attribute(.organization, $0) }))
        }
        if !commonName.isEmpty { sets.append(DER.set(of: [attribute(.commonName, commonName)])) }
        if let uid { sets.append(DER.set(of: [attribute(.kubernetesUserID, uid)])) }
        return DER.sequence(of: sets)
    }

    /// Reads a Name; attributes of other types are passed over, and of several common names the last counts
    /// (as in Go).
    init(_ element: DERElement) throws(DERError) {
        self.init(commonName: "")
        var sets = element.reader
        while !sets.isAtEnd {
            var attributes = try sets.read(DERTag.set).reader
            while !attributes.isAtEnd {
                var attribute = try attributes.read(DERTag.sequence).reader
                let type = try ObjectIdentifier(try attribute.read())
                let value = try attribute.read()
                switch type {
                case .commonName: commonName = try Self.text(value)
                case .organization: organizations.append(try Self.text(value))
                case .kubernetesUserID:
                    guard uid == nil else { throw DERError("a name has two UIDs") }
                    uid = try Self.text(value)
                default: continue
                }
            }
        }
    }

    private static func text(_ element: DERElement) throws(DERError) -> String {
        let isText = [DERTag.utf8String, DERTag.printableString, DERTag.ia5String].contains(element.tag)
        guard isText, let text = String(validating: element.content, as: UTF8.self) else {
            throw DERError("a part of a name is not text")
        }
        return text
    }
}
