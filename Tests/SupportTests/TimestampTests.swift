import Testing

@testable import Support

@Suite struct TimestampTests {
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("2026-11-21T02:32:14Z", 1_795_228_334),
        ("2000-02-29T23:59:59Z", 951_868_799), ("1969-12-31T23:59:59Z", -1),
    ])
    func `a time prints and parses as RFC 3339`(text: String, seconds: Int64) {
        #expect(Timestamp(text)?.seconds == seconds)
        #expect(Timestamp(seconds: seconds).description == text)
    }

    @Test func `an offset is taken into account`() {
        #expect(Timestamp("2026-11-21T03:32:14+01:00") == Timestamp("2026-11-21T02:32:14Z"))
        #expect(Timestamp("2026-11-20T21:02:14-05:30") == Timestamp("2026-11-21T02:32:14Z"))
    }

    @Test func `fractions are kept to the nanosecond`() throws {
        let time = try #require(Timestamp("2026-11-21T02:32:14.123456789Z"))
        #expect(time.nanoseconds == 123_456_789)
        #expect(time.microseconds == "2026-11-21T02:32:14.123456Z")
    }

    @Test(arguments: [
        "", "2026-11-21", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-11-21T24:00:00Z",
        "2026-11-21T02:32:14", "2026-11-21T02:32:14.Z", "2026-11-21T02:32:14Zx", "2026-11-21 02:32:14Z",
    ])
    func `anything else is refused`(text: String) {
        #expect(Timestamp(text) == nil)
    }

    @Test(arguments: UInt64(0)..<50)
    func `every second survives print and parse, and sums come back`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let start = Timestamp(
            seconds: .random(in: -60_000_000_000...250_000_000_000, using: &random),
            nanoseconds: .random(in: 0..<1_000_000_000, using: &random))
        #expect(Timestamp(start.format(fractionDigits: 9)) == start)
        let step = Duration.milliseconds(Int64.random(in: -10_000_000...10_000_000, using: &random))
        #expect((start + step) - start == step)
    }

    @Test(arguments: [
        (Duration.seconds(Int64.max), "9999-12-31T23:59:59Z"), (.seconds(Int64.min), "0001-01-01T00:00:00Z"),
        (.seconds(400_000_000_000), "9999-12-31T23:59:59Z"),
    ]) func `a span beyond the years that can be written ends at the last of them`(span: Duration, end: String) {
        #expect((Timestamp(seconds: 1_800_000_000) + span).description == end)
    }
}
