public import Support

/// The form of dates in headers (RFC 9110, section 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
public enum HTTPDate {
    private static let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// Empty for a time before 1970.
    public static func text(_ time: Timestamp) -> String {
        // 1994-11-06T08:49:37Z
        let parts = time.description.split { "-T:Z".contains($0) }
        let month = parts.count > 1 ? Int(parts[1]) ?? 1 : 1
        guard parts.count == 6, (1...12).contains(month), time.seconds >= 0 else { return "" }
        let weekday = weekdays[Int(time.seconds / 86_400 % 7)]
        return
            "\(weekday), \(parts[2]) \(months[month - 1]) \(parts[0]) \(parts[3]):\(parts[4]):\(parts[5]) GMT"
    }

    /// Reads that form and the two older ones that servers must still know: `Sunday, 06-Nov-94 08:49:37 GMT` and
    /// `Sun Nov  6 08:49:37 1994`. `nil` for all else; the name of the day of the week counts for nothing.
    public static func time(_ text: String) -> Timestamp? {
        var words = text.split { $0 == " " || $0 == "," || $0 == "-" }.map(String.init)
        if words.count == 5 { words = [words[0], words[2], words[1], words[4], words[3], "GMT"] }
        guard words.count == 6, words[5] == "GMT", let month = months.firstIndex(of: words[2]).map({ Int64($0 + 1) }),
            let day = number(words[1]), var year = number(words[3])
        else { return nil }
        // Two digits stand for the years from 1969 to 2068, as in Go.
        if words[3].utf8.count == 2 { year += year < 69 ? 2000 : 1900 }
        let clock = words[4].split(separator: ":", omittingEmptySubsequences: false).compactMap { number(String($0)) }
        guard clock.count == 3, clock[0] < 24, clock[1] < 60, clock[2] < 60, day >= 1,
            day <= CivilDate.length(ofMonth: month, year: year)
        else { return nil }
        let days = CivilDate(year: year, month: month, day: day).daysSinceEpoch
        return Timestamp(seconds: days * 86_400 + clock[0] * 3600 + clock[1] * 60 + clock[2])
    }

    /// Of at most four digits.
    private static func number(_ text: String) -> Int64? {
        guard text.utf8.count <= 4, text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return Int64(text)
    }
}
