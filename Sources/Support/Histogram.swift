/// How often something took how long: counts by upper bounds, as Prometheus has them.
public struct Histogram: Sendable {
    /// Upper bounds in ascending order.
    public let bounds: [Double]
    /// By the first bound that was kept; the last count is of what kept none.
    private var counts: [Int]
    private var sum = 0.0

    public init(_ bounds: [Double]) {
        self.bounds = bounds
        counts = [Int](repeating: 0, count: bounds.count + 1)
    }

    /// How many values there were.
    public var count: Int { counts.reduce(0, +) }

    public mutating func observe(_ value: Double) {
        counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
        sum += value
    }

    /// In seconds.
    public mutating func observe(_ time: Duration) { observe(time / .seconds(1)) }

    public var isEmpty: Bool { counts.allSatisfy { $0 == 0 } }

    /// The samples of one series; the metric was begun before.
    public func write(_ name: String, _ labels: [(String, String)], to text: inout MetricText) {
        var total = 0
        for (index, count) in counts.enumerated() {
            total += count
            let bound = index < bounds.count ? MetricText.text(bounds[index]) : "+Inf"
            text.sample(name + "_bucket", labels + [("le", bound)], Double(total))
        }
        text.sample(name + "_sum", labels, sum)
        text.sample(name + "_count", labels, Double(total))
    }
}
