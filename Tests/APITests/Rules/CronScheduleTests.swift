import Support
import Testing

@testable import API

@Suite struct CronScheduleTests {
    @Test func `a step may be any number`() throws {
        let schedule = try CronSchedule("59/9223372036854775807 1-23/9223372036854775807 * * *")
        #expect(schedule.minutes == 1 << 59)
        #expect(schedule.hours == 1 << 1)
    }

    @Test(arguments: [
        ("*/15 * * * *", "UTC", "2026-01-01T10:07:30Z", ["2026-01-01T10:15:00Z", "2026-01-01T10:30:00Z"]),
        ("* * * * *", "UTC", "2026-01-01T10:07:00Z", ["2026-01-01T10:08:00Z", "2026-01-01T10:09:00Z"]),
        ("@hourly", "Asia/Kolkata", "2026-01-01T10:07:00Z", ["2026-01-01T10:30:00Z", "2026-01-01T11:30:00Z"]),
        ("@every 90s", "UTC", "2026-01-01T00:00:00Z", ["2026-01-01T00:01:30Z", "2026-01-01T00:03:00Z"]),
        ("@every 1500ms", "UTC", "2026-01-01T00:00:00Z", ["2026-01-01T00:00:01Z", "2026-01-01T00:00:02Z"]),
        ("0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", ["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"]),
        ("0 0 29 2 ?", "UTC", "2097-01-01T00:00:00Z", ["2104-02-29T00:00:00Z", "2108-02-29T00:00:00Z"]),
        ("0 0 31 2 *", "UTC", "2026-01-01T00:00:00Z", []),
        // Of two fields of days one is enough, unless the other is a star.
        ("0 0 13 * FRI", "UTC", "2026-11-01T00:00:00Z", ["2026-11-06T00:00:00Z", "2026-11-13T00:00:00Z", "2026-11-20T00:00:00Z"]),
        ("0 0 1-7 * */2", "UTC", "2026-11-06T00:00:00Z", ["2026-11-07T00:00:00Z", "2026-11-08T00:00:00Z", "2026-11-10T00:00:00Z"]),
        // The clocks are set forward over a weekend, and over the very time.
        ("0 9 * * MON-FRI", "Europe/Berlin", "2026-03-27T08:00:00Z", ["2026-03-30T07:00:00Z", "2026-03-31T07:00:00Z"]),
        ("30 2 * * *", "Europe/Berlin", "2026-03-28T02:00:00Z", ["2026-03-30T00:30:00Z", "2026-03-31T00:30:00Z"]),
        ("0 0 * * *", "America/Santiago", "2026-09-05T05:00:00Z", ["2026-09-07T03:00:00Z"]),
        // They are set back: the time comes twice.
        ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-26T01:30:00Z"]),
        ("0 3 * * *", "Africa/Casablanca", "2026-02-14T12:00:00Z", ["2026-02-15T03:00:00Z", "2026-02-16T03:00:00Z"]),
        ("*/30 * * * *", "Australia/Lord_Howe", "2026-04-04T14:59:00Z", ["2026-04-04T15:00:00Z", "2026-04-04T15:30:00Z"]),
    ])
    func `times come one after another`(text: String, zone: String, start: String, expected: [String]) throws {
        let schedule = try CronSchedule(text)
        let rule = try #require(TimeZones.rule(named: zone))
        var (time, times) = (try #require(Timestamp(start)), [String]())
        for _ in 0..<max(1, expected.count) {
            guard let next = schedule.next(after: time, in: rule) else { break }
            times.append(next.description)
            time = next
        }
        #expect(times == expected)
    }

    /// Forward and backward agree, whatever the clocks of a place do.
    @Test(arguments: UInt64(0)..<100)
    func `between a time and the next there is none`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let zones = ["UTC", "Europe/Berlin", "America/Santiago", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Gaza"]
        let minutes = ["*", "0", "30", "*/7", "59", "0,15"].randomElement(using: &random) ?? "*"
        let hours = ["*", "0", "2", "1-3", "23", "*/5"].randomElement(using: &random) ?? "*"
        let days = ["*", "1", "28-31", "*/9"].randomElement(using: &random) ?? "*"
        let weekdays = ["*", "SUN", "MON-FRI"].randomElement(using: &random) ?? "*"
        let schedule = try CronSchedule("\(minutes) \(hours) \(days) * \(weekdays)")
        let zone = try #require(TimeZones.rule(named: zones.randomElement(using: &random) ?? "UTC"))
        let start = Timestamp(seconds: Int64.random(in: 1_735_689_600...2_000_000_000, using: &random))
        let next = try #require(schedule.next(after: start, in: zone))
        #expect(next > start)
        #expect(schedule.last(notAfter: next, after: start, in: zone) == next)
        #expect(schedule.last(notAfter: next + .seconds(-1), after: start, in: zone) == nil)
        let later = next + .seconds(Int64.random(in: 0...10_000_000, using: &random))
        let last = try #require(schedule.last(notAfter: later, after: start, in: zone))
        #expect(schedule.next(after: last, in: zone).map { $0 > later } ?? true)
    }

    @Test func `the last of a distance is counted from its start`() throws {
        let schedule = try CronSchedule("@every 1h")
        let start = Timestamp(seconds: 1_000)
        #expect(schedule.last(notAfter: Timestamp(seconds: 4_599), after: start) == nil)
        #expect(schedule.last(notAfter: Timestamp(seconds: 4_600), after: start) == Timestamp(seconds: 4_600))
        #expect(schedule.last(notAfter: Timestamp(seconds: 12_000), after: start) == Timestamp(seconds: 11_800))
    }

    @Test func `every zone has a rule, and names are exact`() {
        let names = TimeZones.names
        #expect(names.count > 500)
        for name in names { #expect(TimeZones.rule(named: name) != nil, "\(name)") }
        for name in ["", "europe/berlin", "Europe", "Europe/Berlin ", "CET-1"] {
            #expect(TimeZones.rule(named: name) == nil, "\(name)")
        }
        #expect(TimeZones.rule(named: "UTC") == .utc)
        #expect(TimeZones.rule(named: "US/Eastern") == TimeZones.rule(named: "America/New_York"))
    }
}
