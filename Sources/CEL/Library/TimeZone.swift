import Glibc
import Support

/// How far the clocks of a place are ahead of UTC.
enum TimeZone {
    /// In seconds. `zone` is `UTC`, an offset (`+02:00`, `-7:30`) or a name of the time zone database, which is read
    /// from the system. `nil` for a zone that is not known.
    static func offset(of zone: String, at time: Timestamp) -> Int64? {
        if zone.isEmpty || zone == "UTC" { return 0 }
        if zone.contains(":") { return fixed(zone) }
        return ZoneFile(named: zone)?.offset(at: time.seconds)
    }

    private static func fixed(_ text: String) -> Int64? {
        var text = text[...]
        var sign: Int64 = 1
        if text.hasPrefix("-") || text.hasPrefix("+") { sign = text.removeFirst() == "-" ? -1 : 1 }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let hours = UInt8(parts[0]), let minutes = UInt8(parts[1]), hours < 24, minutes < 60
        else { return nil }
        return sign * (Int64(hours) * 3600 + Int64(minutes) * 60)
    }
}

/// A compiled file of the time zone database (RFC 9636).
struct ZoneFile {
    private let bytes: [UInt8]

    private static let folder = "/usr/share/zoneinfo/"
    private static let largest = 1 << 16

    /// Reads the system's file of a zone.
    init?(named name: String) {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        let isPlain = parts.allSatisfy { part in
            !part.isEmpty
                && part.utf8.allSatisfy { byte in
                    (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
                        || [43, 45, 95].contains(byte)
                }
        }
        guard isPlain, let file = fopen(Self.folder + name, "r") else { return nil }
        defer { fclose(file) }
        var buffer = [UInt8](repeating: 0, count: Self.largest)
        let count = fread(&buffer, 1, buffer.count, file)
        self.init(bytes: Array(buffer[..<count]))
    }

    init?(bytes: [UInt8]) {
        guard bytes.starts(with: "TZif".utf8), bytes.count >= 44 else { return nil }
        self.bytes = bytes
    }

    /// The offset that holds at a moment. Behind the last change in the file the last one's year repeats (the rule at
    /// the end of the file); files of today list changes until 2037.
    func offset(at seconds: Int64) -> Int64? {
        // The first block has times of 32 bits, the second one of 64.
        let isLong = bytes[4] >= UInt8(ascii: "2")
        var header = 0
        if isLong {
            let counts = (0..<6).map { number(at: 20 + 4 * $0, width: 4) }
            header = Int(44 + counts[3] * 5 + counts[4] * 6 + counts[5] + counts[2] * 8 + counts[1] + counts[0])
        }
        guard header + 44 <= bytes.count else { return nil }
        let (timeCount, typeCount) = (Int(number(at: header + 32, width: 4)), Int(number(at: header + 36, width: 4)))
        let width = isLong ? 8 : 4
        let times = header + 44
        let kinds = times + timeCount * width
        let types = kinds + timeCount
        guard typeCount > 0, types + typeCount * 6 <= bytes.count else { return nil }
        var (low, high) = (0, timeCount)
        while low < high {
            let middle = (low + high) / 2
            if number(at: times + middle * width, width: width) <= seconds { low = middle + 1 } else { high = middle }
        }
        let kind = low > 0 ? Int(bytes[kinds + low - 1]) : 0
        guard kind < typeCount else { return nil }
        return number(at: types + kind * 6, width: 4)
    }

    /// A signed number, the most significant byte first.
    private func number(at position: Int, width: Int) -> Int64 {
        guard position >= 0, position + width <= bytes.count else { return 0 }
        var number: Int64 = bytes[position] >= 128 ? -1 : 0
        for byte in bytes[position..<(position + width)] { number = number << 8 | Int64(byte) }
        return number
    }
}
