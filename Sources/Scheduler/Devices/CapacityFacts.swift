import APIMachinery

/// One of the amounts that a device has, and in what portions it is given away when several claims share the device
/// (KEP-5075).
struct CapacityFacts: Hashable, Sendable {
    private struct Range: Hashable, Sendable {
        var min: Quantity
        var max: Quantity?
        var step: Quantity?
    }

    let amount: Quantity
    /// What a claim gets that does not say how much it wants; `nil` for all of it.
    private let fallback: Quantity?
    private let portions: [Quantity]
    private let range: Range?

    /// Reads `DeviceCapacity`.
    init(_ value: Value) {
        amount = Self.quantity(value["value"]) ?? .zero
        let policy = value["requestPolicy"]
        fallback = Self.quantity(policy?["default"])
        portions = (policy?["validValues"]?.array ?? []).compactMap(Self.quantity)
        range = policy?["validRange"].flatMap { range in
            Self.quantity(range["min"]).map {
                Range(min: $0, max: Self.quantity(range["max"]), step: Self.quantity(range["step"]))
            }
        }
    }

    /// How much is taken by who wants so much, rounded up to a portion; `nil` when no portion is large enough.
    func portion(for wanted: Quantity?) -> Quantity? {
        guard let wanted else { return fallback ?? amount }
        if let range {
            let portion = range.min > wanted ? range.min : rounded(wanted, range)
            return range.max.map { portion > $0 } ?? false ? nil : portion
        }
        return portions.isEmpty ? wanted : portions.filter { $0 >= wanted }.min()
    }

    private func rounded(_ wanted: Quantity, _ range: Range) -> Quantity {
        guard let step = range.step, step.value > 0 else { return wanted }
        let (least, size) = (Int128(range.min.value), Int128(step.value))
        let steps = (Int128(wanted.value) - least + size - 1) / size
        return Quantity(Int64(clamping: least + steps * size), wanted.format)
    }

    /// What does not parse was refused by validation.
    private static func quantity(_ value: Value?) -> Quantity? { value?.string.flatMap { try? Quantity($0) } }

    /// A map of amounts.
    static func quantities(_ value: Value?) -> [String: Quantity] {
        (value?.fields ?? Fields()).reduce(into: [:]) { $0[$1.key] = quantity($1.value) }
    }
}
