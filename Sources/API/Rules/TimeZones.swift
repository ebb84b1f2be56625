import CTables
public import Support

/// The time zones of the tz database, by their names: `Europe/Rome`.
///
/// They lie in the binary as text, which is read when somebody asks: the system needs none of its own, and all servers
/// agree.
public enum TimeZones {
    /// The rule of a zone; `nil` when there is none of this name. Names are exact.
    public static func rule(named name: String) -> TimeZoneRule? {
        for line in CTables_zones().buffer.split(separator: UInt8(ascii: "\n")) {
            let words = line.split(separator: UInt8(ascii: " "))
            guard words.dropFirst().contains(where: { $0.elementsEqual(name.utf8) }) else { continue }
            return TimeZoneRule(String(decoding: words[0], as: UTF8.self))
        }
        return nil
    }

    /// Those that there are.
    static var names: [String] {
        CTables_zones().buffer.split(separator: UInt8(ascii: "\n")).flatMap { line in
            line.split(separator: UInt8(ascii: " ")).dropFirst().map { String(decoding: $0, as: UTF8.self) }
        }
    }
}
