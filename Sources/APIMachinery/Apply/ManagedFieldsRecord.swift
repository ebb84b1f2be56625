import Support

/// `metadata.managedFields` at rest: 16 bytes for each manager, and the claims that objects share.
///
/// A ``StoredObject`` has it apart from its bytes, since only answers to clients show it.
public struct ManagedFieldsRecord: Hashable, Sendable {
    private struct Item: Hashable {
        var claim: FieldClaim
        /// In seconds; ``noTime`` for an entry without.
        var time: Int64
    }

    private static let noTime = Int64.min
    /// Of more owners than this, which no server leaves on an object, nothing is remembered.
    private static let few = 32
    private var items: [Item] = []

    public init() {}

    public init(_ managed: ManagedFields) {
        items = managed.entries.map {
            Item(claim: .of($0.head[...]), time: $0.time?.seconds ?? Self.noTime)
        }
    }

    /// The same, for an object that had the owners `old` before: who owns what he owned has the claim that he had.
    public init(_ managed: ManagedFields, after old: ManagedFieldsRecord) {
        let known = old.items.count <= Self.few ? old.items : []
        items = managed.entries.map { entry in
            let known = known.first { item in
                item.claim.entry.map { $0.owner == entry.owner && $0.fields == entry.fields } ?? false
            }
            return Item(
                claim: known?.claim ?? .of(entry.head[...]), time: entry.time?.seconds ?? Self.noTime)
        }
    }

    /// Reads the canonical JSON of the list.
    init(json: [UInt8]) throws(JSONError) {
        var cursor = JSONCursor(json)
        guard cursor.enterArray() else { return }
        while cursor.nextElement() {
            let entry = try cursor.sliceValue()
            let (head, time) = Self.split(entry)
            items.append(Item(claim: .of(head), time: time))
        }
    }

    public var isEmpty: Bool { items.isEmpty }

    /// Whether the same managers own the same, whenever they came to it.
    public func isSame(butForTimes other: ManagedFieldsRecord) -> Bool {
        claims == other.claims
    }

    /// What each manager owns.
    var claims: [FieldClaim] { items.map(\.claim) }

    /// The entries, to be decided with. An entry that cannot be read is nobody's.
    public var managed: ManagedFields {
        var managed = ManagedFields()
        for item in items {
            guard items.count <= Self.few, let entry = item.claim.entry, managed[entry.owner] == nil else {
                return (try? ManagedFields(value)) ?? ManagedFields()
            }
            let time = item.time == Self.noTime ? nil : Timestamp(seconds: item.time)
            managed[entry.owner] = ManagedFields.Entry(owner: entry.owner, fields: entry.fields, time: time)
        }
        return managed
    }

    /// The list as a tree.
    public var value: Value {
        var json: [UInt8] = []
        encode(into: &json)
        return (try? Value(json: json, limits: .own)) ?? .array([])
    }

    // MARK: JSON

    /// What stands between the head and the time, and behind the time. An unescaped quote cannot be part of a text, so
    /// a head never looks like it.
    private static let timeKey = Array(",\"time\":\"".utf8)
    private static let timeLength = 20

    private static func split(_ entry: ArraySlice<UInt8>) -> (head: ArraySlice<UInt8>, time: Int64) {
        let tail = timeKey.count + timeLength + 2
        if entry.count > tail, entry.suffix(tail).starts(with: timeKey) {
            let digits = entry.dropLast(2).suffix(timeLength)
            if let time = Timestamp(String(decoding: digits, as: UTF8.self)) {
                return (entry.dropLast(tail), time.seconds)
            }
        }
        return (entry.dropLast(), noTime)
    }

    /// Appends the canonical JSON of the list.
    func encode(into bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "["))
        var isFirst = true
        for item in items {
            if !isFirst { bytes.append(UInt8(ascii: ",")) }
            isFirst = false
            item.claim.append(to: &bytes)
            if item.time != Self.noTime {
                bytes += Self.timeKey
                Timestamp(seconds: item.time).append(to: &bytes)
                bytes.append(UInt8(ascii: "\""))
            }
            bytes.append(UInt8(ascii: "}"))
        }
        bytes.append(UInt8(ascii: "]"))
    }

    private static let key = "managedFields"

    /// Where in an object's canonical JSON the field belongs: before the first field of `metadata` that comes after it
    /// in byte order. `nil` when there is none, which is so for no object that has a name.
    static func offset(in json: [UInt8]) throws(JSONError) -> Int? {
        var cursor = JSONCursor(json)
        guard try cursor.enterField("metadata") else { return nil }
        while true {
            let start = cursor.offset
            guard let name = try cursor.nextKey() else { return nil }
            if Fields.compare(name, key) > 0 { return start + (json[start] == UInt8(ascii: ",") ? 1 : 0) }
            try cursor.skipValue()
        }
    }

    /// Appends the object with the list in its place.
    func join(_ json: [UInt8], at offset: Int, into bytes: inout [UInt8]) {
        bytes += json[..<offset]
        bytes += "\"managedFields\":".utf8
        encode(into: &bytes)
        bytes.append(UInt8(ascii: ","))
        bytes += json[offset...]
    }

    /// The object, which is canonical JSON without the list, as the log keeps it.
    public func joined(to json: [UInt8]) throws(JSONError) -> [UInt8] {
        guard !isEmpty, let offset = try Self.offset(in: json) else { return json }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(json.count + 256)
        join(json, at: offset, into: &bytes)
        return bytes
    }
}
