/// Reads the few fields of `metadata` that look-ups need out of canonical JSON, without making a tree of the rest.
struct MetadataScan {
    private(set) var name = ""
    private(set) var namespace = ""
    private(set) var uid = ""
    private(set) var labels = Fields()
    private(set) var owners: [StoredObject.Owner] = []
    private(set) var isDeleting = false
    private(set) var managedFields = ManagedFieldsRecord()
    /// Where `managedFields` stands with one comma; it is kept apart.
    private var cut: Range<Int>?
    /// Where `"resourceVersion":"...",` belongs, given that the fields of `metadata` are in byte order.
    private var spliceOffset = 0
    /// Whether a field stands before, and one behind, the splice.
    private var hasFieldBefore = false
    private var hasFieldAfter = false

    init(_ json: [UInt8]) throws(JSONError) {
        var cursor = JSONCursor(json)
        let found = try cursor.enterField("metadata")
        guard found else { throw JSONError(offset: 0, reason: "the object has no metadata") }
        spliceOffset = cursor.offset
        while true {
            let start = cursor.offset
            guard let key = try cursor.nextKey() else { break }
            switch key {
            case "managedFields":
                managedFields = try ManagedFieldsRecord(json: Array(try cursor.sliceValue()))
                cut = Self.cut(start..<cursor.offset, of: json)
                continue
            case "name": name = try cursor.readValue().string ?? ""
            case "namespace": namespace = try cursor.readValue().string ?? ""
            case "uid": uid = try cursor.readValue().string ?? ""
            case "labels": labels = try cursor.readValue().fields ?? Fields()
            case "ownerReferences": owners = (try cursor.readValue().array ?? []).map(StoredObject.Owner.init)
            case "deletionTimestamp":
                isDeleting = true
                try cursor.skipValue()
            case "resourceVersion":
                throw JSONError(offset: cursor.offset, reason: "the log keeps objects without resourceVersion")
            default: try cursor.skipValue()
            }
            if key.utf8.lexicographicallyPrecedes("resourceVersion".utf8) {
                spliceOffset = cursor.offset
                hasFieldBefore = true
            } else {
                hasFieldAfter = true
            }
        }
    }

    /// The field with the comma before it, or else behind it.
    private static func cut(_ range: Range<Int>, of json: [UInt8]) -> Range<Int> {
        let comma = UInt8(ascii: ",")
        let isFollowed = json[range.lowerBound] != comma && json[range.upperBound] == comma
        return range.lowerBound..<range.upperBound + (isFollowed ? 1 : 0)
    }

    /// The bytes with the field put in its place, and without `managedFields`. What no write of the log made, at 0, has
    /// no version.
    func splicing(resourceVersion: Int64, into json: [UInt8]) -> [UInt8] {
        let cut = cut ?? 0..<0
        guard resourceVersion != 0 else { return Array(json[..<cut.lowerBound] + json[cut.upperBound...]) }
        let digits = String(resourceVersion).utf8
        var bytes: [UInt8] = []
        bytes.reserveCapacity(json.count + digits.count + 22)
        bytes += json[..<cut.lowerBound]
        bytes += json[cut.upperBound..<max(spliceOffset, cut.upperBound)]
        if hasFieldBefore { bytes.append(UInt8(ascii: ",")) }
        bytes += "\"resourceVersion\":\"".utf8
        bytes += digits
        bytes.append(UInt8(ascii: "\""))
        if hasFieldAfter, !hasFieldBefore { bytes.append(UInt8(ascii: ",")) }
        bytes += json[max(spliceOffset, cut.upperBound)...]
        return bytes
    }
}
