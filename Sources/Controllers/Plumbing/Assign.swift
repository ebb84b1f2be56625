import APIMachinery

extension ObjectView {
    /// Sets a field only if that says something new: an absent number and 0 mean the same, and a status that
    /// means the same must not be written again.
    mutating func assign<Field: Equatable>(_ path: WritableKeyPath<Self, Field>, _ field: Field) {
        if self[keyPath: path] != field { self[keyPath: path] = field }
    }
}
