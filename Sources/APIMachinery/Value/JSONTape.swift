/// Canonical JSON, looked through once: where each value lies, and which comes after it.
///
/// A walk over the nodes goes from value to value without a look at the bytes between them, and without a tree. An
/// object's fields are a text and a value each, in the order of their names.
struct JSONTape {
    struct Node {
        /// The offset of the value's first byte.
        var start: Int32
        /// The offset behind its last byte.
        var end: Int32
        /// The position of the node behind the value and all that is in it.
        var next: Int32
    }

    private(set) var nodes: [Node] = []

    /// Looks through the bytes, which hold one value; `nil` when they end before it does.
    init?(_ json: UnsafeBufferPointer<UInt8>) {
        guard json.count < Int(Int32.max) else { return nil }
        nodes.reserveCapacity(json.count / 12 + 8)
        var open: [Int] = []
        var position = 0
        while position < json.count {
            let start = position
            switch json[position] {
            case UInt8(ascii: "\""):
                guard let end = Self.end(ofTextAt: start, in: json) else { return nil }
                position = end
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                open.append(nodes.count)
                position += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                guard let container = open.popLast() else { return nil }
                position += 1
                nodes[container].end = Int32(position)
                nodes[container].next = Int32(nodes.count)
                continue
            case UInt8(ascii: ","), UInt8(ascii: ":"):
                position += 1
                continue
            default:
                repeat { position += 1 } while position < json.count && !Self.endsWord(json[position])
            }
            nodes.append(Node(start: Int32(start), end: Int32(position), next: Int32(nodes.count + 1)))
        }
        guard open.isEmpty, let first = nodes.first, first.next == nodes.count else { return nil }
    }

    /// The offset behind the closing quote of a text.
    private static func end(ofTextAt start: Int, in json: UnsafeBufferPointer<UInt8>) -> Int? {
        var position = TextScan.endOfPlainText(from: start + 1, in: json)
        while position < json.count, json[position] != UInt8(ascii: "\"") {
            position += json[position] == UInt8(ascii: "\\") ? 2 : 1
            position = TextScan.endOfPlainText(from: position, in: json)
        }
        return position < json.count ? position + 1 : nil
    }

    /// Whether a byte comes after a number, `true`, `false` or `null`.
    private static func endsWord(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ",") || byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]")
    }
}
