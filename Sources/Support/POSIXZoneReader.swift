/// A day that comes every year.
enum YearDay: Hashable, Sendable {
    /// `M3.5.0`: the last Sunday of March. Weeks are 1 to 5, and 5 is the last.
    case weekday(Int64, week: Int64, month: Int64)
    /// `J60`: the first of March; the 29th of February is not counted.
    case julian(Int64)
    /// `59`: the days of the year from 0 on, the 29th of February among them.
    case ordinal(Int64)

    func daysSinceEpoch(in year: Int64) -> Int64 {
        let first = CivilDate(year: year, month: 1, day: 1).daysSinceEpoch
        switch self {
        case .ordinal(let day): return first + day
        case .julian(let day):
            return first + day - 1 + (day >= 60 && CivilDate.length(ofMonth: 2, year: year) == 29 ? 1 : 0)
        case .weekday(let weekday, let week, let month):
            let start = CivilDate(year: year, month: month, day: 1).daysSinceEpoch
            let ahead = (weekday - CivilDate.weekday(daysSinceEpoch: start) + 7) % 7
            let day = ahead + (week - 1) * 7
            return start + (day < CivilDate.length(ofMonth: month, year: year) ? day : day - 7)
        }
    }
}

/// Reads the form in which POSIX writes the variable `TZ`, with hours up to a week (RFC 9636, section 3.3.1).
struct POSIXZoneReader {
    private var rest: Substring

    static func read(_ text: some StringProtocol) -> TimeZoneRule? {
        var reader = POSIXZoneReader(rest: Substring(text))
        guard let rule = reader.rule(), reader.rest.isEmpty else { return nil }
        return rule
    }

    private mutating func rule() -> TimeZoneRule? {
        guard name(), let west = time() else { return nil }
        guard !rest.isEmpty else { return TimeZoneRule(standard: -west, daylight: nil) }
        guard name() else { return nil }
        // An hour ahead of standard time, unless it says otherwise.
        var offset = 3600 - west
        if rest.first != "," {
            guard let west = time() else { return nil }
            offset = -west
        }
        guard let start = change(), let end = change() else { return nil }
        return TimeZoneRule(standard: -west, daylight: .init(offset: offset, start: start, end: end))
    }

    /// `CET` or `<+0330>`.
    private mutating func name() -> Bool {
        if rest.first == "<" {
            guard let end = rest.firstIndex(of: ">") else { return false }
            rest = rest[end...].dropFirst()
            return true
        }
        let letters = rest.prefix { $0.isASCII && $0.isLetter }
        rest = rest.dropFirst(letters.count)
        return letters.count >= 3
    }

    private mutating func skip(_ character: Character) -> Bool {
        guard rest.first == character else { return false }
        rest.removeFirst()
        return true
    }

    private mutating func number(_ range: ClosedRange<Int64>) -> Int64? {
        let digits = rest.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int64(digits), range.contains(number) else { return nil }
        rest = rest.dropFirst(digits.count)
        return number
    }

    /// `-5:45:30`, in seconds.
    private mutating func time() -> Int64? {
        let sign: Int64 = skip("-") ? -1 : 1
        if sign > 0 { _ = skip("+") }
        guard var seconds = number(0...167).map({ $0 * 3600 }) else { return nil }
        for unit: Int64 in [60, 1] where skip(":") {
            guard let part = number(0...59) else { return nil }
            seconds += part * unit
        }
        return sign * seconds
    }

    /// `,M3.5.0/3`
    private mutating func change() -> TimeZoneRule.Change? {
        guard skip(","), let day = day() else { return nil }
        guard skip("/") else { return TimeZoneRule.Change(day: day, time: 7200) }
        return time().map { TimeZoneRule.Change(day: day, time: $0) }
    }

    private mutating func day() -> YearDay? {
        if skip("J") { return number(1...365).map { .julian($0) } }
        guard skip("M") else { return number(0...365).map { .ordinal($0) } }
        guard let month = number(1...12), skip("."), let week = number(1...5), skip("."), let weekday = number(0...6)
        else { return nil }
        return .weekday(weekday, week: week, month: month)
    }
}
