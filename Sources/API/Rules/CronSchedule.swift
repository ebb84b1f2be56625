import APIMachinery

/// When something is due, in the five fields of cron: minute, hour, day of the month, month, day of the week.
///
/// Fields are lists of numbers, ranges and steps (`*/15`, `1-5`, `MON-FRI`, `0,30`); months and days have names. Beside
/// them there are words for common times (`@daily`), and `@every 1h30m`. The messages are those that people meet today.
public struct CronSchedule: Hashable, Sendable {
    /// Why a text is no schedule.
    public struct Problem: Error, Hashable, Sendable {
        public var text: String
    }

    /// A bit for each minute, hour, ... that is meant.
    public private(set) var minutes: UInt64 = 0
    public private(set) var hours: UInt64 = 0
    public private(set) var daysOfMonth: UInt64 = 0
    public private(set) var months: UInt64 = 0
    public private(set) var daysOfWeek: UInt64 = 0
    /// Whether the field of days is a star: then the other field of days alone decides.
    public private(set) var isAnyDayOfMonth = false
    public private(set) var isAnyDayOfWeek = false
    /// The distance of `@every`, whole seconds; the fields are empty then.
    public private(set) var interval: Duration?

    /// Reads a schedule. A time zone before it (`TZ=Europe/Rome`) is passed over.
    public init(_ text: String) throws(Problem) {
        var words = text.split(whereSeparator: \.isWhitespace).map(String.init)
        guard !text.isEmpty else { throw Problem(text: "empty spec string") }
        if let zone = words.first, zone.hasPrefix("TZ=") || zone.hasPrefix("CRON_TZ=") { words.removeFirst() }
        if let word = words.first, word.hasPrefix("@") {
            try readWord(words.joined(separator: " "))
            return
        }
        guard words.count == 5 else {
            let list = words.map { $0 }.joined(separator: " ")
            throw Problem(text: "expected exactly 5 fields, found \(words.count): [\(list)]")
        }
        (minutes, _) = try Self.field(words[0], 0...59)
        (hours, _) = try Self.field(words[1], 0...23)
        (daysOfMonth, isAnyDayOfMonth) = try Self.field(words[2], 1...31)
        (months, _) = try Self.field(words[3], 1...12, Self.monthNames)
        (daysOfWeek, isAnyDayOfWeek) = try Self.field(words[4], 0...6, Self.dayNames)
    }

    private mutating func readWord(_ text: String) throws(Problem) {
        switch text {
        case "@yearly", "@annually": self = try CronSchedule("0 0 1 1 *")
        case "@monthly": self = try CronSchedule("0 0 1 * *")
        case "@weekly": self = try CronSchedule("0 0 * * 0")
        case "@daily", "@midnight": self = try CronSchedule("0 0 * * *")
        case "@hourly": self = try CronSchedule("0 * * * *")
        default:
            guard text.hasPrefix("@every ") else { throw Problem(text: "unrecognized descriptor: \(text)") }
            guard let distance = try? GoDuration.parse(String(text.dropFirst("@every ".count))) else {
                throw Problem(text: "failed to parse duration \(text)")
            }
            interval = .seconds(max(1, distance.components.seconds))
        }
    }

    private static let monthNames = [
        "jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "oct": 10,
        "nov": 11, "dec": 12,
    ]
    private static let dayNames = ["sun": 0, "mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6]

    // MARK: - Fields

    private static func field(
        _ text: String, _ range: ClosedRange<Int>, _ names: [String: Int] = [:]
    ) throws(Problem) -> (bits: UInt64, isStar: Bool) {
        var (bits, isStar): (UInt64, Bool) = (0, false)
        for part in text.split(separator: ",") {
            let (some, star) = try element(String(part), range, names)
            bits |= some
            isStar = isStar || star
        }
        return (bits, isStar)
    }

    /// `number`, `number-number`, `*`, each with `/step`.
    private static func element(
        _ text: String, _ range: ClosedRange<Int>, _ names: [String: Int]
    ) throws(Problem) -> (UInt64, Bool) {
        let halves = text.split(separator: "/", omittingEmptySubsequences: false)
        let ends = halves[0].split(separator: "-", omittingEmptySubsequences: false)
        var (start, end, step, isStar) = (range.lowerBound, range.upperBound, 1, false)
        if ends[0] == "*" || ends[0] == "?" {
            isStar = true
        } else {
            start = try number(ends[0], names)
            switch ends.count {
            case 1: end = start
            case 2: end = try number(ends[1], names)
            default: throw Problem(text: "too many hyphens: \(text)")
            }
        }
        switch halves.count {
        case 1: break
        case 2:
            step = try number(halves[1], [:])
            if ends.count == 1, !isStar { end = range.upperBound }
            if step > 1 { isStar = false }
        default: throw Problem(text: "too many slashes: \(text)")
        }
        if start < range.lowerBound {
            throw Problem(text: "beginning of range (\(start)) below minimum (\(range.lowerBound)): \(text)")
        }
        if end > range.upperBound {
            throw Problem(text: "end of range (\(end)) above maximum (\(range.upperBound)): \(text)")
        }
        if start > end { throw Problem(text: "beginning of range (\(start)) beyond end of range (\(end)): \(text)") }
        if step == 0 { throw Problem(text: "step of range should be a positive number: \(text)") }
        let meant = stride(from: start, through: end, by: min(step, range.upperBound + 1))
        return (meant.reduce(0) { $0 | 1 << UInt64($1) }, isStar)
    }

    private static func number(_ text: Substring, _ names: [String: Int]) throws(Problem) -> Int {
        if let named = names[text.lowercased()] { return named }
        guard let number = Int(text) else {
            throw Problem(text: "failed to parse int from \(text): strconv.Atoi: parsing \"\(text)\": invalid syntax")
        }
        guard number >= 0 else { throw Problem(text: "negative number (\(number)) not allowed: \(text)") }
        return number
    }
}
