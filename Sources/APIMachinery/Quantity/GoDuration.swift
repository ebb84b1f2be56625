/// Durations as the API writes them: `1h2m3.5s`, the text form of Go's `time.Duration`.
public enum GoDuration {
    /// Why a text is no duration, in Go's words.
    public struct ParseError: Error, Hashable, Sendable, CustomStringConvertible {
        public var description: String
    }

    /// Reads a sign and numbers with units (`ns`, `us`, `µs`, `ms`, `s`, `m`, `h`); `0` needs no unit. At most 64 bits
    /// of nanoseconds, about 292 years.
    public static func parse(_ text: String) throws(ParseError) -> Duration {
        .nanoseconds(try nanoseconds(text))
    }

    /// See ``parse(_:)``.
    public static func nanoseconds(_ text: String) throws(ParseError) -> Int64 {
        let invalid = ParseError(description: "time: invalid duration \(GoText.quoted(text))")
        var rest = Array(text.utf8)[...]
        var isNegative = false
        if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") {
            isNegative = rest.removeFirst() == UInt8(ascii: "-")
        }
        if rest.elementsEqual("0".utf8) { return 0 }
        guard !rest.isEmpty else { throw invalid }
        var total: UInt64 = 0
        while !rest.isEmpty {
            let whole = rest.prefix(while: ByteSet.digits.contains)
            rest = rest.dropFirst(whole.count)
            var fraction: ArraySlice<UInt8> = []
            if rest.first == UInt8(ascii: ".") {
                fraction = rest.dropFirst().prefix(while: ByteSet.digits.contains)
                rest = rest.dropFirst(1 + fraction.count)
            }
            guard !whole.isEmpty || !fraction.isEmpty else { throw invalid }
            let name = rest.prefix { $0 != UInt8(ascii: ".") && !ByteSet.digits.contains($0) }
            rest = rest.dropFirst(name.count)
            let unit = try unit(name, in: text)
            guard let part = nanoseconds(whole, fraction, unit) else { throw invalid }
            let (sum, overflow) = total.addingReportingOverflow(part)
            guard !overflow, sum <= UInt64(Int64.max) + (isNegative ? 1 : 0) else { throw invalid }
            total = sum
        }
        return isNegative ? Int64(truncatingIfNeeded: 0 &- total) : Int64(total)
    }

    private static func unit(_ name: ArraySlice<UInt8>, in text: String) throws(ParseError) -> UInt64 {
        switch String(decoding: name, as: UTF8.self) {
        case "ns": return 1
        case "us", "\u{B5}s", "\u{3BC}s": return 1000
        case "ms": return 1_000_000
        case "s": return 1_000_000_000
        case "m": return 60_000_000_000
        case "h": return 3_600_000_000_000
        case "": throw ParseError(description: "time: missing unit in duration \(GoText.quoted(text))")
        case let other:
            throw ParseError(
                description: "time: unknown unit \(GoText.quoted(other)) in duration \(GoText.quoted(text))")
        }
    }

    /// `nil` beyond 64 bits. Digits of the fraction beyond a nanosecond are cut off.
    private static func nanoseconds(
        _ whole: ArraySlice<UInt8>, _ fraction: ArraySlice<UInt8>, _ unit: UInt64
    ) -> UInt64? {
        var number: UInt64 = 0
        for digit in whole {
            let (product, overflow) = number.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(digit - 48))
            if overflow || carry { return nil }
            number = sum
        }
        let (product, overflow) = number.multipliedReportingOverflow(by: unit)
        if overflow { return nil }
        // 17 digits are more than an hour has nanoseconds, and still fit.
        var (numerator, scale) = (UInt128(0), UInt128(1))
        for digit in fraction.prefix(17) {
            (numerator, scale) = (numerator * 10 + UInt128(digit - 48), scale * 10)
        }
        let (sum, carry) = product.addingReportingOverflow(UInt64(numerator * UInt128(unit) / scale))
        return carry ? nil : sum
    }

    /// The text form: `0s`, `1.5ms`, `2h0m0.25s`. Finer parts than nanoseconds are cut off.
    public static func format(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let nanoseconds = Int128(seconds) * 1_000_000_000 + Int128(attoseconds / 1_000_000_000)
        return format(nanoseconds: Int64(clamping: nanoseconds))
    }

    /// See ``format(_:)``.
    public static func format(nanoseconds: Int64) -> String {
        let (sign, total) = (nanoseconds < 0 ? "-" : "", nanoseconds.magnitude)
        switch total {
        case 0: return "0s"
        case ..<1000: return sign + "\(total)ns"
        case ..<1_000_000: return sign + decimal(total, digits: 3) + "\u{B5}s"
        case ..<1_000_000_000: return sign + decimal(total, digits: 6) + "ms"
        default:
            let minutes = total / 60_000_000_000
            var text = sign
            if minutes >= 60 { text += "\(minutes / 60)h" }
            if minutes > 0 { text += "\(minutes % 60)m" }
            return text + decimal(total % 60_000_000_000, digits: 9) + "s"
        }
    }

    /// `number / 10^digits` without zeros at its end.
    private static func decimal(_ number: UInt64, digits: Int) -> String {
        let scale = (0..<digits).reduce(UInt64(1)) { scale, _ in scale * 10 }
        guard number % scale != 0 else { return "\(number / scale)" }
        let fraction = String(number % scale)
        let padded = String(repeating: "0", count: digits - fraction.utf8.count) + fraction
        let end = padded.utf8.lastIndex { $0 != 48 } ?? padded.startIndex
        return "\(number / scale).\(padded[...end])"
    }
}
