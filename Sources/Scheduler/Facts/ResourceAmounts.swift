import API
import APIMachinery

/// Amounts of resources: CPU in thousandths of a core, everything else in its own unit.
///
/// Each amount fits 64 bits; sums of them have room for more pods than there can be, so that what was added can be taken
/// away again exactly. The three that nearly every pod and node name have fields of their own: comparing them is most of
/// what a decision does.
struct ResourceAmounts: Hashable, Sendable {
    var cpu: Int128 = 0
    var memory: Int128 = 0
    var storage: Int128 = 0
    /// None is zero: what is not asked for cannot be short.
    private(set) var others: [String: Int128] = [:]

    init() {}

    /// Reads a list such as `{"cpu": "500m", "memory": "1Gi"}`. What does not parse was refused by validation.
    init(_ list: [String: String]) {
        for (name, text) in list {
            guard let quantity = try? Quantity(text) else { continue }
            set(name, quantity)
        }
    }

    init(_ amounts: PodResources.Amounts) {
        for (name, quantity) in amounts { set(name, quantity) }
    }

    private mutating func set(_ name: String, _ quantity: Quantity) {
        self[name] = Int128(name == "cpu" ? quantity.milliValue : quantity.value)
    }

    subscript(name: String) -> Int128 {
        get {
            switch name {
            case "cpu": cpu
            case "memory": memory
            case "ephemeral-storage": storage
            default: others[name] ?? 0
            }
        }
        set {
            switch name {
            case "cpu": cpu = newValue
            case "memory": memory = newValue
            case "ephemeral-storage": storage = newValue
            default: others[name] = newValue == 0 ? nil : newValue
            }
        }
    }

    /// The names of what is not zero, in order.
    var names: [String] {
        var names = others.keys.sorted()
        if storage != 0 { names.append("ephemeral-storage") }
        if memory != 0 { names.append("memory") }
        if cpu != 0 { names.append("cpu") }
        return names.sorted()
    }

    static func += (a: inout ResourceAmounts, b: ResourceAmounts) {
        a.cpu += b.cpu
        a.memory += b.memory
        a.storage += b.storage
        for (name, amount) in b.others { a[name] += amount }
    }

    static func -= (a: inout ResourceAmounts, b: ResourceAmounts) {
        a.cpu -= b.cpu
        a.memory -= b.memory
        a.storage -= b.storage
        for (name, amount) in b.others { a[name] -= amount }
    }

    /// Whether any amount is smaller than that of `other`.
    func isBelow(_ other: ResourceAmounts) -> Bool {
        cpu < other.cpu || memory < other.memory || storage < other.storage
            || other.others.contains { self[$0.key] < $0.value }
    }
}

/// Conversions that cost nothing for the amounts that there are: those of the standard library take hundreds of steps.
extension Int128 {
    /// The nearest floating-point number.
    var approximate: Double {
        let small = Int64(truncatingIfNeeded: self)
        return Int128(small) == self ? Double(small) : Double(self)
    }

    /// This part of `total` in hundredths, rounded down; `total` is positive.
    func percent(of total: Int128) -> Int {
        let (part, whole) = (Int64(truncatingIfNeeded: self), Int64(truncatingIfNeeded: total))
        if Int128(part) == self, Int128(whole) == total {
            let (product, overflow) = part.multipliedReportingOverflow(by: 100)
            if !overflow { return Int(product / whole) }
        }
        return Int(clamping: self * 100 / total)
    }
}
