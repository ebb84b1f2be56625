import APIMachinery

/// Images that a plug-in knows credentials for, as `matchImages` names them: a host whose labels may have stars, the same
/// port or none, and the beginning of a path (Kubernetes documentation, "Configure a kubelet image credential provider",
/// "Configure image matching").
public struct ImagePattern: Hashable, Sendable {
    private let labels: [Substring]
    private let port: Substring?
    private let path: Substring

    /// `nil` for what is no host with a path; ``objection(to:)`` says why.
    init?(_ text: String) {
        guard Self.objection(to: text) == nil else { return nil }
        self.init(unchecked: text[...])
    }

    private init(unchecked text: Substring) {
        let host = text.prefix { $0 != "/" }
        path = text[host.endIndex...]
        let colon = host.lastIndex(of: ":")
        labels = host[..<(colon ?? host.endIndex)].split(separator: ".", omittingEmptySubsequences: false)
        port = colon.map { host[host.index(after: $0)...] }
    }

    /// Why no image can be matched by it.
    static func objection(to text: String) -> String? {
        let host = text.prefix { $0 != "/" }
        if let bad = host.unicodeScalars.first(where: { $0.value <= 0x20 || $0.value == 0x7F || "\"<>\\^`{|}".unicodeScalars.contains($0) }) {
            return "invalid character \(GoText.quoted(String(bad))) in host name"
        }
        guard let colon = host.lastIndex(of: ":") else { return nil }
        let port = host[host.index(after: colon)...]
        let isPort = port.utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
        return isPort ? nil : "invalid port \(GoText.quoted(host[colon...])) after host"
    }

    /// Whether an image of this name, which has neither tag nor digest, is one of these.
    func matches(_ name: String) -> Bool {
        let image = ImagePattern(unchecked: name[...])
        guard port == image.port, labels.count == image.labels.count, image.path.hasPrefix(path) else { return false }
        return zip(labels, image.labels).allSatisfy { Self.matches($0, $1) }
    }

    /// A star stands for any characters of one label, none as well: `app*`.
    static func matches(_ pattern: some StringProtocol, _ label: some StringProtocol) -> Bool {
        let parts = pattern.split(separator: "*", omittingEmptySubsequences: false)
        guard parts.count > 1, let first = parts.first, let last = parts.last else { return pattern == label }
        guard label.utf8.count >= first.utf8.count + last.utf8.count, label.hasPrefix(first), label.hasSuffix(last)
        else { return false }
        var rest = label.dropFirst(first.count).dropLast(last.count)
        for part in parts.dropFirst().dropLast() where !part.isEmpty {
            guard let found = rest.firstRange(of: part) else { return false }
            rest = rest[found.upperBound...]
        }
        return true
    }
}
