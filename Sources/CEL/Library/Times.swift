import APIMachinery
import Support

extension CELLibrary {
    /// Moments and spans. Parts of a moment are those in UTC, or in the time zone that is given.
    static let times: [CELFunction] = [
        CELFunction("timestamp", "(timestamp) timestamp", "(string) timestamp", "(int) timestamp") {
            arguments throws(CELError) in
            switch arguments[0] {
            case .timestamp: return arguments[0]
            case .string(let text):
                guard let time = Timestamp(text), Timestamp.expressibleSeconds.contains(time.seconds) else {
                    throw CELError(
                        "parsing time \(GoText.quoted(text)) as \"2006-01-02T15:04:05Z07:00\": cannot parse it")
                }
                return .timestamp(time)
            case .int(let seconds):
                guard Timestamp.expressibleSeconds.contains(seconds) else { throw CELError("timestamp overflow") }
                return .timestamp(Timestamp(seconds: seconds))
            default: throw .noSuchOverload
            }
        },
        CELFunction("duration", "(duration) duration", "(string) duration", "(int) duration") {
            arguments throws(CELError) in
            switch arguments[0] {
            case .duration: return arguments[0]
            case .int(let seconds):
                let (nanoseconds, isOver) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
                guard !isOver else { throw CELError("duration overflow") }
                return .duration(nanoseconds)
            case .string(let text):
                do throws(GoDuration.ParseError) {
                    return .duration(try GoDuration.nanoseconds(text))
                } catch {
                    throw CELError(error.description)
                }
            default: throw .noSuchOverload
            }
        },
        part("getFullYear") { $0.year },
        part("getMonth") { $0.month - 1 },
        part("getDate") { $0.day },
        part("getDayOfMonth") { $0.day - 1 },
        part("getDayOfWeek") { $0.weekday },
        part("getDayOfYear") { $0.dayOfYear },
        part("getHours", ofSpan: 3_600_000_000_000) { $0.secondOfDay / 3600 },
        part("getMinutes", ofSpan: 60_000_000_000) { $0.secondOfDay / 60 % 60 },
        part("getSeconds", ofSpan: 1_000_000_000) { $0.secondOfDay % 60 },
        part("getMilliseconds", ofSpan: 1_000_000) { $0.nanoseconds / 1_000_000 },
    ]

    /// A part of a moment; of a span, how often `unit` goes into it.
    private static func part(
        _ name: String, ofSpan unit: Int64? = nil, _ read: @escaping @Sendable (LocalTime) -> Int64
    ) -> CELFunction {
        let body: CELFunction.Body = { arguments throws(CELError) in
            switch arguments[0] {
            case .duration(let nanoseconds):
                guard let unit, arguments.count == 1 else { throw .noSuchOverload }
                return .int(nanoseconds / unit)
            case .timestamp(let time):
                guard arguments.count > 1 else { return .int(read(LocalTime(time, offset: 0))) }
                guard case .string(let zone) = arguments[1] else { throw .noSuchOverload }
                guard let offset = TimeZone.offset(of: zone, at: time) else {
                    throw CELError("unknown time zone \(zone)")
                }
                return .int(read(LocalTime(time, offset: offset)))
            default: throw .noSuchOverload
            }
        }
        guard unit != nil else {
            return CELFunction(name, "timestamp.() int", "timestamp.(string) int", body: body)
        }
        return CELFunction(name, "timestamp.() int", "timestamp.(string) int", "duration.() int", body: body)
    }
}

/// A moment as a calendar and a clock of some place show it.
private struct LocalTime {
    let year: Int64
    let month: Int64
    let day: Int64
    /// Sunday is 0.
    let weekday: Int64
    /// The first of January is 0.
    let dayOfYear: Int64
    let secondOfDay: Int64
    let nanoseconds: Int64

    init(_ time: Timestamp, offset: Int64) {
        let seconds = time.seconds + offset
        var days = seconds / 86_400
        if seconds % 86_400 < 0 { days -= 1 }
        secondOfDay = seconds - days * 86_400
        nanoseconds = Int64(time.nanoseconds)
        weekday = ((days + 4) % 7 + 7) % 7
        // The proleptic Gregorian calendar, in years that begin in March (H. Hinnant's "civil from days").
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let fromMarch = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * fromMarch + 2) / 153
        day = fromMarch - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        dayOfYear = month <= 2 ? fromMarch - 306 : fromMarch + 59 + (isLeap ? 1 : 0)
    }
}

extension Timestamp {
    /// The years 1 to 9999.
    static let expressibleSeconds: ClosedRange<Int64> = -62_135_596_800...253_402_300_799

    /// RFC 3339 with as many digits of a second as there are.
    var text: String {
        guard nanoseconds != 0 else { return description }
        var text = format(fractionDigits: 9).dropLast()
        while text.hasSuffix("0") { text.removeLast() }
        return text + "Z"
    }
}
