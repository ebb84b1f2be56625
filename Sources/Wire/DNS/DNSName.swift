/// A domain name: at most 127 labels of 1 ... 63 bytes, at most 255 bytes on the wire (RFC 1035, section
/// 3.1).
///
/// The bytes keep the case they came with, because a resolver may check that its question is echoed
/// exactly; names compare and hash without regard to ASCII case (RFC 4343).
public struct DNSName: Sendable, CustomStringConvertible {
    /// The uncompressed wire form: each label behind its length, and the root's zero at the end.
    let wire: [UInt8]

    /// The name without labels.
    public static let root = DNSName(unchecked: [0])

    static let maximumLength = 255
    static let maximumLabelLength = 63

    /// `wire` is known to be well formed.
    init(unchecked wire: [UInt8]) { self.wire = wire }

    /// The name with these labels, the leftmost first; `nil` when a label or the whole is empty or too long.
    public init?(labels: [[UInt8]]) {
        var wire: [UInt8] = []
        for label in labels {
            guard (1...Self.maximumLabelLength).contains(label.count) else { return nil }
            wire.append(UInt8(label.count))
            wire += label
        }
        wire.append(0)
        guard wire.count <= Self.maximumLength else { return nil }
        self.wire = wire
    }

    /// Reads `web.default.svc.cluster.local`, with or without the last dot; `.` is the root. `\.` and `\\`
    /// stand for the character, `\046` for the byte with that decimal number (RFC 1035, section 5.1). `nil`
    /// for what is no name.
    public init?(_ text: some StringProtocol) {
        if text == "." {
            self = .root
            return
        }
        var labels: [[UInt8]] = [[]]
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "."):
                labels.append([])
            case UInt8(ascii: "\\"):
                guard let escaped = Self.popEscaped(&rest) else { return nil }
                labels[labels.count - 1].append(escaped)
            default:
                labels[labels.count - 1].append(byte)
            }
        }
        if labels.count > 1, labels.last?.isEmpty == true { labels.removeLast() }
        self.init(labels: labels)
    }

    private static func popEscaped(_ rest: inout ArraySlice<UInt8>) -> UInt8? {
        guard let first = rest.popFirst() else { return nil }
        guard (48...57).contains(first) else { return first }
        guard let second = rest.popFirst(), let third = rest.popFirst(),
            (48...57).contains(second), (48...57).contains(third)
        else { return nil }
        return UInt8(exactly: Int(first - 48) * 100 + Int(second - 48) * 10 + Int(third - 48))
    }

    /// The labels, the leftmost first; none for the root.
    public var labels: [ArraySlice<UInt8>] {
        var labels: [ArraySlice<UInt8>] = []
        var start = 0
        while wire[start] != 0 {
            let end = start + 1 + Int(wire[start])
            labels.append(wire[start + 1..<end])
            start = end
        }
        return labels
    }

    /// The name without its leftmost label; `nil` for the root.
    public var parent: DNSName? {
        guard wire[0] != 0 else { return nil }
        return DNSName(unchecked: Array(wire[(1 + Int(wire[0]))...]))
    }

    /// Whether the name is `ancestor` or lies below it. Every name lies below the root.
    public func isWithin(_ ancestor: DNSName) -> Bool {
        guard wire.count >= ancestor.wire.count else { return false }
        var start = 0
        while wire.count - start > ancestor.wire.count { start += 1 + Int(wire[start]) }
        return wire.count - start == ancestor.wire.count
            && zip(wire[start...], ancestor.wire).allSatisfy { lowercased($0) == lowercased($1) }
    }

    /// The wire form in lower case. Lengths are at most 63, so no length is mistaken for a letter.
    var folded: [UInt8] { wire.map(lowercased) }

    /// The text form with the last dot. Bytes that would be misread are escaped.
    public var description: String {
        guard wire.count > 1 else { return "." }
        var text: [UInt8] = []
        for label in labels {
            for byte in label {
                switch byte {
                case UInt8(ascii: "."), UInt8(ascii: "\\"): text += [UInt8(ascii: "\\"), byte]
                case 0x21...0x7E: text.append(byte)
                default: text += [UInt8(ascii: "\\"), 48 + byte / 100, 48 + byte / 10 % 10, 48 + byte % 10]
                }
            }
            text.append(UInt8(ascii: "."))
        }
        return String(decoding: text, as: UTF8.self)
    }
}

extension DNSName: Hashable {
    public static func == (a: DNSName, b: DNSName) -> Bool {
        a.wire.count == b.wire.count && zip(a.wire, b.wire).allSatisfy { lowercased($0) == lowercased($1) }
    }

    public func hash(into hasher: inout Hasher) {
        for byte in wire { hasher.combine(lowercased(byte)) }
    }
}

private func lowercased(_ byte: UInt8) -> UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
}
