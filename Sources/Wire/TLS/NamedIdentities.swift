/// Certificates for clients that ask for certain names (SNI, RFC 6066, section 3), and one for all others.
public struct NamedIdentities: CertificateSource {
    private let standard: TLSIdentity
    private var exact: [String: TLSIdentity] = [:]
    /// For any name below one, by that.
    private var wild: [String: TLSIdentity] = [:]

    public init(standard: TLSIdentity) { self.standard = standard }

    /// Shows `identity` to who asks for one of these names, or with `*.example.com` for a name one step below. What was
    /// said first of a name counts.
    public mutating func add(_ identity: TLSIdentity, for names: [String]) {
        for name in names {
            let name = Self.plain(name)
            if name.hasPrefix("*.") {
                let parent = String(name.dropFirst(2))
                wild[parent] = wild[parent] ?? identity
            } else {
                exact[name] = exact[name] ?? identity
            }
        }
    }

    public func identity(for serverName: String?) -> TLSIdentity? {
        guard let serverName, !exact.isEmpty || !wild.isEmpty else { return standard }
        let name = Self.plain(serverName)
        if let found = exact[name] { return found }
        guard let dot = name.firstIndex(of: ".") else { return standard }
        return wild[String(name[name.index(after: dot)...])] ?? standard
    }

    /// Case means nothing in names, nor does a dot at the end.
    private static func plain(_ name: String) -> String {
        let name = name.lowercased()
        return name.hasSuffix(".") ? String(name.dropLast()) : name
    }
}
