/// An amount of a resource: `500m` of a processor, `1536Mi` of memory.
///
/// An exact decimal number and the family of suffixes it was written with. The canonical text has no fraction, loses
/// nothing, and has the largest suffix that allows both (`1.5Gi` becomes `1536Mi`, `0.1` becomes `100m`). Nothing finer
/// than a nano is kept: smaller amounts are rounded up, since whoever asks for some should get some.
public struct Quantity: Sendable, CustomStringConvertible {
    /// The family of suffixes of the text form.
    public enum Format: Hashable, Sendable {
        /// `12M`: 12 * 1000 * 1000.
        case decimalSI
        /// `12Mi`: 12 * 1024 * 1024.
        case binarySI
        /// `12e6`.
        case decimalExponent
    }

    public var format: Format
    var number: DecimalNumber
    /// The text that was read, when it is as good as canonical; the server then repeats it.
    var spelling: String?

    init(number: DecimalNumber, format: Format, spelling: String? = nil) {
        self.number = number
        self.format = format
        self.spelling = spelling
    }

    /// A whole number.
    public init(_ value: Int64, _ format: Format = .decimalSI) {
        self.init(number: DecimalNumber(Int128(value)), format: format)
    }

    /// A number of thousandths, as processors are counted.
    public init(milli value: Int64, _ format: Format = .decimalSI) {
        self.init(number: DecimalNumber(Int128(value), exponent: -3), format: format)
    }

    public static let zero = Quantity(0)

    public var isZero: Bool { number.isZero }

    /// -1, 0 or 1.
    public var sign: Int { Int(number.mantissa.signum()) }

    /// In whole units, rounded away from zero; amounts beyond 64 bits give the greatest or least number.
    public var value: Int64 { number.integer(at: 0) }

    /// In thousandths, rounded away from zero; amounts beyond 64 bits give the greatest or least number.
    public var milliValue: Int64 { number.integer(at: -3) }

    /// The nearest floating-point number.
    public var double: Double {
        // The parser rounds once; a product of powers would round twice.
        Double("\(number.mantissa)e\(number.exponent)") ?? 0
    }

    /// The canonical text. Text that was read in a form as good as canonical is repeated as it was.
    public var description: String { spelling ?? canonical }
}

// MARK: - Arithmetic

extension Quantity: Comparable, Hashable {
    /// Equal amounts are equal, whatever their format.
    public static func == (a: Quantity, b: Quantity) -> Bool { a.number == b.number }
    public static func < (a: Quantity, b: Quantity) -> Bool { DecimalNumber.isLess(a.number, than: b.number) }
    public func hash(into hasher: inout Hasher) { hasher.combine(number) }

    /// The sum, in the format of the first that is not zero.
    public static func + (a: Quantity, b: Quantity) -> Quantity {
        Quantity(number: a.number + b.number, format: a.isZero ? b.format : a.format)
    }

    public static func - (a: Quantity, b: Quantity) -> Quantity {
        Quantity(number: a.number + -b.number, format: a.isZero ? b.format : a.format)
    }

    public static prefix func - (quantity: Quantity) -> Quantity {
        Quantity(number: -quantity.number, format: quantity.format)
    }

    public static func += (a: inout Quantity, b: Quantity) { a = a + b }
    public static func -= (a: inout Quantity, b: Quantity) { a = a - b }
}

extension Quantity {
    /// Reads the JSON form: a string, or a number as people write it.
    public init(json value: Value) throws(QuantityError) {
        switch value {
        case .string(let text): self = try Quantity(text.trimmingSpaces)
        case .integer, .double: self = try Quantity(value.description)
        case .null: self = .zero
        default: throw .wrongFormat
        }
    }

    /// The JSON form.
    public var json: Value { .string(description) }
}

extension String {
    fileprivate var trimmingSpaces: String {
        guard utf8.first.map(\.isSpace) == true || utf8.last.map(\.isSpace) == true else { return self }
        let bytes = utf8.drop(while: \.isSpace).reversed().drop(while: \.isSpace).reversed()
        return String(decoding: Array(bytes), as: UTF8.self)
    }
}

extension UInt8 {
    fileprivate var isSpace: Bool { self == 0x20 || (0x09...0x0D).contains(self) }
}
