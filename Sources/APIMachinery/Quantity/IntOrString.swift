/// A number or a text: ports by number or name, counts absolute or in percent.
public enum IntOrString: Hashable, Sendable, CustomStringConvertible {
    case int(Int32)
    case string(String)

    /// Why a count cannot be used, in Kubernetes' words.
    public struct ScaleError: Error, Hashable, Sendable, CustomStringConvertible {
        public var description: String
    }

    /// Reads the JSON form; `nil` when it is neither a string nor a whole number of 32 bits.
    public init?(json value: Value) {
        switch value {
        case .string(let text): self = .string(text)
        default:
            guard let number = value.integer.flatMap(Int32.init(exactly:)) else { return nil }
            self = .int(number)
        }
    }

    /// Reads text as flags and templates give it: a number when it is one.
    public init(parsing text: String) { self = Int32(text, radix: 10).map(IntOrString.int) ?? .string(text) }

    /// The JSON form.
    public var json: Value {
        switch self {
        case .int(let number): .integer(Int64(number))
        case .string(let text): .string(text)
        }
    }

    public var description: String {
        switch self {
        case .int(let number): String(number)
        case .string(let text): text
        }
    }

    /// A number as it is, a percentage of `total` rounded up or down. Percentages come from users, who may write any
    /// number: what is beyond 32 bits becomes the nearest number inside, so that sums of counts cannot overflow.
    public func scaled(of total: Int, roundingUp: Bool) throws(ScaleError) -> Int {
        switch self {
        case .int(let number): return Int(number)
        case .string(let text):
            guard text.hasSuffix("%") else {
                throw ScaleError(
                    description: "invalid value for IntOrString: invalid type: string is not a percentage")
            }
            let digits = String(text.dropLast())
            guard let percent = Int(digits, radix: 10) else {
                throw ScaleError(
                    description: "invalid value for IntOrString: invalid value \(GoText.quoted(text)): "
                        + "strconv.Atoi: parsing \(GoText.quoted(digits)): invalid syntax")
            }
            let product = Int128(percent) * Int128(total)
            let (quotient, remainder) = product.quotientAndRemainder(dividingBy: 100)
            let correction: Int128 = roundingUp ? (remainder > 0 ? 1 : 0) : (remainder < 0 ? -1 : 0)
            return Int(Int32(clamping: quotient + correction))
        }
    }
}
