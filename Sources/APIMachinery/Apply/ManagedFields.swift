public import Support

/// Who owns what of one object: `metadata.managedFields` (meta/v1, KEP-555).
public struct ManagedFields: Hashable, Sendable {
    public enum Operation: String, Hashable, Sendable {
        /// Server-side apply.
        case apply = "Apply"
        /// Every other write.
        case update = "Update"
    }

    /// A writer, as far as ownership tells writers apart.
    public struct Owner: Hashable, Sendable {
        public var manager: String
        public var operation: Operation
        /// The version whose field names the set is in.
        public var apiVersion: String
        /// The subresource through which it writes; empty for the object itself.
        public var subresource: String

        public init(manager: String, operation: Operation, apiVersion: String, subresource: String = "") {
            self.manager = manager
            self.operation = operation
            self.apiVersion = apiVersion
            self.subresource = subresource
        }

        /// Who applies is the same in every version; who updates has one entry per version.
        func isSame(as other: Owner) -> Bool {
            manager == other.manager && operation == other.operation && subresource == other.subresource
                && (operation == .apply || apiVersion == other.apiVersion)
        }

        /// The same for all that are the same writer.
        fileprivate var inAnyVersion: Owner {
            var owner = self
            if operation == .apply { owner.apiVersion = "" }
            return owner
        }

        /// By names, for answers that must not depend on anything else.
        static func < (a: Owner, b: Owner) -> Bool {
            (a.manager, a.operation.rawValue, a.apiVersion, a.subresource)
                < (b.manager, b.operation.rawValue, b.apiVersion, b.subresource)
        }
    }

    public struct Entry: Hashable, Sendable {
        public var owner: Owner
        public var fields: FieldSet
        /// When the owner last changed something, in whole seconds.
        public var time: Timestamp?

        public init(owner: Owner, fields: FieldSet, time: Timestamp? = nil) {
            self.owner = owner
            self.fields = fields
            self.time = time.map { Timestamp(seconds: $0.seconds) }
        }
    }

    /// Each owner once.
    public private(set) var entries: [Entry] = []

    public init() {}

    public var isEmpty: Bool { entries.isEmpty }

    /// What an owner owns.
    subscript(owner: Owner) -> Entry? {
        get { entries.first { $0.owner.isSame(as: owner) } }
        set {
            entries.removeAll { $0.owner.isSame(as: owner) }
            if let newValue { entries.append(newValue) }
        }
    }

    /// Gives the entries of all owners a new set; an owner whose set becomes empty is no owner any more.
    mutating func mapFields(_ change: (Entry) -> FieldSet?) {
        for index in entries.indices {
            if let fields = change(entries[index]) { entries[index].fields = fields }
        }
        entries.removeAll(where: \.fields.isEmpty)
    }

    /// Puts the entries into the order in which Kubernetes writes them: who applies first, then by time and names.
    mutating func sort() {
        entries.sort { a, b in
            if a.owner.operation != b.owner.operation { return a.owner.operation == .apply }
            let (left, right) = (a.time?.seconds ?? 0, b.time?.seconds ?? 0)
            return left == right ? a.owner < b.owner : left < right
        }
    }

    /// So many entries of updates are kept apart.
    static let updateLimit = 10
    /// The manager of what the oldest updates beyond the limit own.
    static let ancient = "ancient-changes"

    /// Joins the oldest updates of each version into one entry until no more than ``updateLimit`` are left.
    mutating func joinOldest() {
        var updates = entries.filter { $0.owner.operation == .update }
        guard updates.count > Self.updateLimit else { return }
        updates.sort { a, b in
            let (left, right) = (a.time?.seconds ?? 0, b.time?.seconds ?? 0)
            return left == right ? a.owner < b.owner : left < right
        }
        var count = updates.count
        var firstOfVersion: [String: Owner] = [:]
        for entry in updates {
            guard count > Self.updateLimit else { return }
            guard let first = firstOfVersion[entry.owner.apiVersion] else {
                firstOfVersion[entry.owner.apiVersion] = entry.owner
                continue
            }
            let bucket = Owner(manager: Self.ancient, operation: .update, apiVersion: entry.owner.apiVersion)
            var joined = self[bucket] ?? Entry(owner: bucket, fields: self[first]?.fields ?? FieldSet())
            if self[bucket] == nil { self[first] = nil }
            joined.fields = joined.fields.union(entry.fields)
            joined.time = entry.time
            if !entry.owner.isSame(as: bucket) { self[entry.owner] = nil }
            self[bucket] = joined
            count -= 1
        }
    }
}

// MARK: - Reading

/// Why a list is no `metadata.managedFields`.
public struct ManagedFieldsError: Error, Hashable, Sendable, CustomStringConvertible {
    public var description: String
}

extension ManagedFields {
    /// Reads the list as an object holds it.
    public init(_ value: Value) throws(ManagedFieldsError) {
        var known: Set<Owner> = []
        for (index, item) in (value.array ?? []).enumerated() {
            let entry: Entry
            do throws(FieldSetError) {
                entry = Entry(
                    owner: try Self.owner(item, index), fields: try FieldSet(fieldsV1: item["fieldsV1"] ?? .null),
                    time: item["time"]?.string.flatMap { Timestamp($0) })
            } catch {
                throw ManagedFieldsError(description: "\(error) in managed fields entry \(index)")
            }
            if known.insert(entry.owner.inAnyVersion).inserted {
                entries.append(entry)
            } else {
                self[entry.owner] = entry
            }
        }
    }

    private static func owner(_ item: Value, _ index: Int) throws(FieldSetError) -> Owner {
        guard let operation = Operation(rawValue: item["operation"]?.string ?? "") else {
            throw FieldSetError(description: "operation must be `Update` or `Apply`")
        }
        guard let apiVersion = item["apiVersion"]?.string, !apiVersion.isEmpty else {
            throw FieldSetError(description: "apiVersion must not be empty")
        }
        guard item["fieldsType"] == "FieldsV1" else {
            throw FieldSetError(description: "fieldsType must be FieldsV1")
        }
        return Owner(
            manager: item["manager"]?.string ?? "", operation: operation, apiVersion: apiVersion,
            subresource: item["subresource"]?.string ?? "")
    }
}

extension ManagedFields.Entry {
    /// The entry as canonical JSON but for its end, where the time stands: `{"apiVersion":...,"operation":"Update"`.
    var head: [UInt8] {
        var bytes: [UInt8] = []
        func append(_ name: String, _ text: String) {
            bytes += "\"\(name)\":".utf8
            JSONText.append(quoting: text, to: &bytes)
        }
        bytes.append(UInt8(ascii: "{"))
        append("apiVersion", owner.apiVersion)
        bytes += ",\"fieldsType\":\"FieldsV1\",\"fieldsV1\":".utf8
        fields.encode(into: &bytes, isMember: false)
        if !owner.manager.isEmpty {
            bytes.append(UInt8(ascii: ","))
            append("manager", owner.manager)
        }
        bytes.append(UInt8(ascii: ","))
        append("operation", owner.operation.rawValue)
        if !owner.subresource.isEmpty {
            bytes.append(UInt8(ascii: ","))
            append("subresource", owner.subresource)
        }
        return bytes
    }
}
