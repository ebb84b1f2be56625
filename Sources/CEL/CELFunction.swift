/// A function or an operator: what it takes, what it does, what it costs.
///
/// The same body serves all overloads, since what an argument is may be known only while evaluating. It gets the
/// receiver first, and refuses what it does not know with `no such overload`.
final class CELFunction: Sendable {
    typealias Body = @Sendable ([CELValue]) throws(CELError) -> CELValue

    let name: String
    let signatures: [Signature]
    let cost: CallCost
    let effort: Effort
    let body: Body

    init(
        _ name: String, _ signatures: String..., cost: CallCost = .one, effort: Effort = .shallow,
        body: @escaping Body
    ) {
        self.name = name
        self.signatures = signatures.map(Signature.init)
        self.cost = cost
        self.effort = effort
        self.body = body
    }
}

/// All functions that expressions of Kubernetes 1.36 may call.
enum CELLibrary {
    /// Made when the first expression is compiled.
    static let functions: [String: CELFunction] = {
        let all =
            operators + comparisons + aggregates + conversions + times + strings + listFunctions + mathFunctions
            + setFunctions + optionals + patterns + urls + quantities + addresses + formats + versions + authorization
        return Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
    }()

    /// The types that are values themselves.
    static let typeNames: Set<String> = [
        "bool", "int", "uint", "double", "string", "bytes", "list", "map", "null_type", "type", "dyn", "optional_type",
        "google.protobuf.Timestamp", "google.protobuf.Duration", "kubernetes.URL", "kubernetes.Quantity", "net.IP",
        "net.CIDR", "kubernetes.NamedFormat", "kubernetes.Semver",
    ]
}
