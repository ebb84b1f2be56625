public import Support

/// The textual form of keys and certificates (RFC 7468).
public struct PEMBlock: Hashable, Sendable {
    /// What stands after `BEGIN`, such as `CERTIFICATE`.
    public var label: String
    /// The bytes that the text encodes.
    public var bytes: [UInt8]

    /// A block from its parts.
    public init(label: String, bytes: [UInt8]) {
        self.label = label
        self.bytes = bytes
    }

    /// The block as text, 64 characters a line, ending in a line break.
    public var text: [UInt8] {
        var text = "-----BEGIN \(label)-----\n"
        let base64 = Array(Base64.encode(bytes).utf8)
        for start in stride(from: 0, to: base64.count, by: 64) {
            text += String(decoding: base64[start..<min(start + 64, base64.count)], as: UTF8.self) + "\n"
        }
        return Array((text + "-----END \(label)-----\n").utf8)
    }

    /// The blocks of a file in their order. Text between them is passed over, as every tool does; a block
    /// that does not end, or is not Base64, is a fault.
    public static func all(in text: some Collection<UInt8>) throws(Fault) -> [PEMBlock] {
        var blocks: [PEMBlock] = []
        var open: (label: String, base64: [UInt8])?
        for line in text.split(whereSeparator: { $0 == 10 || $0 == 13 }) {
            if let label = label(line, "-----BEGIN ") {
                open = (label, [])
            } else if let (label, base64) = open {
                guard let end = Self.label(line, "-----END ") else {
                    open = (label, base64 + line)
                    continue
                }
                guard end == label, let bytes = Base64.decode(String(decoding: base64, as: UTF8.self)) else {
                    throw Fault(.corrupt, "the PEM block \(label) cannot be read")
                }
                blocks.append(PEMBlock(label: label, bytes: bytes))
                open = nil
            }
        }
        if let open { throw Fault(.corrupt, "the PEM block \(open.label) has no end") }
        return blocks
    }

    private static func label(_ line: some Collection<UInt8>, _ start: String) -> String? {
        let text = String(decoding: line, as: UTF8.self)
        guard text.hasPrefix(start), let dashes = text.lastIndex(where: { $0 != "-" && $0 != " " }),
            text[text.index(after: dashes)...].hasPrefix("-----")
        else { return nil }
        return String(text[text.index(text.startIndex, offsetBy: start.count)...dashes])
    }
}
