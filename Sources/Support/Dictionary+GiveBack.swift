extension Dictionary {
    /// Removes a value, and gives the room back that many removals have left empty: a dictionary alone keeps the size
    /// that it once had. As cheap as a removal, in the mean.
    public mutating func removeGivingBack(_ key: Key) -> Value? {
        let removed = removeValue(forKey: key)
        // One that is made anew is as large as its content. The bound keeps small dictionaries out of this.
        if capacity > 1024, count < capacity / 4 {
            self = Dictionary(uniqueKeysWithValues: map { ($0.key, $0.value) })
        }
        return removed
    }
}
