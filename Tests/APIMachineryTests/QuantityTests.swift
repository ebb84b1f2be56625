import Support
import Testing

@testable import APIMachinery

@Suite struct QuantityTests {
    @Test(arguments: [
        ("0", "0"), ("00", "0"), ("0.0", "0"), ("0Ki", "0"), ("1", "1"), ("1000", "1k"), ("1000m", "1"),
        ("100m", "100m"),
        ("0.1", "100m"), ("1.5", "1500m"), ("1.5Gi", "1536Mi"), ("1024Mi", "1Gi"), ("1025Ki", "1025Ki"),
        ("1536Mi", "1536Mi"), ("128Mi", "128Mi"), ("2048", "2048"), ("1000000", "1M"), ("1500M", "1500M"),
        ("1.5G", "1500M"),
        ("1e3", "1e3"), ("1000e3", "1e6"), ("1.5e3", "1500"), ("12e4", "120e3"), ("1E", "1E"), ("1E3", "1E3"),
        ("0.5Ki", "512"), ("0.5Mi", "512Ki"), ("0.0001Ki", "102400u"), ("-1.5Gi", "-1536Mi"),
        ("-100m", "-100m"),
        ("1n", "1n"), ("0.9n", "1n"), ("0.0000000001", "1n"), ("-0.1n", "-1n"),
        ("1.23456789012", "1234567891n"),
        (".5", "500m"), ("5.", "5."), ("+5", "+5"), ("1.500", "1.500"), ("0.100", "100m"),
        ("100Ei", "9223372036854775807"),
        ("8Ei", "9223372036854775807"), ("7Ei", "7Ei"), ("1000E", "1e21"), ("1e30", "1e30"), ("1.1", "1100m"),
        ("18446744073709551616", "18446744073709551616"), ("1Ki", "1Ki"), ("1000Ki", "1000Ki"),
        ("1024Ki", "1Mi"),
        ("1u", "1u"), ("1000u", "1m"), ("10k", "10k"), ("9Pi", "9Pi"), ("3T", "3T"),
        ("0.1Gi", "107374182400m"),
    ])
    func `a text reads, and prints as the server prints it`(text: String, printed: String) throws {
        let quantity = try Quantity(text)
        #expect(quantity.description == printed)
        #expect(try Quantity(printed) == quantity)
        #expect(try Quantity(quantity.canonical) == quantity)
    }

    @Test(arguments: [
        ("", QuantityError.wrongFormat), (" 1", .wrongFormat), ("1 ", .wrongFormat), ("1.1.M", .wrongFormat),
        ("1+1.0M", .wrongFormat), ("0.1mi", .wrongSuffix), ("0.1am", .wrongFormat), ("aoeu", .wrongFormat),
        (".5i", .wrongSuffix), ("1i", .wrongSuffix), ("-3.01e-", .wrongSuffix), ("1Kii", .wrongSuffix),
        ("1e", .wrongSuffix),
        ("1e99999999999", .wrongSuffix), ("1K", .wrongSuffix), ("1e1.5", .wrongFormat), ("--1", .wrongSuffix),
    ])
    func `what is no quantity is refused`(text: String, error: QuantityError) {
        #expect(throws: error) { try Quantity(text) }
    }

    @Test(
        arguments: [
            ("1.1", 2, 1100), ("1", 1, 1000), ("-1.1", -2, -1100), ("1n", 1, 1),
            ("1Gi", 1 << 30, 1 << 30 * 1000),
            ("7Ei", 7 << 60, Int64.max), ("-7Ei", -(7 << 60), Int64.min), ("1e30", Int64.max, Int64.max),
            ("0", 0, 0),
            ("100m", 1, 100), ("1500u", 1, 2),
        ] as [(String, Int64, Int64)])
    func `whole and milli values round away from zero and saturate`(text: String, value: Int64, milli: Int64)
        throws
    {
        #expect(try Quantity(text).value == value)
        #expect(try Quantity(text).milliValue == milli)
    }

    @Test(arguments: [
        ("1", "1k", -1), ("1Ki", "1024", 0), ("1Ki", "1k", 1), ("-1", "1", -1), ("-2", "-1", -1),
        ("0", "0Ki", 0),
        ("1e30", "1n", 1), ("-1e30", "1n", -1), ("1e1000", "1e999", 1), ("0.1", "100m", 0),
        ("1e-400", "0", 1),
    ])
    func `amounts compare across formats`(a: String, b: String, order: Int) throws {
        let (a, b) = (try Quantity(a), try Quantity(b))
        #expect((a < b ? -1 : a == b ? 0 : 1) == order)
        #expect((b < a ? 1 : a == b ? 0 : -1) == order)
        #expect((a.hashValue == b.hashValue) || order != 0)
    }

    @Test(arguments: [
        ("1", "500m", "1500m"), ("1Gi", "512Mi", "1536Mi"), ("0", "1Gi", "1Gi"), ("1Gi", "1", "1073741825"),
        ("100m", "900m", "1"), ("1k", "1Ki", "2024"), ("1e30", "1", "1000000000000000000000000000001"),
    ])
    func `sums keep the format of the first`(a: String, b: String, sum: String) throws {
        #expect((try Quantity(a) + Quantity(b)).description == sum)
        #expect(try Quantity(sum) - Quantity(b) == Quantity(a))
    }

    private static let greatest = "170141183460469231731687303715884105727"

    @Test(arguments: [
        (greatest, greatest, "340282366920938463463374607431768211460"),
        ("-" + greatest, "-" + greatest, "-340282366920938463463374607431768211460"),
        (greatest, "1", "170141183460469231731687303715884105730"),
        (greatest, "1n", "170141183460469231731687303715884105730"),
        (greatest + "e40", greatest + "n", "170141183460469231731687303715884105730e40"),
        (greatest, "-" + greatest, "0"),
        (greatest + "e-9", greatest + "e-9", "340282366920938463463374607431768211460e-9"),
        ("1e2147483646", "1e2147483646", "2e2147483646"),
        (String(repeating: "9", count: 60), String(repeating: "9", count: 60), "2e60"),
    ])
    func `sums of the greatest amounts lose digits, and nothing traps`(a: String, b: String, sum: String) throws {
        let (a, b, sum) = (try Quantity(a), try Quantity(b), try Quantity(sum))
        #expect(a + b == sum || (a + b).double == sum.double)
        #expect(b + a == a + b)
        _ = (a - b, (a + b).value, (a + b).milliValue, (a + b).canonical, a + a + a + a)
        #expect(try Quantity((a + b).canonical) == a + b)
    }

    @Test func `a power of ten that cannot be written is refused`() {
        #expect(throws: QuantityError.wrongSuffix) { try Quantity("1" + String(repeating: "0", count: 99) + "e2147483647") }
    }

    @Test func `numbers in JSON are amounts too`() throws {
        #expect(try Quantity(json: .integer(2)).description == "2")
        #expect(try Quantity(json: .double(0.5)).description == "500m")
        #expect(try Quantity(json: .string(" 1Gi\n")).description == "1Gi")
        #expect(throws: QuantityError.wrongFormat) { try Quantity(json: .bool(true)) }
        #expect(try Quantity("1500m").double == 1.5)
    }

    @Test(arguments: UInt64(0)..<300)
    func `any amount prints and reads again, and sums are right`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        func amount() throws -> (Quantity, Int128) {
            let nanos = Int64.random(in: -(1 << 50)...(1 << 50), using: &random)
            let power = Int.random(in: 0..<4, using: &random) * 3
            let scale = (0..<power).reduce(Int128(1)) { scale, _ in scale * 10 }
            let suffix = ["n", "u", "m", ""][power / 3]
            return (try Quantity("\(nanos)\(suffix)"), Int128(nanos) * scale)
        }
        for _ in 0..<20 {
            let ((a, aNanos), (b, bNanos)) = (try amount(), try amount())
            #expect((a < b) == (aNanos < bNanos))
            #expect((a + b).number.mantissa(at: -9) == aNanos + bNanos)
            #expect(try Quantity((a + b).description) == a + b)
        }
    }

    @Test(arguments: UInt64(0)..<200)
    func `no text traps`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for _ in 0..<50 {
            let letters = Array("0123456789.+-eEinumkKMGTP ".utf8)
            let count = Int.random(in: 0..<60, using: &random)
            let bytes = (0..<count).map { _ in
                Bool.random(using: &random) ? 57 : letters[Int.random(in: letters.indices, using: &random)]
            }
            guard let quantity = try? Quantity(String(decoding: bytes, as: UTF8.self)) else { continue }
            _ = (quantity.value, quantity.milliValue, quantity.double, quantity + Quantity(1), -quantity)
            #expect(try Quantity(quantity.canonical) == quantity)
        }
    }
}

@Suite struct DurationTests {
    @Test(
        arguments: [
            ("0", 0, "0s"), ("5s", 5_000_000_000, "5s"), ("1h2m3.5s", 3_723_500_000_000, "1h2m3.5s"),
            ("90m", 5_400_000_000_000, "1h30m0s"),
            ("1.5h", 5_400_000_000_000, "1h30m0s"), ("-1.5s", -1_500_000_000, "-1.5s"),
            ("100ms", 100_000_000, "100ms"),
            ("1500us", 1_500_000, "1.5ms"), ("15µs", 15_000, "15µs"), ("1ns", 1, "1ns"),
            (".5s", 500_000_000, "500ms"),
            ("1m", 60_000_000_000, "1m0s"),
            ("2540400h10m10.000000000s", 9_145_440_610_000_000_000, "2540400h10m10s"),
            ("9223372036854775807ns", .max, "2562047h47m16.854775807s"),
            ("-9223372036854775808ns", .min, "-2562047h47m16.854775808s"),
        ] as [(String, Int64, String)])
    func `a duration reads and prints as Go does`(text: String, nanoseconds: Int64, printed: String) throws {
        #expect(try GoDuration.nanoseconds(text) == nanoseconds)
        #expect(GoDuration.format(nanoseconds: nanoseconds) == printed)
        #expect(try GoDuration.parse(printed) == .nanoseconds(nanoseconds))
        #expect(GoDuration.format(.nanoseconds(nanoseconds)) == printed)
    }

    @Test(arguments: [
        ("", "time: invalid duration \"\""), ("3", "time: missing unit in duration \"3\""),
        ("3x", "time: unknown unit \"x\" in duration \"3x\""), ("-", "time: invalid duration \"-\""),
        ("s", "time: invalid duration \"s\""), (".s", "time: invalid duration \".s\""),
        ("1s 2s", "time: unknown unit \"s \" in duration \"1s 2s\""),
        ("9223372036854775808ns", "time: invalid duration \"9223372036854775808ns\""),
        ("99999999999h", "time: invalid duration \"99999999999h\""),
    ])
    func `what is no duration is told in Go's words`(text: String, message: String) {
        #expect(throws: GoDuration.ParseError(description: message)) { try GoDuration.nanoseconds(text) }
    }
}

@Suite struct IntOrStringTests {
    @Test(arguments: [
        ("25%", 10, true, 3), ("25%", 10, false, 2), ("0%", 10, true, 0), ("100%", 7, false, 7),
        ("150%", 3, true, 5),
        ("3", 10, true, 3), ("-10%", 10, false, -1), ("9223372036854775807%", 10, true, 2_147_483_647),
        ("-9223372036854775808%", 10, true, -2_147_483_648),
    ])
    func `percentages scale`(text: String, total: Int, roundingUp: Bool, expected: Int) throws {
        #expect(try IntOrString(parsing: text).scaled(of: total, roundingUp: roundingUp) == expected)
    }

    @Test func `the JSON form and errors`() {
        #expect(IntOrString(json: .integer(80)) == .int(80))
        #expect(IntOrString(json: "http") == .string("http"))
        #expect(IntOrString(json: .integer(1 << 40)) == nil)
        #expect(IntOrString(json: .bool(true)) == nil)
        #expect(IntOrString.int(1).json == 1)
        #expect(throws: IntOrString.ScaleError.self) {
            try IntOrString.string("x").scaled(of: 1, roundingUp: true)
        }
        #expect(
            throws: IntOrString.ScaleError(
                description:
                    "invalid value for IntOrString: invalid value \"a%\": strconv.Atoi: parsing \"a\": "
                    + "invalid syntax")
        ) { try IntOrString.string("a%").scaled(of: 1, roundingUp: true) }
    }
}
