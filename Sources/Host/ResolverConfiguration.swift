/// What a resolv.conf(5) says: the C library's file, which pods, the cluster's DNS and the start of a node all read.
public struct ResolverConfiguration: Hashable, Sendable {
    /// As they are written; not every one need be an address.
    public var servers: [String] = []
    public var searches: [String] = []
    public var options: [String] = []

    /// Reads a file's text. Of several `search` lines, and of several `options` lines, the last counts.
    public init(_ text: String) {
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
            switch words.first {
            case "nameserver": servers += words.dropFirst().prefix(1)
            case "search": searches = Array(words.dropFirst())
            case "options": options = Array(words.dropFirst())
            default: break
            }
        }
    }
}
