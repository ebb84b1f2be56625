/// Spreads compact JSON over lines, two blanks a level, as `pretty=true` asks for. Takes it in pieces of any length.
struct PrettyJSON: Sendable {
    private var depth = 0
    private var isInText = false
    private var isEscaped = false
    /// An opening bracket was written, and nothing behind it: an empty pair stays together.
    private var isJustOpened = false

    /// What the next bytes look like.
    mutating func spread(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(bytes.underestimatedCount * 3 / 2)
        for byte in bytes {
            if isInText {
                out.append(byte)
                isInText = isEscaped || byte != UInt8(ascii: "\"")
                isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
                continue
            }
            let isClosing = byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]")
            if isClosing { depth -= 1 }
            if isJustOpened != isClosing { breakLine(&out) }
            isJustOpened = false
            out.append(byte)
            switch byte {
            case UInt8(ascii: "{"), UInt8(ascii: "["): (depth, isJustOpened) = (depth + 1, true)
            case UInt8(ascii: ","): breakLine(&out)
            case UInt8(ascii: ":"): out.append(UInt8(ascii: " "))
            case UInt8(ascii: "\""): isInText = true
            default: break
            }
        }
        return out
    }

    /// Deeper lines are no further to the right: blanks would be most of what is sent, hundreds of times the object.
    private static let deepest = 64

    private func breakLine(_ out: inout [UInt8]) {
        out.append(UInt8(ascii: "\n"))
        out.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 2 * min(depth, Self.deepest)))
    }
}
