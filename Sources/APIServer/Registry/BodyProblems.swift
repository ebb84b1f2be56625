import APIMachinery

/// What the text of a body says wrongly of its fields (KEP-2885).
struct BodyProblems: Sendable {
    /// How many are told at most, as in Kubernetes.
    private static let limit = 100

    /// What reading the text found, in the words of the decoder: fields that are given twice.
    var found: [String] = []
    /// The text, if it is the JSON of a whole object; empty if it is another one.
    var json: [UInt8] = []

    /// All that is wrong, when decoding finds also that `unknown` are paths of fields that the type does not know.
    ///
    /// An object of a type that Go knows is decoded from its text, so that the order is that of the text, and nothing
    /// is said of what is inside of an unknown field. Others are read without a type first: what is given twice comes
    /// before what is unknown, and a field may be both. A text is only read again if something is wrong with it.
    func all(unknown: [String], as type: TypeSchema? = nil) -> [String] {
        guard !(found.isEmpty && unknown.isEmpty) else { return [] }
        if let type, !json.isEmpty { return FieldProblem.all(inJSON: json, as: type).map(\.description) }
        return Array((found + unknown.map { FieldProblem.unknown($0).description }).prefix(Self.limit))
    }
}
