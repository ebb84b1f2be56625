#if canImport(Glibc)
    import Glibc
#endif

/// A point of wall-clock time in UTC, as the Kubernetes API writes it (RFC 3339).
///
/// Ordered by time. Holds nanoseconds; `description` prints whole seconds (the API's `Time`),
/// ``microseconds`` prints six digits (the API's `MicroTime`).
public struct Timestamp: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Seconds since 1970-01-01T00:00:00Z, leap seconds not counted.
    public var seconds: Int64
    /// Nanoseconds within the second, 0 ..< 1_000_000_000.
    public var nanoseconds: Int32

    public init(seconds: Int64, nanoseconds: Int32 = 0) {
        precondition((0..<1_000_000_000).contains(nanoseconds), "nanoseconds belong to one second")
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    /// The present moment by the system's clock.
    public static var now: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(seconds: Int64(time.tv_sec), nanoseconds: Int32(time.tv_nsec))
    }

    /// The time since the machine started, its sleep included, as if that had been in 1970: for spans between
    /// moments of one process, which must not change when somebody sets the clock.
    public static var sinceBoot: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return Timestamp(seconds: Int64(time.tv_sec), nanoseconds: Int32(time.tv_nsec))
    }

    /// Parses RFC 3339 with any offset and any number of fraction digits; `nil` for anything else.
    public init?(_ text: some StringProtocol) {
        var text = String(text)
        let parsed = text.withUTF8 { bytes in
            var reader = RFC3339Reader(bytes: bytes)
            return reader.read()
        }
        guard let parsed else { return nil }
        self = parsed
    }

    public var description: String { format(fractionDigits: 0) }

    /// The form of the API's `MicroTime`: always six fraction digits.
    public var microseconds: String { format(fractionDigits: 6) }

    /// RFC 3339 in UTC with exactly this many fraction digits, 0 ... 9; further digits are cut off.
    public func format(fractionDigits: Int) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(30)
        append(fractionDigits: fractionDigits, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends what ``format(fractionDigits:)`` returns.
    public func append(fractionDigits: Int = 0, to bytes: inout [UInt8]) {
        precondition((0...9).contains(fractionDigits), "a nanosecond has nine digits")
        let (day, second) = CivilDate.dayAndSecond(seconds)
        let date = CivilDate(daysSinceEpoch: day)
        Self.append(date.year, 4, "-", to: &bytes)
        Self.append(date.month, 2, "-", to: &bytes)
        Self.append(date.day, 2, "T", to: &bytes)
        Self.append(second / 3600, 2, ":", to: &bytes)
        Self.append(second / 60 % 60, 2, ":", to: &bytes)
        Self.append(second % 60, 2, fractionDigits > 0 ? "." : "Z", to: &bytes)
        guard fractionDigits > 0 else { return }
        Self.append(Int64(nanoseconds), 9, "Z", to: &bytes)
        bytes.removeLast(10 - fractionDigits)
        bytes.append(UInt8(ascii: "Z"))
    }

    /// Appends the digits of a number, with zeros before them up to a width, and what stands behind them.
    private static func append(_ number: Int64, _ width: Int, _ end: Unicode.Scalar, to bytes: inout [UInt8]) {
        if number < 0 { bytes.append(UInt8(ascii: "-")) }
        let start = bytes.count
        var rest = number.magnitude
        repeat {
            bytes.append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        } while rest > 0 || bytes.count - start < width
        bytes[start...].reverse()
        bytes.append(UInt8(ascii: end))
    }

    public static func < (a: Timestamp, b: Timestamp) -> Bool {
        (a.seconds, a.nanoseconds) < (b.seconds, b.nanoseconds)
    }

    /// The time from `earlier` to `later`; negative when they are the other way round.
    public static func - (later: Timestamp, earlier: Timestamp) -> Duration {
        .seconds(later.seconds - earlier.seconds)
            + .nanoseconds(Int64(later.nanoseconds) - Int64(earlier.nanoseconds))
    }

    /// The first and last second of the years that RFC 3339 can write, 0001 to 9999.
    private static let expressible: ClosedRange<Int64> = -62_135_596_800...253_402_300_799

    /// The moment so much later. A moment outside the years that can be written becomes the nearest one inside: spans
    /// come from users, who may write any number.
    public static func + (start: Timestamp, duration: Duration) -> Timestamp {
        let (seconds, attoseconds) = duration.components
        var nanoseconds = Int64(start.nanoseconds) + attoseconds / 1_000_000_000
        let (sum, overflowed) = start.seconds.addingReportingOverflow(seconds)
        let nearest = overflowed ? (seconds < 0 ? Int64.min : Int64.max) : sum
        guard expressible.contains(nearest) else {
            return Timestamp(seconds: max(expressible.lowerBound, min(nearest, expressible.upperBound)))
        }
        var whole = sum
        if nanoseconds < 0 { (nanoseconds, whole) = (nanoseconds + 1_000_000_000, whole - 1) }
        if nanoseconds >= 1_000_000_000 { (nanoseconds, whole) = (nanoseconds - 1_000_000_000, whole + 1) }
        return Timestamp(seconds: whole, nanoseconds: Int32(nanoseconds))
    }
}

/// Reads `2006-01-02T15:04:05[.999999999](Z|±07:00)` (RFC 3339, section 5.6).
private struct RFC3339Reader {
    let bytes: UnsafeBufferPointer<UInt8>
    private var position = 0

    init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    mutating func read() -> Timestamp? {
        guard let year = digits(4), skip("-"), let month = digits(2), skip("-"), let day = digits(2),
            skip("T") || skip("t"),
            let hour = digits(2), skip(":"), let minute = digits(2), skip(":"), let second = digits(2),
            (1...12).contains(month), day >= 1, day <= CivilDate.length(ofMonth: month, year: year),
            hour < 24, minute < 60, second < 61,
            let nanoseconds = fraction(), let offset = offset(), next == nil
        else { return nil }
        let days = CivilDate(year: year, month: month, day: day).daysSinceEpoch
        let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset
        return Timestamp(seconds: seconds, nanoseconds: nanoseconds)
    }

    private mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func digits(_ count: Int) -> Int64? {
        var number: Int64 = 0
        for _ in 0..<count {
            guard let byte = next, (48...57).contains(byte) else { return nil }
            number = number * 10 + Int64(byte - 48)
            position += 1
        }
        return number
    }

    private mutating func fraction() -> Int32? {
        guard skip(".") else { return 0 }
        var (number, scale): (Int32, Int32) = (0, 100_000_000)
        var isEmpty = true
        while let byte = next, (48...57).contains(byte) {
            number += Int32(byte - 48) * scale
            scale /= 10
            isEmpty = false
            position += 1
        }
        return isEmpty ? nil : number
    }

    private mutating func offset() -> Int64? {
        if skip("Z") || skip("z") { return 0 }
        let sign: Int64
        if skip("+") { sign = 1 } else if skip("-") { sign = -1 } else { return nil }
        guard let hours = digits(2), skip(":"), let minutes = digits(2), hours < 24, minutes < 60
        else { return nil }
        return sign * (hours * 3600 + minutes * 60)
    }
}
