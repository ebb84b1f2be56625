/// The seeds of one of several processes: every so many'th, until the time is over.
struct Share: Sequence, IteratorProtocol {
    private var following: UInt64
    private let last: UInt64
    private let step: UInt64
    private let end: ContinuousClock.Instant?

    /// `seconds` is how long; then there are as many seeds as can be lived.
    init(of seeds: ClosedRange<UInt64>, number: Int, outOf count: Int, seconds: Int?) {
        following = seeds.lowerBound + UInt64(number)
        last = seconds == nil ? seeds.upperBound : .max >> 1
        step = UInt64(count)
        end = seconds.map { .now + .seconds($0) }
    }

    mutating func next() -> UInt64? {
        guard following <= last, end.map({ .now < $0 }) ?? true else { return nil }
        defer { following += step }
        return following
    }
}
