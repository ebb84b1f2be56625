import Support
import Testing

@Suite struct TimeZoneRuleTests {
    /// When the clocks were set in 2026, and how far ahead they were from then on.
    @Test(arguments: [
        ("JST-9", ["2026-01-01T00:00:00Z +32400"]),
        ("<+0545>-5:45", ["2026-01-01T00:00:00Z +20700"]),
        ("CET-1CEST,M3.5.0,M10.5.0/3", ["2026-01-01T00:00:00Z +3600", "2026-03-29T01:00:00Z +7200", "2026-10-25T01:00:00Z +3600"]),
        ("EST5EDT,M3.2.0,M11.1.0", ["2026-01-01T00:00:00Z -18000", "2026-03-08T07:00:00Z -14400", "2026-11-01T06:00:00Z -18000"]),
        ("NST3:30NDT,M3.2.0,M11.1.0", ["2026-01-01T00:00:00Z -12600", "2026-03-08T05:30:00Z -9000", "2026-11-01T04:30:00Z -12600"]),
        // The south: the year begins and ends in summer.
        ("<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45", ["2026-01-01T00:00:00Z +49500", "2026-04-04T14:00:00Z +45900", "2026-09-26T14:00:00Z +49500"]),
        ("<-04>4<-03>,M9.1.6/24,M4.1.6/24", ["2026-01-01T00:00:00Z -10800", "2026-04-05T03:00:00Z -14400", "2026-09-06T04:00:00Z -10800"]),
        // Half an hour, and two.
        ("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", ["2026-01-01T00:00:00Z +39600", "2026-04-04T15:00:00Z +37800", "2026-10-03T15:30:00Z +39600"]),
        ("<+00>0<+02>-2,M3.5.0/1,M10.5.0/3", ["2026-01-01T00:00:00Z +0", "2026-03-29T01:00:00Z +7200", "2026-10-25T01:00:00Z +0"]),
        // Hours before midnight, and after the day's end.
        ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", ["2026-01-01T00:00:00Z -7200", "2026-03-29T01:00:00Z -3600", "2026-10-25T01:00:00Z -7200"]),
        ("EET-2EEST,M3.4.4/50,M10.4.4/50", ["2026-01-01T00:00:00Z +7200", "2026-03-28T00:00:00Z +10800", "2026-10-23T23:00:00Z +7200"]),
        // Winter time is what is set, not summer time.
        ("IST-1GMT0,M10.5.0,M3.5.0/1", ["2026-01-01T00:00:00Z +0", "2026-03-29T01:00:00Z +3600", "2026-10-25T01:00:00Z +0"]),
        // Days by their number.
        ("A+1B,J60,300", []), ("AAA1BBB,J60/0,305/0", ["2026-01-01T00:00:00Z -3600", "2026-03-01T01:00:00Z +0", "2026-11-02T00:00:00Z -3600"]),
        // Changes that follow no rule, and what comes before and after them.
        ("<+01>-1|3600,1771120800=0,1774144800=3600", ["2026-01-01T00:00:00Z +3600", "2026-02-15T02:00:00Z +0", "2026-03-22T02:00:00Z +3600"]),
    ])
    func `clocks are set when the rule says`(text: String, expected: [String]) {
        guard let rule = TimeZoneRule(text) else {
            #expect(expected.isEmpty, "\(text) is a rule")
            return
        }
        let end: Int64 = 1_798_761_600
        var (instant, lines): (Int64, [String]) = (1_767_225_600, [])
        while instant < end {
            let period = rule.period(at: instant)
            #expect((period.start..<period.end).contains(instant))
            lines.append("\(Timestamp(seconds: instant)) \(period.offset < 0 ? "" : "+")\(period.offset)")
            instant = period.end
        }
        #expect(lines == expected)
    }

    @Test(arguments: [
        "", "CE-1", "CET", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.6.0,M10.5.0",
        "CET-1CEST,M3.5.7,M10.5.0", "CET-200", "CET-1:60", "<+01-1", "CET-1 ", "CET-1|", "CET-1|0,5=1,5=2", "CET-1|0,5",
        "CET-99999999999999999999",
    ])
    func `what is no rule is none`(text: String) {
        #expect(TimeZoneRule(text) == nil)
    }

    @Test(arguments: UInt64(0)..<50)
    func `a day of the calendar is the day it came from`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let day = Int64.random(in: -1_000_000...3_000_000, using: &random)
        let date = CivilDate(daysSinceEpoch: day)
        #expect(date.daysSinceEpoch == day)
        #expect((1...CivilDate.length(ofMonth: date.month, year: date.year)).contains(date.day))
        #expect(CivilDate.weekday(daysSinceEpoch: day + 7) == CivilDate.weekday(daysSinceEpoch: day))
        #expect(CivilDate.dayAndSecond(day * 86_400).day == day)
        #expect(CivilDate.dayAndSecond(day * 86_400 - 1) == (day - 1, 86_399))
    }
}
