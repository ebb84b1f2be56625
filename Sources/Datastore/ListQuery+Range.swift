extension ListQuery {
    /// Where the page begins: at the prefix, or after the last key of the page before.
    var start: (key: String, isInclusive: Bool) {
        if let after, KeyOrder.compare(after, prefix) >= 0 { return (after, false) }
        return (prefix, true)
    }
}
