import Support

/// Times in certificates: UTCTime through 2049, GeneralizedTime from 2050 on (RFC 5280, section 4.1.2.5).
extension DER {
    static func time(_ time: Timestamp) -> [UInt8] {
        let digits = time.description.utf8.filter { (48...57).contains($0) } + [UInt8(ascii: "Z")]
        return time < firstOfGeneralizedTime
            ? value(DERTag.utcTime, digits.dropFirst(2)) : value(DERTag.generalizedTime, digits)
    }

    /// The first moment that two digits for the year cannot say: 2050-01-01T00:00:00Z.
    private static let firstOfGeneralizedTime = Timestamp(seconds: 2_524_608_000)
}

extension DERReader {
    /// A UTCTime or GeneralizedTime in the one form that RFC 5280 allows: seconds given, zone `Z`, no
    /// fraction.
    mutating func readTime() throws(DERError) -> Timestamp {
        let element = try read()
        var text = String(decoding: element.content, as: UTF8.self)
        switch element.tag {
        case DERTag.utcTime where text.utf8.count == 13: text = (text < "50" ? "20" : "19") + text
        case DERTag.generalizedTime where text.utf8.count == 15: break
        default: throw DERError("a time is missing")
        }
        let digits = Array(text.utf8)
        func part(_ range: Range<Int>) -> String { String(decoding: digits[range], as: UTF8.self) }
        let date = [part(0..<4), part(4..<6), part(6..<8)].joined(separator: "-")
        let clock = [part(8..<10), part(10..<12), part(12..<14)].joined(separator: ":")
        guard let time = Timestamp(date + "T" + clock + part(14..<15)), text.hasSuffix("Z") else {
            throw DERError("a time cannot be read")
        }
        return time
    }
}
