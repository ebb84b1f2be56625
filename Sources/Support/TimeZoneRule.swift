/// What the clocks of a place show: how far they are ahead of UTC, and when that changes.
///
/// Read from the form of POSIX (`CET-1CEST,M3.5.0,M10.5.0/3`, with the extensions of RFC 9636), before which changes may
/// stand that follow no rule: `<+01>-1|3600,1740276000=0,1743904800=3600` is an hour ahead, not ahead from the first
/// instant on, and ahead again from the second on; from then on the rule holds.
public struct TimeZoneRule: Hashable, Sendable {
    /// A stretch of time through which the clocks are equally far ahead of UTC. Times are seconds since 1970.
    public struct Period: Hashable, Sendable {
        /// Seconds; below zero to the west.
        public var offset: Int64
        /// `Int64.min` when it has no beginning that is known.
        public var start: Int64
        /// The first second after it; `Int64.max` when it has no end.
        public var end: Int64
    }

    struct Change: Hashable, Sendable {
        var day: YearDay
        /// Seconds after midnight by the clocks that are about to be changed; may reach into other days.
        var time: Int64
    }

    /// Summer time, or whatever else a place has besides its standard time.
    struct Daylight: Hashable, Sendable {
        var offset: Int64
        var start: Change
        var end: Change
    }

    var standard: Int64
    var daylight: Daylight?
    /// What follows no rule: from these instants on, up to the last, the clocks are so far ahead.
    private var instants: [Int64] = []
    private var offsets: [Int64] = []
    /// Before the first of them.
    private var firstOffset: Int64 = 0

    public static let utc = TimeZoneRule(standard: 0, daylight: nil)

    init(standard: Int64, daylight: Daylight?) {
        (self.standard, self.daylight) = (standard, daylight)
    }

    /// Reads a rule; `nil` when it is none.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "|", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let rule = POSIXZoneReader.read(first) else { return nil }
        self = rule
        guard parts.count == 2 else { return }
        let changes = parts[1].split(separator: ",")
        guard let offset = changes.first.flatMap({ Int64($0) }) else { return nil }
        firstOffset = offset
        for change in changes.dropFirst() {
            let numbers = change.split(separator: "=").map { Int64($0) }
            guard numbers.count == 2, let instant = numbers[0], let offset = numbers[1], instants.last ?? .min < instant
            else { return nil }
            instants.append(instant)
            offsets.append(offset)
        }
    }

    /// The stretch that an instant is in.
    public func period(at seconds: Int64) -> Period {
        guard let last = instants.last else { return regularPeriod(at: seconds) }
        guard seconds < last else {
            var period = regularPeriod(at: seconds)
            period.start = max(period.start, last)
            return period
        }
        let next = instants.firstIndex { $0 > seconds } ?? instants.count - 1
        guard next > 0 else { return Period(offset: firstOffset, start: .min, end: instants[0]) }
        return Period(offset: offsets[next - 1], start: instants[next - 1], end: instants[next])
    }

    /// The same by the rule alone.
    private func regularPeriod(at seconds: Int64) -> Period {
        guard let daylight else { return Period(offset: standard, start: .min, end: .max) }
        let (day, _) = CivilDate.dayAndSecond(seconds)
        let year = CivilDate(daysSinceEpoch: day).year
        var changes: [(instant: Int64, offset: Int64)] = []
        for year in year - 1...year + 1 {
            changes.append((daylight.start.instant(in: year, offset: standard), daylight.offset))
            changes.append((daylight.end.instant(in: year, offset: daylight.offset), standard))
        }
        changes.sort { $0.instant < $1.instant }
        let next = changes.firstIndex { $0.instant > seconds } ?? changes.count - 1
        let present = max(0, next - 1)
        return Period(
            offset: changes[present].offset, start: changes[present].instant, end: changes[next].instant)
    }
}

extension TimeZoneRule.Change {
    /// When it happens in a year, by clocks that are so far ahead of UTC.
    fileprivate func instant(in year: Int64, offset: Int64) -> Int64 {
        day.daysSinceEpoch(in: year) * 86_400 + time - offset
    }
}
