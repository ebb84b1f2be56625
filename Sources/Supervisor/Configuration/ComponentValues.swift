import APIMachinery
import Support

/// The flags that were said of one of Kubernetes' programs, read as what they mean. `source` is the option of k3s that they
/// came by; faults name it.
struct ComponentValues {
    let source: String
    let values: OptionValues

    init(_ source: String, _ values: OptionValues) { (self.source, self.values) = (source, values) }

    func flag(_ name: String) -> Bool? { values.text(name).map { $0 == "true" } }

    func duration(_ name: String, isPositive: Bool = false) throws(Fault) -> Duration? {
        guard let text = values.text(name) else { return nil }
        guard let duration = try? GoDuration.parse(text), duration >= .zero else {
            throw Fault(.invalid, "\(source): \(name) \(text) is no duration, such as 1h30m")
        }
        guard !isPositive || duration > .zero else {
            throw Fault(.invalid, "\(source): \(name) must be longer than nothing")
        }
        return duration
    }

    func number(_ name: String, _ range: ClosedRange<Int>) throws(Fault) -> Int? {
        guard let text = values.text(name) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw Fault(
                .invalid, "\(source): \(name) \(text) is no number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func fraction(_ name: String, _ range: ClosedRange<Double>) throws(Fault) -> Double? {
        guard let text = values.text(name) else { return nil }
        guard let number = Double(text), range.contains(number) else {
            throw Fault(.invalid, "\(source): \(name) \(text) is no number like 0.5, from \(range.lowerBound) up")
        }
        return number
    }

    /// Refuses another value of flags that may say only what is so anyhow.
    func settle(_ flags: [(name: String, value: String)]) throws(Fault) {
        for (name, value) in flags {
            guard let given = values.text(name), given != value else { continue }
            throw Fault(.unsupported, "\(source): \(name) is always \(value) in this version")
        }
    }
}
