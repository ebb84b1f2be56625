public import Support

/// Spans of time as `kubectl` shows them: fewer digits, the longer the span.
public enum Age {
    /// The time since `start`; `<unknown>` when that is not known.
    public static func text(since start: Timestamp?, now: Timestamp) -> String {
        guard let start else { return "<unknown>" }
        return text(now - start)
    }

    /// `45s`, `3m20s`, `5h`, `2d6h`, `1y30d`. Slightly negative spans, of clocks that differ, are no time at
    /// all.
    public static func text(_ span: Duration) -> String {
        let seconds = Int(span.components.seconds)
        if seconds < -1 { return "<invalid>" }
        if seconds < 0 { return "0s" }
        let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400)
        if seconds < 120 { return "\(seconds)s" }
        if minutes < 10 { return pair(minutes, "m", seconds % 60, "s") }
        if hours < 3 { return "\(minutes)m" }
        if hours < 8 { return pair(hours, "h", minutes % 60, "m") }
        if hours < 48 { return "\(hours)h" }
        if hours < 192 { return pair(days, "d", hours % 24, "h") }
        if days < 730 { return "\(days)d" }
        if days < 2920 { return pair(days / 365, "y", days % 365, "d") }
        return "\(days / 365)y"
    }

    private static func pair(_ large: Int, _ unit: String, _ small: Int, _ smallUnit: String) -> String {
        small == 0 ? "\(large)\(unit)" : "\(large)\(unit)\(small)\(smallUnit)"
    }
}
