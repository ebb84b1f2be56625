/// A word of the language.
struct Token: Sendable {
    enum Kind: Hashable, Sendable {
        case identifier
        /// Operators, brackets, and the words `in`, `true`, `false`, `null`.
        case symbol
        case int, uint, double, string, bytes
        case end
    }

    let kind: Kind
    /// As it is written, without the quotes' meaning.
    let text: String
    let offset: Int
    /// What a string or bytes literal means.
    var content: [UInt8] = []
}
