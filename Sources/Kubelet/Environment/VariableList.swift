import Support

/// Variables in the order in which their names first came.
struct VariableList {
    private(set) var all: [(name: String, value: String)] = []
    private var positions: [String: Int] = [:]
    /// The bytes of all names and values.
    private var size = 0

    subscript(name: String) -> String? { positions[name].map { all[$0].value } }

    /// Fails with `invalid` when there are more than any program could be started with.
    mutating func set(_ name: String, _ value: String) throws(Fault) {
        if let position = positions[name] {
            size += value.utf8.count - all[position].value.utf8.count
            all[position].value = value
        } else {
            size += name.utf8.count + value.utf8.count
            positions[name] = all.count
            all.append((name, value))
        }
        guard size <= VariableExpansion.mostTogether else {
            throw Fault(.invalid, "the variables of a container have more than \(VariableExpansion.mostTogether) bytes")
        }
    }
}
