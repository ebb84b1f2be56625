import APIMachinery

/// Amounts of resources: CPU in thousandths of a core, everything else in its own unit.
///
/// Each amount fits 64 bits; sums of them have room for more pods than there can be, so that what was added can be taken
/// away again exactly.
struct ResourceAmounts: Hashable, Sendable {
    /// None is zero: what is not asked for cannot be short.
    private(set) var amounts: [String: Int128] = [:]

    init() {}

    /// Reads a list such as `{"cpu": "500m", "memory": "1Gi"}`. What does not parse was refused by validation.
    init(_ list: [String: String]) {
        for (name, text) in list {
            guard let quantity = try? Quantity(text) else { continue }
            self[name] = Int128(name == "cpu" ? quantity.milliValue : quantity.value)
        }
    }

    subscript(name: String) -> Int128 {
        get { amounts[name] ?? 0 }
        set { amounts[name] = newValue == 0 ? nil : newValue }
    }

    static func += (a: inout ResourceAmounts, b: ResourceAmounts) {
        for (name, amount) in b.amounts { a[name] += amount }
    }

    static func -= (a: inout ResourceAmounts, b: ResourceAmounts) {
        for (name, amount) in b.amounts { a[name] -= amount }
    }

    /// Of each resource the larger amount.
    mutating func raise(to other: ResourceAmounts) {
        for (name, amount) in other.amounts where amount > self[name] { self[name] = amount }
    }
}
