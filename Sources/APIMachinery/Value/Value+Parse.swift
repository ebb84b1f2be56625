/// Why bytes are not JSON, and where.
public struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The offset of the byte that cannot be, from 0.
    public var offset: Int
    public var reason: String

    public var description: String { "\(reason) at byte \(offset)" }
}

/// What a parse may cost and what it notes on the way.
public struct JSONLimits: Hashable, Sendable {
    /// How deep arrays and objects may nest.
    public var depth = 512

    public init() {}

    /// For what this program encoded itself. Objects of others nest less deeply, but managed fields are deeper than what
    /// they are about, and what was stored must always be read again.
    static let own = {
        var limits = JSONLimits()
        limits.depth = 2048
        return limits
    }()
}

extension Value {
    /// Parses one JSON document (RFC 8259); nothing but white space may follow it.
    public init(json bytes: [UInt8], limits: JSONLimits = JSONLimits()) throws(JSONError) {
        var duplicates: [String] = []
        try self.init(json: bytes, limits: limits, duplicateFields: &duplicates)
    }

    /// Parses, and notes the paths of fields that were given twice (the last one counts), for strict field validation:
    /// in the order of the text, as `spec.ports[0].name`.
    public init(
        json bytes: [UInt8], limits: JSONLimits = JSONLimits(), duplicateFields: inout [String]
    ) throws(JSONError) {
        let outcome: Result<(Value, [String]), JSONError> = bytes.withUnsafeBufferPointer { buffer in
            var parser = JSONParser(bytes: buffer, limits: limits)
            do throws(JSONError) {
                let value = try parser.parseDocument()
                guard parser.hasDuplicates else { return .success((value, [])) }
                // Rare enough to be read once more.
                return .success((value, FieldTrace.problems(in: buffer, limits, .open).map(\.path)))
            } catch {
                return .failure(error)
            }
        }
        (self, duplicateFields) = try outcome.get()
    }

    /// Parses text; see ``init(json:limits:)``.
    public init(json text: String) throws(JSONError) { try self.init(json: Array(text.utf8)) }
}

/// A recursive-descent parser over a byte buffer. It never looks at a byte twice, save in strings with escapes.
struct JSONParser {
    private let bytes: UnsafeBufferPointer<UInt8>
    private let limits: JSONLimits
    private(set) var position: Int
    private var depth = 0
    /// Whether some object has a field twice.
    private(set) var hasDuplicates = false
    /// What names the problems of fields; `nil` when nobody asks for them.
    private(set) var trace: FieldTrace?

    /// Begins at an offset of the bytes.
    init(bytes: UnsafeBufferPointer<UInt8>, from start: Int = 0, limits: JSONLimits, trace: FieldTrace? = nil) {
        self.bytes = bytes
        position = start
        self.limits = limits
        self.trace = trace
    }

    mutating func parseDocument() throws(JSONError) -> Value {
        let value = try parseValue()
        skipWhitespace()
        guard position == bytes.count else { throw failure("unexpected data after the document") }
        return value
    }

    /// Parses one value, whatever follows it.
    mutating func parseValue() throws(JSONError) -> Value {
        skipWhitespace()
        guard let byte = peek else { throw failure("unexpected end of JSON input") }
        switch byte {
        case UInt8(ascii: "{"): return try parseObject()
        case UInt8(ascii: "["): return try parseArray()
        case UInt8(ascii: "\""): return .string(try parseString())
        case UInt8(ascii: "t"): return try parseWord("true", .bool(true))
        case UInt8(ascii: "f"): return try parseWord("false", .bool(false))
        case UInt8(ascii: "n"): return try parseWord("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try parseNumber()
        default: throw failure("invalid character looking for beginning of value")
        }
    }

    private mutating func parseObject() throws(JSONError) -> Value {
        try enter()
        defer { depth -= 1 }
        position += 1
        var entries: [Fields.Entry] = []
        skipWhitespace()
        if peek == UInt8(ascii: "}") {
            position += 1
            return .object(Fields())
        }
        entries.reserveCapacity(4)
        trace?.beginObject()
        while true {
            skipWhitespace()
            guard peek == UInt8(ascii: "\"") else {
                throw failure("invalid character looking for beginning of object key string")
            }
            let key = try parseString()
            skipWhitespace()
            guard peek == UInt8(ascii: ":") else { throw failure("invalid character after object key") }
            position += 1
            trace?.enter(key)
            entries.append(Fields.Entry(key: key, value: try parseValue()))
            trace?.leave()
            skipWhitespace()
            if peek == UInt8(ascii: ",") {
                position += 1
            } else if peek == UInt8(ascii: "}") {
                position += 1
                break
            } else {
                throw failure("invalid character after object key:value pair")
            }
        }
        trace?.endObject()
        let count = entries.count
        let fields = Fields(unsorted: entries)
        if fields.count != count { hasDuplicates = true }
        return .object(fields)
    }

    private mutating func parseArray() throws(JSONError) -> Value {
        try enter()
        defer { depth -= 1 }
        position += 1
        var elements: [Value] = []
        skipWhitespace()
        if peek == UInt8(ascii: "]") {
            position += 1
            return .array([])
        }
        trace?.beginList()
        while true {
            trace?.enter(elements.count)
            elements.append(try parseValue())
            skipWhitespace()
            if peek == UInt8(ascii: ",") {
                position += 1
            } else if peek == UInt8(ascii: "]") {
                position += 1
                trace?.endList()
                return .array(elements)
            } else {
                throw failure("invalid character after array element")
            }
        }
    }

    private mutating func parseString() throws(JSONError) -> String {
        let start = position + 1
        let end = TextScan.endOfPlainText(from: start, in: bytes)
        if end < bytes.count, bytes[end] == UInt8(ascii: "\"") {
            position = end + 1
            return String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<end]), as: UTF8.self)
        }
        position = end
        guard end < bytes.count else { throw failure("unexpected end of JSON input") }
        guard bytes[end] >= 0x20 else { throw failure("invalid character in string literal") }
        return try parseEscapedString(from: start)
    }

    private mutating func parseEscapedString(from start: Int) throws(JSONError) -> String {
        var text = Array(bytes[start..<position])
        while let byte = peek {
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"): try parseEscape(into: &text)
            case ..<0x20:
                position -= 1
                throw failure("invalid character in string literal")
            default: text.append(byte)
            }
        }
        throw failure("unexpected end of JSON input")
    }

    private mutating func parseEscape(into text: inout [UInt8]) throws(JSONError) {
        guard let byte = peek else { throw failure("unexpected end of JSON input") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            var scalar = try parseHexQuad()
            if (0xD800..<0xDC00).contains(scalar), position + 1 < bytes.count,
                bytes[position] == UInt8(ascii: "\\"), bytes[position + 1] == UInt8(ascii: "u")
            {
                let mark = position
                position += 2
                let low = try parseHexQuad()
                if (0xDC00..<0xE000).contains(low) {
                    scalar = 0x10000 + (scalar - 0xD800) << 10 + (low - 0xDC00)
                } else {
                    position = mark
                }
            }
            // A lone surrogate has no UTF-8; encoders and decoders of the field put U+FFFD in its place.
            text += Array(String(Unicode.Scalar(scalar) ?? "\u{FFFD}").utf8)
        default:
            position -= 1
            throw failure("invalid character in string escape code")
        }
    }

    private mutating func parseHexQuad() throws(JSONError) -> UInt32 {
        var number: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = peek, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw failure("invalid character in \\u hexadecimal character escape")
            }
            number = number << 4 | UInt32(digit)
            position += 1
        }
        return number
    }

    private mutating func parseNumber() throws(JSONError) -> Value {
        let start = position
        let isNegative = peek == UInt8(ascii: "-")
        if isNegative { position += 1 }
        var (magnitude, isExact): (UInt64, Bool) = (0, true)
        let digits = position
        while let byte = peek, (48...57).contains(byte) {
            let (product, overflowed) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, carried) = product.addingReportingOverflow(UInt64(byte - 48))
            isExact = isExact && !overflowed && !carried
            magnitude = sum
            position += 1
        }
        guard position > digits else { throw failure("invalid character in numeric literal") }
        guard bytes[digits] != 48 || position == digits + 1 else {
            position = digits + 1
            throw failure("invalid character after leading zero in numeric literal")
        }
        let isInteger = peek != UInt8(ascii: ".") && peek != UInt8(ascii: "e") && peek != UInt8(ascii: "E")
        if isInteger, isExact {
            if isNegative, magnitude <= UInt64(Int64.max) + 1 { return .integer(Int64(truncatingIfNeeded: 0 &- magnitude)) }
            if !isNegative, magnitude <= UInt64(Int64.max) { return .integer(Int64(magnitude)) }
        }
        try skipFractionAndExponent()
        guard let number = Double(String(decoding: bytes[start..<position], as: UTF8.self)), number.isFinite else {
            throw failure("number out of range")
        }
        return .double(number)
    }

    private mutating func skipFractionAndExponent() throws(JSONError) {
        if peek == UInt8(ascii: ".") {
            position += 1
            try skipDigits()
        }
        if peek == UInt8(ascii: "e") || peek == UInt8(ascii: "E") {
            position += 1
            if peek == UInt8(ascii: "+") || peek == UInt8(ascii: "-") { position += 1 }
            try skipDigits()
        }
    }

    private mutating func skipDigits() throws(JSONError) {
        let start = position
        while let byte = peek, (48...57).contains(byte) { position += 1 }
        guard position > start else { throw failure("invalid character in numeric literal") }
    }

    private mutating func parseWord(_ word: StaticString, _ value: Value) throws(JSONError) -> Value {
        let end = position + word.utf8CodeUnitCount
        guard end <= bytes.count,
            word.withUTF8Buffer({ $0.elementsEqual(bytes[position..<end]) })
        else { throw failure("invalid character in literal \(word)") }
        position = end
        return value
    }

    private mutating func enter() throws(JSONError) {
        depth += 1
        guard depth <= limits.depth else { throw failure("exceeded max depth") }
    }

    private mutating func skipWhitespace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private func failure(_ reason: String) -> JSONError { JSONError(offset: position, reason: reason) }
}
