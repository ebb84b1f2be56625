extension Value {
    /// The canonical JSON of this value: fields in byte order, no white space, nothing escaped that need not be.
    ///
    /// Equal values have equal bytes. `1` and `1.0` are different values with the same bytes: JSON knows one number 1.
    public var json: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(512)
        encode(into: &bytes)
        return bytes
    }

    /// Appends the canonical JSON of this value.
    public func encode(into bytes: inout [UInt8]) {
        switch self {
        case .null: bytes += [0x6E, 0x75, 0x6C, 0x6C]
        case .bool(true): bytes += [0x74, 0x72, 0x75, 0x65]
        case .bool(false): bytes += [0x66, 0x61, 0x6C, 0x73, 0x65]
        case .integer(let number): JSONText.append(number, to: &bytes)
        case .double(let number): JSONText.append(number, to: &bytes)
        case .string(let text): JSONText.append(quoting: text, to: &bytes)
        case .array(let elements):
            bytes.append(UInt8(ascii: "["))
            var isFirst = true
            for element in elements {
                if !isFirst { bytes.append(UInt8(ascii: ",")) }
                isFirst = false
                element.encode(into: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let fields):
            bytes.append(UInt8(ascii: "{"))
            var isFirst = true
            for entry in fields.entries {
                if !isFirst { bytes.append(UInt8(ascii: ",")) }
                isFirst = false
                JSONText.append(quoting: entry.key, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                entry.value.encode(into: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }
}

/// The pieces of JSON text, for those who write JSON without a tree.
public enum JSONText {
    /// Appends `text` in quotes, escaping what RFC 8259 demands and nothing else.
    public static func append(quoting text: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { utf8 in
            var start = 0
            for (index, byte) in utf8.enumerated()
            where byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
                bytes.append(contentsOf: utf8[start..<index])
                appendEscape(of: byte, to: &bytes)
                start = index + 1
            }
            bytes.append(contentsOf: utf8[start...])
        }
        bytes.append(UInt8(ascii: "\""))
    }

    public static func append(_ number: some BinaryInteger, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: String(number).utf8)
    }

    /// The shortest digits that read back as the same number; whole numbers below 1e21 without a fraction, as
    /// ECMAScript and Go's encoder write them.
    public static func append(_ number: Double, to bytes: inout [UInt8]) {
        precondition(number.isFinite, "JSON has no infinity and no NaN")
        if number == number.rounded(), abs(number) < 1e21 {
            if let whole = Int64(exactly: number) {
                append(whole, to: &bytes)
                return
            }
        }
        bytes.append(contentsOf: "\(number)".utf8)
    }

    private static func appendEscape(of byte: UInt8, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(byte)
        case 0x0A: bytes.append(UInt8(ascii: "n"))
        case 0x0D: bytes.append(UInt8(ascii: "r"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        default:
            let digits = Array("0123456789abcdef".utf8)
            bytes += Array("u00".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }
}

extension Value: CustomStringConvertible {
    /// The canonical JSON as text.
    public var description: String { String(decoding: json, as: UTF8.self) }
}
