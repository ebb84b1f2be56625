/// Picks objects by a few fields: `metadata.name=x,spec.nodeName!=y`. All terms must hold.
///
/// In values `\`, `,` and `=` are escaped by a backslash. Which fields a kind knows is for the caller to check
/// (``fields``).
public struct FieldSelector: Hashable, Sendable, CustomStringConvertible {
    public struct Term: Hashable, Sendable, CustomStringConvertible {
        public var field: String
        /// Whether the field must differ from the value.
        public var isNegated: Bool
        public var value: String

        public init(field: String, isNegated: Bool = false, value: String) {
            self.field = field
            self.isNegated = isNegated
            self.value = value
        }

        public var description: String { field + (isNegated ? "!=" : "=") + FieldSelector.escaped(value) }
    }

    public var terms: [Term]

    public init(_ terms: [Term] = []) { self.terms = terms }

    public static let everything = FieldSelector()

    /// Reads the text form. Empty text matches everything.
    public init(_ text: String) throws(SelectorError) {
        let parts = Self.parts(of: text).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        terms = []
        for part in parts where !part.isEmpty {
            guard let (field, symbol, value) = Self.split(part) else {
                throw SelectorError("invalid selector: '\(text)'; can't understand '\(part)'")
            }
            terms.append(Term(field: field, isNegated: symbol == "!=", value: try Self.unescaped(value)))
        }
    }

    public var matchesEverything: Bool { terms.isEmpty }

    /// The fields that the terms name.
    public var fields: [String] { terms.map(\.field) }

    /// The value that `field` must have, when the selector pins it to one.
    public func exactValue(of field: String) -> String? {
        terms.first { $0.field == field && !$0.isNegated }?.value
    }

    /// Whether an object is picked whose fields `lookup` answers; a field that it lacks is the empty text.
    public func matches(_ lookup: (String) -> String?) -> Bool {
        terms.allSatisfy { (lookup($0.field) ?? "") == $0.value ? !$0.isNegated : $0.isNegated }
    }

    /// The text form that reads back as the same terms.
    public var description: String { terms.map(\.description).joined(separator: ",") }

    /// `value` with a backslash before each backslash, comma and equals sign.
    public static func escaped(_ value: String) -> String {
        guard value.utf8.contains(where: special.contains) else { return value }
        var bytes: [UInt8] = []
        for byte in value.utf8 {
            if special.contains(byte) { bytes.append(UInt8(ascii: "\\")) }
            bytes.append(byte)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    // MARK: - Reading

    private static let special = ByteSet(and: "\\,=")

    /// The terms: cut at each comma that is not escaped.
    private static func parts(of text: String) -> [String] {
        var parts: [[UInt8]] = [[]]
        var isEscaped = false
        for byte in text.utf8 {
            if byte == UInt8(ascii: ","), !isEscaped {
                parts.append([])
                continue
            }
            isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
            parts[parts.count - 1].append(byte)
        }
        return parts.map { String(decoding: $0, as: UTF8.self) }
    }

    /// The first operator cuts a term in two.
    private static func split(_ term: String) -> (field: String, symbol: String, value: String)? {
        for position in term.utf8.indices {
            for symbol in ["!=", "==", "="] where term.utf8[position...].starts(with: symbol.utf8) {
                let value = term.utf8.index(position, offsetBy: symbol.utf8.count)
                return (String(term[..<position]), symbol, String(term[value...]))
            }
        }
        return nil
    }

    private static func unescaped(_ text: String) throws(SelectorError) -> String {
        var result = String.UnicodeScalarView()
        var isEscaped = false
        for scalar in text.unicodeScalars {
            let isSpecial = scalar == "\\" || scalar == "," || scalar == "="
            switch (isEscaped, isSpecial) {
            case (true, false):
                throw SelectorError("invalid field selector: invalid escape sequence: \\\(Character(scalar))")
            case (false, true) where scalar != "\\":
                throw SelectorError("invalid field selector: unescaped character in value: \(scalar.value)")
            case (false, true): isEscaped = true
            default:
                result.append(scalar)
                isEscaped = false
            }
        }
        if isEscaped { throw SelectorError("invalid field selector: invalid escape sequence: \\") }
        return String(result)
    }
}
