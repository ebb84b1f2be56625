import APIMachinery
import Support

extension CELLibrary {
    /// From one type to another, where no value is lost.
    static let conversions: [CELFunction] = [
        CELFunction("dyn", "(T) dyn") { $0[0] },
        CELFunction("type", "(T) type") { .type($0[0].typeName) },
        CELFunction("int", "(int) int", "(uint) int", "(double) int", "(string) int", "(timestamp) int") {
            arguments throws(CELError) in try arguments[0].toInt()
        },
        CELFunction("uint", "(uint) uint", "(int) uint", "(double) uint", "(string) uint") {
            arguments throws(CELError) in try arguments[0].toUInt()
        },
        CELFunction("double", "(double) double", "(int) double", "(uint) double", "(string) double") {
            arguments throws(CELError) in
            switch arguments[0] {
            case .double: return arguments[0]
            case .int(let number): return .double(Double(number))
            case .uint(let number): return .double(Double(number))
            case .string(let text):
                guard let number = Double(text) else { throw .syntax("ParseFloat", text) }
                return .double(number)
            default: throw .noSuchOverload
            }
        },
        CELFunction("bool", "(bool) bool", "(string) bool") { arguments throws(CELError) in
            switch arguments[0] {
            case .bool: return arguments[0]
            case .string(let text):
                switch text {
                case "1", "t", "T", "true", "TRUE", "True": return .bool(true)
                case "0", "f", "F", "false", "FALSE", "False": return .bool(false)
                default: throw .syntax("ParseBool", text)
                }
            default: throw .noSuchOverload
            }
        },
        CELFunction("bytes", "(bytes) bytes", "(string) bytes", cost: .text) { arguments throws(CELError) in
            switch arguments[0] {
            case .bytes: return arguments[0]
            case .string(let text): return .bytes(Array(text.utf8))
            default: throw .noSuchOverload
            }
        },
        CELFunction(
            "string", "(string) string", "(bool) string", "(int) string", "(uint) string", "(double) string",
            "(bytes) string", "(timestamp) string", "(duration) string", "(net.IP) string", "(net.CIDR) string",
            cost: .text
        ) { arguments throws(CELError) in .string(try arguments[0].text()) },
    ]
}

extension CELError {
    fileprivate static func syntax(_ function: String, _ text: String) -> CELError {
        CELError("strconv.\(function): parsing \(GoText.quoted(text)): invalid syntax")
    }
}

extension CELValue {
    fileprivate func toInt() throws(CELError) -> CELValue {
        switch self {
        case .int: return self
        case .uint(let number):
            guard let signed = Int64(exactly: number) else { throw .integerOverflow }
            return .int(signed)
        case .double(let number):
            // Doubles at the bounds themselves are refused, as the reference does.
            guard number.isFinite, number > -0x1p63, number < 0x1p63 else { throw .integerOverflow }
            return .int(Int64(number))
        case .string(let text):
            guard let number = Int64(text) else { throw .syntax("ParseInt", text) }
            return .int(number)
        case .timestamp(let time): return .int(time.seconds)
        default: throw .noSuchOverload
        }
    }

    fileprivate func toUInt() throws(CELError) -> CELValue {
        switch self {
        case .uint: return self
        case .int(let number):
            guard number >= 0 else { throw .unsignedOverflow }
            return .uint(UInt64(number))
        case .double(let number):
            guard number >= 0, number < 0x1p64 else { throw .unsignedOverflow }
            return .uint(UInt64(number))
        case .string(let text):
            guard !text.hasPrefix("+"), let number = UInt64(text) else { throw .syntax("ParseUint", text) }
            return .uint(number)
        default: throw .noSuchOverload
        }
    }

    /// What `string(x)` says.
    func text() throws(CELError) -> String {
        switch self {
        case .string(let text): return text
        case .bool(let flag): return flag ? "true" : "false"
        case .int(let number): return String(number)
        case .uint(let number): return String(number)
        case .double(let number): return number.goText
        case .bytes(let bytes):
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw CELError("invalid UTF-8 in bytes, cannot convert to string")
            }
            return text
        case .timestamp(let time): return time.text
        case .duration(let nanoseconds): return Self.seconds(nanoseconds)
        case .opaque(let value as any CustomStringConvertible): return value.description
        default: throw .noSuchOverload
        }
    }

    /// Seconds with as many digits as there are: `1.5s`.
    private static func seconds(_ nanoseconds: Int64) -> String {
        let (whole, rest) = nanoseconds.magnitude.quotientAndRemainder(dividingBy: 1_000_000_000)
        var text = (nanoseconds < 0 ? "-" : "") + String(whole)
        if rest > 0 {
            let digits = String(rest)
            var fraction = String(repeating: "0", count: 9 - digits.utf8.count) + digits
            while fraction.hasSuffix("0") { fraction.removeLast() }
            text += "." + fraction
        }
        return text + "s"
    }
}

extension Double {
    /// As Go's `%g` prints it: the shortest digits, `1e+06` from a million on.
    var goText: String {
        if isNaN { return "NaN" }
        if isInfinite { return self < 0 ? "-Inf" : "+Inf" }
        if self == 0 { return sign == .minus ? "-0" : "0" }
        let (digits, exponent) = magnitude.shortestDigits
        let sign = self < 0 ? "-" : ""
        let isExtreme = exponent < -4 || exponent >= 6
        return sign + (isExtreme ? Self.scientific(digits, exponent) : Self.positional(digits, exponent))
    }

    /// The shortest digits that read back, the first one before the point, and the power of ten.
    private var shortestDigits: (digits: [UInt8], exponent: Int) {
        let text = Array("\(self)".utf8)
        let mark = text.firstIndex(of: UInt8(ascii: "e")) ?? text.count
        var exponent = Int(String(decoding: text[min(mark + 1, text.count)...], as: UTF8.self)) ?? 0
        let mantissa = text[..<mark]
        let point = mantissa.firstIndex(of: UInt8(ascii: ".")) ?? mantissa.endIndex
        var digits = mantissa.filter { $0 != UInt8(ascii: ".") }
        exponent += point - 1
        while digits.count > 1, digits.first == 48 {
            digits.removeFirst()
            exponent -= 1
        }
        while digits.count > 1, digits.last == 48 { digits.removeLast() }
        return (digits, exponent)
    }

    private static func scientific(_ digits: [UInt8], _ exponent: Int) -> String {
        var text = String(decoding: digits[..<1], as: UTF8.self)
        if digits.count > 1 { text += "." + String(decoding: digits[1...], as: UTF8.self) }
        let power = String(exponent.magnitude)
        return text + "e" + (exponent < 0 ? "-" : "+") + (power.utf8.count < 2 ? "0" : "") + power
    }

    private static func positional(_ digits: [UInt8], _ exponent: Int) -> String {
        let text = String(decoding: digits, as: UTF8.self)
        if exponent < 0 { return "0." + String(repeating: "0", count: -exponent - 1) + text }
        if digits.count <= exponent + 1 { return text + String(repeating: "0", count: exponent + 1 - digits.count) }
        return String(text.prefix(exponent + 1)) + "." + text.dropFirst(exponent + 1)
    }
}
