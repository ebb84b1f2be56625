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

    /// `registry` holds what the server does beside serving: generations, unconditional updates, ....
    init(_ document: Value, registry: Value, _ types: KubernetesFacts) throws {
        guard let entries = document["resources"]?.array else {
            throw Complaint("the facts have no resources")
        }
        var table = Value.emptyObject
        for key in ["groupOrder", "preferredVersions", "apiServicePriorities"] { table[key] = document[key] }
        table["resources"] = .array(
            try entries.map { Self.adding(registry, to: try Self.compact($0, types)) })
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
        for key in ["rowConditions", "shortNames", "categories", "subresources"]
        where entry[key]?.array?.isEmpty == true {
            entry[key] = nil
        }
        return entry
    }

    /// Marks what a resource's registry does, where it is not what most do.
    private static func adding(_ registry: Value, to entry: Value) -> Value {
        let group = entry["group"]?.string ?? ""
        let plural = entry["plural"]?.string ?? ""
        let name = group.isEmpty ? plural : "\(group)/\(plural)"
        func isListed(_ key: String) -> Bool {
            (registry[key]?.array ?? []).contains {
                $0.string == name || (!group.isEmpty && $0.string == group + "/*")
            }
        }
        var entry = entry
        for (key, mark) in [
            ("generationManaged", "countsGenerations"), ("unconditionalUpdateForbidden", "demandsVersion"),
            ("createOnUpdate", "createsOnUpdate"),
        ] where isListed(key) { entry[mark] = true }
        let version = group.isEmpty ? "v1" : "\(group)/\(entry["version"]?.string ?? "")"
        let propagation = registry["defaultDeletionPropagation"]?.fields ?? Fields()
        if let special = propagation["\(version) \(plural)"] {
            entry["propagation"] = special.string.map(Value.string) ?? ""
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
    static func groupKey(_ group: String, _ version: String) -> String {
        (group.isEmpty ? "core" : group) + "/" + version
    }
}
