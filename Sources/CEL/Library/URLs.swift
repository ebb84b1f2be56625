extension CELLibrary {
    /// URLs that are absolute: `https://host/path`, or `/path`.
    static let urls: [CELFunction] = [
        CELFunction("url", "(string) kubernetes.URL", cost: .text) { arguments throws(CELError) in
            let text = try oneText(arguments)
            guard let url = AbsoluteURL(text) else {
                throw CELError(
                    "URL parse error during conversion from string: parse \"\(text)\": invalid URI for request")
            }
            return .opaque(url)
        },
        CELFunction("isURL", "(string) bool", cost: .text) { arguments throws(CELError) in
            .bool(AbsoluteURL(try oneText(arguments)) != nil)
        },
        part("getScheme") { $0.scheme }, part("getHost") { $0.host }, part("getHostname") { $0.hostname },
        part("getPort") { $0.port }, part("getEscapedPath") { $0.escapedPath },
        CELFunction("getQuery", "kubernetes.URL.() map(string, list(string))") { arguments throws(CELError) in
            guard case .opaque(let url as AbsoluteURL) = arguments[0] else { throw .noSuchOverload }
            return .map(CELMap(url.query.mapValues(CELValue.texts)))
        },
    ]

    private static func part(_ name: String, _ read: @escaping @Sendable (AbsoluteURL) -> String) -> CELFunction {
        CELFunction(name, "kubernetes.URL.() string") { arguments throws(CELError) in
            guard case .opaque(let url as AbsoluteURL) = arguments[0] else { throw .noSuchOverload }
            return .string(read(url))
        }
    }
}

/// A URL as it can stand in a request (RFC 3986): with a scheme and a host, or a path from the root.
struct AbsoluteURL: CELOpaque, Equatable {
    private(set) var scheme = ""
    /// With the port, if there is one.
    private(set) var host = ""
    private(set) var escapedPath = ""
    private var rawQuery = ""

    var typeName: String { "kubernetes.URL" }

    init?(_ text: String) {
        var rest = text[...]
        guard !rest.isEmpty, rest.unicodeScalars.allSatisfy({ $0.value > 0x20 && $0.value != 0x7F }) else { return nil }
        if let colon = rest.firstIndex(of: ":"), !rest[..<colon].contains("/"), !rest[..<colon].contains("?") {
            let name = rest[..<colon]
            guard let first = name.utf8.first, Self.isLetter(first), name.utf8.allSatisfy(Self.isSchemeByte) else {
                return nil
            }
            scheme = name.lowercased()
            rest = rest[rest.index(after: colon)...]
        }
        if let mark = rest.firstIndex(of: "?") {
            rawQuery = String(rest[rest.index(after: mark)...])
            rest = rest[..<mark]
        }
        // What is neither a scheme with something behind it nor a path from the root is relative.
        guard rest.hasPrefix("/") || !scheme.isEmpty else { return nil }
        if !scheme.isEmpty, rest.hasPrefix("//") {
            rest = rest.dropFirst(2)
            let end = rest.firstIndex(of: "/") ?? rest.endIndex
            guard setAuthority(rest[..<end]) else { return nil }
            rest = rest[end...]
        }
        guard Self.percentDecoded(rest, plusIsSpace: false) != nil else { return nil }
        escapedPath = Self.escaped(rest)
    }

    private mutating func setAuthority(_ text: Substring) -> Bool {
        var authority = text
        if let at = authority.lastIndex(of: "@") { authority = authority[authority.index(after: at)...] }
        if authority.hasPrefix("[") {
            guard let close = authority.lastIndex(of: "]") else { return false }
            guard Self.isPort(authority[authority.index(after: close)...]) else { return false }
        } else if let colon = authority.firstIndex(of: ":") {
            guard Self.isPort(authority[colon...]) else { return false }
        }
        guard !authority.contains(where: { " \"<>\\^`{|}".contains($0) }) else { return false }
        guard let decoded = Self.percentDecoded(authority, plusIsSpace: false) else { return false }
        host = decoded
        return true
    }

    var hostname: String {
        if host.hasPrefix("["), let close = host.firstIndex(of: "]") {
            return String(host[host.index(after: host.startIndex)..<close])
        }
        return String(host.prefix { $0 != ":" })
    }

    var port: String {
        let behind = host.hasPrefix("[") ? host[(host.firstIndex(of: "]") ?? host.startIndex)...] : host[...]
        guard let colon = behind.lastIndex(of: ":") else { return "" }
        return String(behind[behind.index(after: colon)...])
    }

    /// The values of each parameter, in their order. Pairs that cannot be decoded are left out.
    var query: [String: [String]] {
        var values: [String: [String]] = [:]
        for pair in rawQuery.split(separator: "&") where !pair.contains(";") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let key = Self.percentDecoded(parts[0], plusIsSpace: true),
                let value = parts.count > 1 ? Self.percentDecoded(parts[1], plusIsSpace: true) : ""
            else { continue }
            values[key, default: []].append(value)
        }
        return values
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (65...90).contains(byte) || (97...122).contains(byte) }

    private static func isSchemeByte(_ byte: UInt8) -> Bool {
        isLetter(byte) || (48...57).contains(byte) || [43, 45, 46].contains(byte)
    }

    /// Nothing, or a colon and digits.
    private static func isPort(_ text: Substring) -> Bool {
        text.isEmpty || (text.hasPrefix(":") && text.dropFirst().utf8.allSatisfy { (48...57).contains($0) })
    }

    private static func percentDecoded(_ text: Substring, plusIsSpace: Bool) -> String? {
        var (bytes, rest) = ([UInt8](), Array(text.utf8)[...])
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "%"):
                let digits = rest.prefix(2)
                guard digits.count == 2, let code = UInt8(String(decoding: digits, as: UTF8.self), radix: 16),
                    digits.first != UInt8(ascii: "+")
                else { return nil }
                bytes.append(code)
                rest = rest.dropFirst(2)
            case UInt8(ascii: "+") where plusIsSpace: bytes.append(0x20)
            default: bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A path with everything escaped that a path cannot have.
    private static func escaped(_ path: Substring) -> String {
        var result = ""
        for byte in path.utf8 {
            let isPlain =
                isLetter(byte) || (48...57).contains(byte) || "-_.~$&+,/:;=@%!'()*[]".utf8.contains(byte)
            if isPlain {
                result.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                result += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return result
    }
}
