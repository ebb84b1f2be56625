extension Toleration {
    /// Whether this covers a taint (API, "Toleration"): an empty key with `Exists` covers all keys, an empty
    /// effect all effects.
    public func tolerates(key taintKey: String, value taintValue: String, effect taintEffect: String) -> Bool
    {
        guard effect.isEmpty || effect == taintEffect else { return false }
        guard key == taintKey || (key.isEmpty && self.operator == "Exists") else { return false }
        return self.operator == "Exists" || valueText == taintValue
    }

    public func tolerates(_ taint: Taint) -> Bool {
        tolerates(key: taint.key, value: taint.valueText, effect: taint.effect)
    }
}
