/// `"%d of %s".format([1, "two"])`: the verbs of the extension for strings.
struct FormattedText {
    private let pattern: [Unicode.Scalar]
    private let arguments: [CELValue]
    private var position = 0
    private var used = 0

    init(_ pattern: String, _ arguments: [CELValue]) {
        self.pattern = Array(pattern.unicodeScalars)
        self.arguments = arguments
    }

    consuming func text() throws(CELError) -> String {
        var writer = self
        return try writer.write()
    }

    private mutating func write() throws(CELError) -> String {
        var result = ""
        while position < pattern.count {
            let scalar = pattern[position]
            position += 1
            guard scalar == "%" else {
                result.unicodeScalars.append(scalar)
                continue
            }
            guard position < pattern.count else { throw CELError("unexpected end of format string") }
            if pattern[position] == "%" {
                position += 1
                result += "%"
                continue
            }
            let precision = try readPrecision()
            guard position < pattern.count else { throw CELError("unexpected end of format string") }
            let verb = pattern[position]
            position += 1
            guard used < arguments.count else { throw CELError("index \(used) out of range") }
            let argument = arguments[used]
            used += 1
            result += try Self.format(argument, verb, precision)
        }
        return result
    }

    private mutating func readPrecision() throws(CELError) -> Int? {
        guard pattern[position] == "." else { return nil }
        position += 1
        var digits = ""
        while position < pattern.count, ("0"..."9").contains(pattern[position]) {
            digits.unicodeScalars.append(pattern[position])
            position += 1
        }
        guard let precision = Int(digits), precision <= 1000 else {
            throw CELError("error while converting precision to integer")
        }
        return precision
    }

    private static func format(_ value: CELValue, _ verb: Unicode.Scalar, _ precision: Int?) throws(CELError)
        -> String
    {
        switch verb {
        case "s": return try plain(value)
        case "d": return try decimal(value)
        case "f": return try Decimals.fixed(number(value, "fixed-point"), digits: precision ?? 6)
        case "e": return try Decimals.scientific(number(value, "scientific notation"), digits: precision ?? 6)
        case "b":
            if case .bool(let flag) = value { return flag ? "1" : "0" }
            return try radix(value, 2, "binary", uppercase: false)
        case "o": return try radix(value, 8, "octal", uppercase: false)
        case "x", "X": return try hexadecimal(value, uppercase: verb == "X")
        default: throw CELError("could not parse formatting clause: unrecognized formatting clause \"\(verb)\"")
        }
    }

    private static func refuse(_ what: String, _ allowed: String, _ value: CELValue) -> CELError {
        CELError("error during formatting: \(what) clause can only be used on \(allowed), was given \(value.typeName)")
    }

    private static func plain(_ value: CELValue) throws(CELError) -> String {
        switch value {
        case .null: return "null"
        case .list(let list):
            var texts: [String] = []
            for element in list.values { texts.append(try plain(element)) }
            return "[" + texts.joined(separator: ", ") + "]"
        case .map(let map):
            var texts: [String] = []
            for key in map.keys { texts.append("\(try plain(key.value)): \(try map[key].map(plain) ?? "")") }
            return "{" + texts.sorted { $0.isBefore($1) }.joined(separator: ", ") + "}"
        case .type(let name): return name
        case .object, .optional, .opaque:
            throw refuse(
                "string", "strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps", value)
        default: return try value.text()
        }
    }

    private static func decimal(_ value: CELValue) throws(CELError) -> String {
        switch value {
        case .int, .uint: return try value.text()
        case .double(let number) where !number.isFinite: return Decimals.fixed(number, digits: 0)
        default: throw refuse("integer", "integers", value)
        }
    }

    private static func number(_ value: CELValue, _ what: String) throws(CELError) -> Double {
        switch value {
        case .double(let number): return number
        case .int(let number): return Double(number)
        case .uint(let number): return Double(number)
        default: throw refuse(what, "doubles", value)
        }
    }

    private static func radix(_ value: CELValue, _ radix: Int, _ what: String, uppercase: Bool) throws(CELError)
        -> String
    {
        switch value {
        case .int(let number): return String(number, radix: radix, uppercase: uppercase)
        case .uint(let number): return String(number, radix: radix, uppercase: uppercase)
        default: throw refuse(what, radix == 2 ? "integers and bools" : "integers", value)
        }
    }

    private static func hexadecimal(_ value: CELValue, uppercase: Bool) throws(CELError) -> String {
        let bytes: [UInt8]
        switch value {
        case .int, .uint: return try radix(value, 16, "hex", uppercase: uppercase)
        case .string(let text): bytes = Array(text.utf8)
        case .bytes(let given): bytes = given
        default: throw refuse("hex", "integers, byte buffers, and strings", value)
        }
        return bytes.map { byte in
            let digits = String(byte, radix: 16, uppercase: uppercase)
            return digits.utf8.count < 2 ? "0" + digits : digits
        }.joined()
    }
}

/// Doubles with a fixed number of digits, rounded exactly: half goes to the even digit, as C's `printf` does.
enum Decimals {
    static func fixed(_ number: Double, digits: Int) -> String {
        guard number.isFinite else { return number.isNaN ? "NaN" : number < 0 ? "-Infinity" : "Infinity" }
        let (whole, fraction) = exact(number.magnitude, fractionDigits: digits)
        let sign = number.sign == .minus ? "-" : ""
        return sign + whole + (digits > 0 ? "." + fraction : "")
    }

    static func scientific(_ number: Double, digits: Int) -> String {
        guard number.isFinite else { return number.isNaN ? "NaN" : number < 0 ? "-Infinity" : "Infinity" }
        let sign = number.sign == .minus ? "-" : ""
        guard number != 0 else {
            return sign + "0" + (digits > 0 ? "." + String(repeating: "0", count: digits) : "") + "e+00"
        }
        var all = BigDigits(number.magnitude)
        var exponent = all.exponent
        exponent += all.round(toCount: digits + 1)
        let text = String(decoding: all.digits.map { $0 + 48 }, as: UTF8.self)
        let power = String(exponent.magnitude)
        return sign + text.prefix(1) + (digits > 0 ? "." + text.dropFirst() : "") + "e"
            + (exponent < 0 ? "-" : "+") + (power.utf8.count < 2 ? "0" : "") + power
    }

    private static func exact(_ number: Double, fractionDigits: Int) -> (String, String) {
        guard number != 0 else { return ("0", String(repeating: "0", count: fractionDigits)) }
        var all = BigDigits(number)
        let kept = all.exponent + 1 + fractionDigits
        var exponent = all.exponent
        if kept < 0 { return ("0", String(repeating: "0", count: fractionDigits)) }
        exponent += all.round(toCount: kept)
        var text = String(decoding: all.digits.map { $0 + 48 }, as: UTF8.self)
        if exponent < 0 { text = String(repeating: "0", count: -exponent) + text }
        let wholeCount = max(exponent + 1, 1)
        while text.utf8.count < wholeCount + fractionDigits { text += "0" }
        return (String(text.prefix(wholeCount)), String(text.dropFirst(wholeCount).prefix(fractionDigits)))
    }
}

/// All decimal digits of a double: there are finitely many.
private struct BigDigits {
    /// The first one is not zero.
    var digits: [UInt8]
    /// The power of ten of the first digit.
    var exponent: Int

    init(_ number: Double) {
        let significand = UInt64(number.significandBitPattern) | (number.isNormal ? 1 << 52 : 0)
        let power = (number.isNormal ? Int(number.exponentBitPattern) : 1) - 1075
        var digits = String(significand).utf8.map { $0 - 48 }
        var point = digits.count
        for _ in 0..<max(0, power) { Self.double(&digits, &point) }
        for _ in 0..<max(0, -power) { Self.halve(&digits, &point) }
        let zeros = digits.prefix { $0 == 0 }.count
        self.digits = Array(digits.dropFirst(zeros))
        exponent = point - zeros - 1
    }

    private static func double(_ digits: inout [UInt8], _ point: inout Int) {
        var carry: UInt8 = 0
        for index in digits.indices.reversed() {
            let doubled = digits[index] * 2 + carry
            (digits[index], carry) = (doubled % 10, doubled / 10)
        }
        if carry > 0 {
            digits.insert(carry, at: 0)
            point += 1
        }
    }

    private static func halve(_ digits: inout [UInt8], _ point: inout Int) {
        var rest: UInt8 = 0
        for index in digits.indices {
            let value = rest * 10 + digits[index]
            (digits[index], rest) = (value / 2, value % 2)
        }
        if rest > 0 { digits.append(5) }
        if digits.first == 0 {
            digits.removeFirst()
            point -= 1
        }
    }

    /// Keeps `count` digits; 1 when rounding makes a digit more in front.
    mutating func round(toCount count: Int) -> Int {
        while digits.count < count { digits.append(0) }
        guard digits.count > count else { return 0 }
        let (next, isOdd) = (digits[count], count > 0 && digits[count - 1] % 2 == 1)
        let isHalf = next == 5 && digits[(count + 1)...].allSatisfy { $0 == 0 }
        let isUp = isHalf ? isOdd : next >= 5
        digits.removeSubrange(count...)
        guard isUp else { return 0 }
        for index in digits.indices.reversed() {
            if digits[index] < 9 {
                digits[index] += 1
                return 0
            }
            digits[index] = 0
        }
        digits.insert(1, at: 0)
        if count > 0 { digits.removeLast() }
        return 1
    }
}
