import APIMachinery

extension Value {
    /// A document of the facts with what `additions` has under these keys: more elements of lists, more fields of objects.
    func adding(_ additions: Value, under keys: [String]) -> Value {
        var sum = self
        for key in keys {
            if let elements = self[key]?.array {
                sum[key] = .array(elements + (additions[key]?.array ?? []))
            } else {
                for (name, value) in additions[key]?.fields ?? Fields() { sum[path: [key, name]] = value }
            }
        }
        return sum
    }
}
