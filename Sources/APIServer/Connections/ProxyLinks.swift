import Wire

/// Leads links of what is behind a proxy through the proxy: what is at `/page` there has another path for the client.
/// Pure.
///
/// Kubernetes documentation, "Access Services Running on Clusters"; the rules are those of its API server.
struct ProxyLinks: Hashable, Sendable {
    /// The proxy's own path, decoded and without a slash at its end: `/api/v1/namespaces/ns/pods/web/proxy`.
    let prefix: String
    /// Where the proxy sends its requests, as `host:port`.
    let backend: String
    /// The host that the client asked, as its `Host` header names it; empty when it names none.
    let asked: String

    /// The link as the client has to follow it. Only links with a path from the root change, to the backend or to the
    /// host that the client asked, and only those that do not lead through the proxy already.
    func lead(_ link: String) -> String {
        guard link.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { return link }
        let end = link.utf8.firstIndex { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") } ?? link.endIndex
        let queryAndFragment = link[end...]
        var rest = link[..<end]
        var scheme = ""
        if let colon = rest.utf8.firstIndex(of: UInt8(ascii: ":")), Self.isScheme(rest[..<colon]) {
            scheme = rest[...colon].lowercased()
            rest = rest[rest.utf8.index(after: colon)...]
        }
        var host: Substring = ""
        if rest.hasPrefix("//"), !scheme.isEmpty || !rest.hasPrefix("///") {
            let authority = rest.dropFirst(2)
            let slash = authority.utf8.firstIndex(of: UInt8(ascii: "/")) ?? authority.endIndex
            host = authority[..<slash]
            rest = authority[slash...]
        }
        guard rest.utf8.first == UInt8(ascii: "/"), host.isEmpty || host == backend || host == asked,
            let path = PercentEncoding.decode(rest)
        else { return link }
        // A host that only this server knows is left out: the client stays where it asked.
        let origin = !host.isEmpty && host == asked ? "\(scheme)//\(host)" : ""
        guard !path.hasPrefix(prefix) else { return "\(origin)\(rest)\(queryAndFragment)" }
        return "\(origin)\(Self.encode(through(path)))\(queryAndFragment)"
    }

    /// The client's path to what has this path behind the proxy; both decoded.
    func through(_ path: String) -> String {
        var steps: [Substring] = []
        for step in path.split(separator: "/") where step != "." {
            if step == ".." { _ = steps.popLast() } else { steps.append(step) }
        }
        let end = path.utf8.last == UInt8(ascii: "/") ? "/" : ""
        return prefix + steps.map { "/\($0)" }.joined() + end
    }

    /// RFC 3986, section 3.1.
    private static func isScheme(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, isLetter(first) else { return false }
        return text.utf8.allSatisfy { isLetter($0) || isDigit($0) || "+-.".utf8.contains($0) }
    }

    /// Encodes what must not stand in a path as it is (RFC 3986, section 3.3).
    private static func encode(_ path: String) -> String {
        var text = ""
        for scalar in path.unicodeScalars {
            let isPlain =
                scalar.isASCII
                && (isLetter(UInt8(scalar.value)) || isDigit(UInt8(scalar.value))
                    || "-._~$&+,/:;=@".unicodeScalars.contains(scalar))
            if isPlain { text.unicodeScalars.append(scalar) } else { text += PercentEncoding.encode(String(scalar)) }
        }
        return text
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (97...122).contains(byte | 0x20) }
    private static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }
}
