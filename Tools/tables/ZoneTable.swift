import APIMachinery
import Support

/// The rules of time zones, from the compiled form of the tz database (RFC 9636).
///
/// A line for each rule, with the names of all zones that have it: `JST-9 Asia/Tokyo Japan`. Where the present rule does
/// not say what the clocks did since ``first``, or will do, the changes stand behind it (see `TimeZoneRule`).
enum ZoneTable {
    /// The start of 2025: what came before is of interest to nobody who asks when a job is due.
    private static let first: Int64 = 1_735_689_600

    static func text(_ folder: String) throws -> String {
        var names: [String: [String]] = [:]
        for name in try zoneNames(folder) {
            names[try rule(ZoneFile(File.read("\(folder)/\(name)"), name)), default: []].append(name)
        }
        return names.sorted { $0.key < $1.key }.map { ([$0.key] + $0.value.sorted()).joined(separator: " ") + "\n" }
            .joined()
    }

    /// Zones and links of the source form that lies beside the compiled files: `Z Europe/Rome ...`, `L Asia/Tokyo Japan`.
    private static func zoneNames(_ folder: String) throws -> [String] {
        let lines = String(decoding: try File.read("\(folder)/tzdata.zi"), as: UTF8.self).split(separator: "\n")
        return lines.compactMap { line in
            let words = line.split(separator: " ")
            switch words.first {
            case "Z": return String(words[1])
            case "L": return String(words[2])
            default: return nil
            }
        }
    }

    private static func rule(_ file: ZoneFile) throws -> String {
        guard let rule = TimeZoneRule(file.footer) else { throw Complaint("\(file.name): not a rule: \(file.footer)") }
        var changes = file.changes
        // What the rule says itself need not be said.
        while let last = changes.last {
            let before = changes.count > 1 ? changes[changes.count - 2].offset : file.firstOffset
            guard rule.period(at: last.instant).offset == last.offset, rule.period(at: last.instant - 1).offset == before
            else { break }
            changes.removeLast()
        }
        changes.removeAll { $0.instant < first }
        guard let earliest = changes.first else { return file.footer }
        let base = file.changes.last { $0.instant < earliest.instant }?.offset ?? file.firstOffset
        return "\(file.footer)|\(base)" + changes.map { ",\($0.instant)=\($0.offset)" }.joined()
    }
}

/// A compiled file: its second block, with times of eight bytes, and the rule at its end.
private struct ZoneFile {
    let name: String
    let footer: String
    /// Seconds ahead of UTC from these instants on.
    let changes: [(instant: Int64, offset: Int64)]
    let firstOffset: Int64

    init(_ bytes: [UInt8], _ name: String) throws {
        self.name = name
        func number(_ at: Int, _ width: Int) -> Int64 {
            let bits = bytes[at..<at + width].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            return width == 4 ? Int64(Int32(truncatingIfNeeded: bits)) : Int64(bitPattern: bits)
        }
        /// The counts of a block: UT indicators, standard indicators, leap seconds, times, types, characters.
        func counts(_ at: Int) -> [Int] { (0..<6).map { Int(number(at + 20 + $0 * 4, 4)) } }
        guard bytes.count > 44, bytes[..<4].elementsEqual("TZif".utf8), bytes[4] >= UInt8(ascii: "2") else {
            throw Complaint("\(name) is not of the second version")
        }
        let old = counts(0)
        let start = 44 + old[3] * 5 + old[4] * 6 + old[5] + old[2] * 8 + old[1] + old[0]
        let new = counts(start)
        let (times, indexes) = (start + 44, start + 44 + new[3] * 8)
        let types = indexes + new[3]
        changes = (0..<new[3]).map { index in
            (number(times + index * 8, 8), number(types + Int(bytes[indexes + index]) * 6, 4))
        }
        firstOffset = number(types, 4)
        let end = types + new[4] * 6 + new[5] + new[2] * 12 + new[1] + new[0]
        footer = String(decoding: bytes[(end + 1)..<(bytes.count - 1)], as: UTF8.self)
    }
}
