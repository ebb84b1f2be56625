/// Why a text is no quantity, in Kubernetes' words.
public enum QuantityError: Error, Hashable, Sendable, CustomStringConvertible {
    case wrongFormat
    case wrongNumber
    case wrongSuffix

    public var description: String {
        switch self {
        case .wrongFormat:
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
        case .wrongNumber: "unable to parse numeric part of quantity"
        case .wrongSuffix: "unable to parse quantity's suffix"
        }
    }
}

extension Quantity {
    /// Reads the text form: a sign, digits with an optional dot, a suffix.
    public init(_ text: String) throws(QuantityError) {
        guard !text.isEmpty else { throw .wrongFormat }
        let parts = try QuantityParts(text)
        guard let suffix = QuantitySuffix(parts.suffix) else { throw .wrongSuffix }
        let digits = parts.whole + parts.fraction
        var number = DecimalNumber(digits: digits, exponent: -parts.fraction.count)
        var format = suffix.format
        switch format {
        case .decimalSI, .decimalExponent: number = number.scaled(byPowerOfTen: suffix.exponent)
        case .binarySI:
            number = number.shifted(left: suffix.exponent) ?? DecimalNumber(Int128(Int64.max))
            number = number.rounded(toExponent: Self.finestExponent)
            // Binary amounts end at 64 bits.
            let greatest = DecimalNumber(Int128(Int64.max))
            if DecimalNumber.isLess(greatest, than: number) { number = greatest }
            if number.exponent < 0, DecimalNumber.isLess(number, than: DecimalNumber(1)) {
                format = .decimalSI
            }
        }
        number = number.rounded(toExponent: Self.finestExponent)
        // A power of ten that no suffix can state could be written, and not be read again.
        guard number.exponent <= Self.greatestExponent else { throw .wrongSuffix }
        if parts.isNegative { number = -number }
        let isKept = Self.isKept(parts, suffix, digits: digits)
        self.init(number: number, format: format, spelling: isKept || text == "0" ? text : nil)
    }

    /// A nano.
    private static let finestExponent = -9
    private static let greatestExponent = Int(Int32.max)

    /// Whether the server repeats such a text instead of making it canonical. It does so by a quick test of the last
    /// digits, which also lets some texts pass that are not canonical (`1.500`, `+5`).
    private static func isKept(_ parts: QuantityParts, _ suffix: QuantitySuffix, digits: [UInt8]) -> Bool {
        let scale = suffix.exponent - parts.fraction.count
        switch suffix.format {
        case .binarySI:
            guard parts.fraction.isEmpty, digits.count <= 15 - suffix.exponent * 3 / 10 - 1 else {
                return false
            }
            return digits.suffix(3).reduce(0) { $0 * 10 + Int($1 - 48) } % 8 != 0
        case .decimalSI, .decimalExponent:
            guard digits.count <= 18, scale >= finestExponent, scale % 3 == 0 else { return false }
            return digits.first != 48 && !digits.suffix(3).elementsEqual("000".utf8)
        }
    }
}

/// A quantity's text, cut where the grammar cuts it.
private struct QuantityParts {
    var isNegative = false
    /// Digits without leading zeros, but at least one.
    var whole: [UInt8] = []
    var fraction: [UInt8] = []
    var suffix: [UInt8] = []

    init(_ text: String) throws(QuantityError) {
        var rest = Array(text.utf8)[...]
        if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") {
            isNegative = rest.removeFirst() == UInt8(ascii: "-")
        }
        rest = rest.drop { $0 == 48 }
        whole = Array(rest.prefix(while: ByteSet.digits.contains))
        rest = rest.dropFirst(whole.count)
        if whole.isEmpty { whole = [48] }
        if rest.first == UInt8(ascii: ".") {
            fraction = Array(rest.dropFirst().prefix(while: ByteSet.digits.contains))
            rest = rest.dropFirst(1 + fraction.count)
        }
        suffix = Array(rest)
        rest = rest.drop(while: Self.suffixLetters.contains)
        if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
        rest = rest.drop(while: ByteSet.digits.contains)
        guard rest.isEmpty else { throw .wrongFormat }
    }

    private static let suffixLetters = ByteSet(and: "eEinumkKMGTP")
}

/// The power of ten or two that a suffix stands for.
struct QuantitySuffix {
    var format: Quantity.Format
    var exponent: Int

    init?(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        if let index = Self.decimal.firstIndex(of: text) {
            (format, exponent) = (.decimalSI, index * 3 - 9)
        } else if let index = Self.binary.firstIndex(of: text), index > 0 {
            (format, exponent) = (.binarySI, index * 10)
        } else if let first = bytes.first, first == UInt8(ascii: "e") || first == UInt8(ascii: "E"),
            let power = Int32(text.dropFirst(), radix: 10)
        {
            (format, exponent) = (.decimalExponent, Int(power))
        } else {
            return nil
        }
    }

    /// From 10^-9 on, a step of 10^3 each.
    static let decimal = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"]
    /// From 2^0 on, a step of 2^10 each.
    static let binary = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]
}

extension Quantity {
    /// The canonical text, whatever was read.
    public var canonical: String {
        guard !isZero else { return "0" }
        if format == .binarySI, number.isWhole, let text = binaryText { return text }
        var (mantissa, exponent) = (number.mantissa, number.exponent)
        while exponent % 3 != 0 {
            let (product, overflow) = mantissa.multipliedReportingOverflow(by: 10)
            if overflow { break }
            (mantissa, exponent) = (product, exponent - 1)
        }
        let index = exponent / 3 + 3
        if format != .decimalExponent, exponent % 3 == 0, QuantitySuffix.decimal.indices.contains(index) {
            return "\(mantissa)\(QuantitySuffix.decimal[index])"
        }
        return exponent == 0 ? "\(mantissa)" : "\(mantissa)e\(exponent)"
    }

    /// `nil` for amounts below 1Ki, which are written in decimal.
    private var binaryText: String? {
        var mantissa = number.mantissa(at: 0)
        guard mantissa.magnitude >= 1024 else { return nil }
        var index = 0
        while mantissa % 1024 == 0, index < QuantitySuffix.binary.count - 1 {
            (mantissa, index) = (mantissa / 1024, index + 1)
        }
        return "\(mantissa)\(QuantitySuffix.binary[index])"
    }
}
