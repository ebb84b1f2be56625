import Support

/// The form of dates in headers (RFC 9110, section 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
enum HTTPDate {
    private static let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    static func text(_ time: Timestamp) -> String {
        // 1994-11-06T08:49:37Z
        let parts = time.description.split { "-T:Z".contains($0) }
        let month = parts.count > 1 ? Int(parts[1]) ?? 1 : 1
        guard parts.count == 6, (1...12).contains(month), time.seconds >= 0 else { return "" }
        let weekday = weekdays[Int(time.seconds / 86_400 % 7)]
        return
            "\(weekday), \(parts[2]) \(months[month - 1]) \(parts[0]) \(parts[3]):\(parts[4]):\(parts[5]) GMT"
    }
}
