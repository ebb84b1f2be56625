/// Reads the few fields of `metadata` that look-ups need out of canonical JSON, without making a tree of the rest.
struct MetadataScan {
    private(set) var name = ""
    private(set) var namespace = ""
    private(set) var uid = ""
    private(set) var labels = Fields()
    private(set) var owners: [StoredObject.Owner] = []
    private(set) var isDeleting = false
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
        while let key = try cursor.nextKey() {
            switch key {
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

    /// The bytes with the field put in its place.
    func splicing(resourceVersion: Int64, into json: [UInt8]) -> [UInt8] {
        let digits = String(resourceVersion).utf8
        var bytes: [UInt8] = []
        bytes.reserveCapacity(json.count + digits.count + 22)
        bytes += json[..<spliceOffset]
        if hasFieldBefore { bytes.append(UInt8(ascii: ",")) }
        bytes += "\"resourceVersion\":\"".utf8
        bytes += digits
        bytes.append(UInt8(ascii: "\""))
        if hasFieldAfter, !hasFieldBefore { bytes.append(UInt8(ascii: ",")) }
        bytes += json[spliceOffset...]
        return bytes
    }
}
