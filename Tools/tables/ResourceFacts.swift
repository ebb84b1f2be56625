import APIMachinery

/// The served resources as the facts tell them.
struct ResourceFacts {
    /// One served resource, as far as names are concerned.
    struct Resource {
        var group: String
        var version: String
        var kind: String
        var plural: String
    }

    /// What goes into the binary: one JSON document.
    let table: Value
    let resources: [Resource]

    init(_ document: Value, _ types: KubernetesFacts) throws {
        guard let entries = document["resources"]?.array else { throw Complaint("the facts have no resources") }
        var table = Value.emptyObject
        for key in ["groupOrder", "preferredVersions", "apiServicePriorities"] { table[key] = document[key] }
        table["resources"] = .array(try entries.map { try Self.compact($0, types) })
        self.table = table
        resources = entries.map { entry in
            func text(_ key: String) -> String { entry[key]?.string ?? "" }
            return Resource(
                group: text("group"), version: text("version"), kind: text("kind"), plural: text("plural"))
        }
    }

    /// The names of the resource's and its subresources' types are added; what only people read is left out.
    private static func compact(_ entry: Value, _ types: KubernetesFacts) throws -> Value {
        var entry = entry
        let home = groupKey(entry["group"]?.string ?? "", entry["version"]?.string ?? "")
        entry["type"] = .string(types.definitionName(.init(group: home, name: entry["kind"]?.string ?? "")))
        entry["subresources"] = .array(
            (entry["subresources"]?.array ?? []).map { subresource in
                var subresource = subresource
                let parts = (subresource["groupVersion"]?.string ?? home).split(separator: "/")
                let group = parts.count == 2 ? parts.joined(separator: "/") : home
                subresource["type"] = .string(
                    types.definitionName(.init(group: group, name: subresource["kind"]?.string ?? "")))
                return subresource
            })
        if let columns = entry["columns"]?.array { entry["columns"] = .array(columns.map(compactColumn)) }
        for key in ["rowConditions", "shortNames", "categories", "subresources"] where entry[key]?.array?.isEmpty == true {
            entry[key] = nil
        }
        return entry
    }

    /// The rules of computed columns are written by hand, so only their heads are kept.
    private static func compactColumn(_ column: Value) -> Value {
        guard column["computed"]?.bool == true else { return column }
        var head = Value.emptyObject
        for key in ["name", "type", "priority"] { head[key] = column[key] }
        head["computed"] = true
        return head
    }

    /// The facts' name of an API version: `core/v1`, `apps/v1`.
    static func groupKey(_ group: String, _ version: String) -> String { (group.isEmpty ? "core" : group) + "/" + version }
}
