/// A place in a JSON document (RFC 6901): `/spec/containers/0/image`.
public struct JSONPointer: Hashable, Sendable, CustomStringConvertible {
    /// The names and indices on the way, unescaped.
    public let tokens: [String]

    public init(_ tokens: [String]) { self.tokens = tokens }

    /// Reads the text form; `nil` when it neither is empty nor begins with `/`, or has a `~` that escapes nothing.
    public init?(_ text: String) {
        guard !text.isEmpty else {
            tokens = []
            return
        }
        guard text.utf8.first == UInt8(ascii: "/") else { return nil }
        var tokens: [String] = []
        for part in text.utf8.dropFirst().split(
            separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        {
            guard let token = Self.unescaped(part) else { return nil }
            tokens.append(token)
        }
        self.tokens = tokens
    }

    /// The text form.
    public var description: String { tokens.map { "/" + Self.escaped($0) }.joined() }

    private static func unescaped(_ part: Substring.UTF8View) -> String? {
        guard part.contains(UInt8(ascii: "~")) else { return String(Substring(part)) }
        var (bytes, isEscaped): ([UInt8], Bool) = ([], false)
        for byte in part {
            switch (isEscaped, byte) {
            case (true, UInt8(ascii: "0")): bytes.append(UInt8(ascii: "~"))
            case (true, UInt8(ascii: "1")): bytes.append(UInt8(ascii: "/"))
            case (true, _): return nil
            case (false, UInt8(ascii: "~")):
                isEscaped = true
                continue
            case (false, _): bytes.append(byte)
            }
            isEscaped = false
        }
        return isEscaped ? nil : String(decoding: bytes, as: UTF8.self)
    }

    private static func escaped(_ token: String) -> String {
        var bytes: [UInt8] = []
        for byte in token.utf8 {
            switch byte {
            case UInt8(ascii: "~"): bytes += "~0".utf8
            case UInt8(ascii: "/"): bytes += "~1".utf8
            default: bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
