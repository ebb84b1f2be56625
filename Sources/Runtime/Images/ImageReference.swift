/// The name of an image in full: `docker.io/library/nginx:stable`, or `quay.io/a/b@sha256:...`.
///
/// People write the short form; runtimes store the long one. The rule is that of Docker's reference format:
/// the part before the first slash is a host if it has a dot or a colon or is `localhost`, else everything is
/// on Docker Hub, where a name of one part is below `library`.
public struct ImageReference: Hashable, Sendable, CustomStringConvertible {
    /// The registry's host, with its port if one is given.
    public var registry: String
    /// Below the registry: `library/nginx`.
    public var repository: String
    /// `latest` when neither a tag nor a digest is given.
    public var tag: String?
    /// `sha256:...`.
    public var digest: String?

    /// Reads any form; `nil` when it names no image. Names are lower case.
    public init?(_ text: some StringProtocol) {
        var name = Substring(text)
        if let at = name.firstIndex(of: "@") {
            digest = String(name[name.index(after: at)...])
            name = name[..<at]
        }
        if let colon = name.lastIndex(of: ":"), !name[colon...].contains("/") {
            tag = String(name[name.index(after: colon)...])
            name = name[..<colon]
        }
        if tag == nil, digest == nil { tag = "latest" }
        (registry, repository) = Self.split(name)
        guard Self.isRepository(repository), Self.isHost(registry), tag.map(Self.isTag) ?? true,
            digest.map(Self.isDigest) ?? true
        else { return nil }
    }

    public var description: String {
        "\(registry)/\(repository)" + (tag.map { ":" + $0 } ?? "") + (digest.map { "@" + $0 } ?? "")
    }

    private static func split(_ name: Substring) -> (registry: String, repository: String) {
        if let slash = name.firstIndex(of: "/") {
            let first = name[..<slash]
            if first.contains(".") || first.contains(":") || first == "localhost" {
                let rest = String(name[name.index(after: slash)...])
                guard first == "docker.io" || first == "index.docker.io" else { return (String(first), rest) }
                return ("docker.io", rest.contains("/") ? rest : "library/" + rest)
            }
            return ("docker.io", String(name))
        }
        return ("docker.io", "library/" + name)
    }

    /// Parts of lower-case letters and digits, with single separators between them.
    private static func isRepository(_ text: String) -> Bool {
        text.utf8.count <= 255
            && text.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { part in
                guard let first = part.utf8.first, let last = part.utf8.last else { return false }
                return isLowerAlphanumeric(first) && isLowerAlphanumeric(last)
                    && part.utf8.allSatisfy { isLowerAlphanumeric($0) || "._-".utf8.contains($0) }
            }
    }

    private static func isHost(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { isAlphanumeric($0) || ".-:[]".utf8.contains($0) }
    }

    private static func isTag(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= 128 else { return false }
        return (isAlphanumeric(first) || first == UInt8(ascii: "_"))
            && text.utf8.allSatisfy { isAlphanumeric($0) || "._-".utf8.contains($0) }
    }

    private static func isDigest(_ text: String) -> Bool {
        guard let colon = text.firstIndex(of: ":") else { return false }
        let hex = text[text.index(after: colon)...]
        return colon != text.startIndex && hex.utf8.count >= 32 && hex.allSatisfy(\.isHexDigit)
    }

    private static func isLowerAlphanumeric(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        isLowerAlphanumeric(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }
}
