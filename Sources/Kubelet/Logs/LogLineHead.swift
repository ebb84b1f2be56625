import Support

/// What stands before the text of a log line: `2016-10-06T00:17:09.669794202Z stdout F the text` (the container runtime
/// interface, "CRI log format").
struct LogLineHead: Hashable, Sendable {
    /// The longest head that makes sense; whatever has none within so many bytes is no log line.
    static let lengthLimit = 128

    /// RFC 3339 in the runtime's own time zone, as many digits of a second as it needed.
    var timestamp: ArraySlice<UInt8>
    var stream: LogOptions.Stream
    /// The line goes on in the next one; the runtime cuts long lines, and a prompt has no end yet.
    var isPartial: Bool
    /// Bytes up to the text.
    var length: Int

    /// Reads the head at the beginning of `bytes`. `nil` when there is none, or not all of it yet.
    init?(_ bytes: ArraySlice<UInt8>) {
        var parts: [ArraySlice<UInt8>] = []
        var start = bytes.startIndex
        for index in bytes.indices.prefix(Self.lengthLimit) {
            switch bytes[index] {
            case UInt8(ascii: " "):
                parts.append(bytes[start..<index])
                start = index + 1
            case UInt8(ascii: "\n"):
                // A line without text may end right behind its tag.
                guard parts.count == 2 else { return nil }
                parts.append(bytes[start..<index])
                start = index
            default: continue
            }
            if parts.count == 3 { break }
        }
        guard parts.count == 3, let tag = parts[2].first,
            let stream = LogOptions.Stream(rawValue: String(decoding: parts[1], as: UTF8.self))
        else { return nil }
        timestamp = parts[0]
        self.stream = stream
        // Further tags may follow behind a colon.
        isPartial = tag == UInt8(ascii: "P")
        length = start - bytes.startIndex
    }

    /// The moment, for comparing; `nil` when the text is no time.
    var time: Timestamp? { Timestamp(String(decoding: timestamp, as: UTF8.self)) }

    /// The timestamp with nine digits of the second, so that lines stand in columns; that is how Kubernetes shows it.
    var fixedTimestamp: [UInt8] {
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        // Behind the seconds: YYYY-MM-DDTHH:MM:SS.
        let secondsEnd = timestamp.startIndex + 19
        guard timestamp.count > 19 else { return Array(timestamp) }
        var fraction = timestamp[secondsEnd...]
        var zone = fraction
        if fraction.first == UInt8(ascii: ".") {
            fraction = fraction.dropFirst().prefix { digits.contains($0) }
            zone = timestamp[fraction.endIndex...]
        } else {
            fraction = []
        }
        let padding = [UInt8](repeating: UInt8(ascii: "0"), count: max(0, 9 - fraction.count))
        return timestamp[..<secondsEnd] + [UInt8(ascii: ".")] + fraction + padding + zone
    }
}
