import APIMachinery

/// The types of the Kubernetes API as the facts tell them.
struct KubernetesFacts {
    /// A type's place in the facts: `core/v1` and `Pod`.
    struct TypeName: Hashable, Comparable {
        var group: String
        var name: String

        static func < (a: TypeName, b: TypeName) -> Bool { (a.group, a.name) < (b.group, b.name) }
    }

    let groups: Fields

    init(_ document: Value) throws {
        guard let groups = document["groups"]?.fields else { throw Complaint("the facts have no groups") }
        self.groups = groups
    }

    /// Every type that has fields, in a stable order.
    var typeNames: [TypeName] {
        groups.flatMap { group, entry in
            (entry["types"]?.fields?.keys ?? []).map { TypeName(group: group, name: $0) }
        }.filter { entry($0)["fields"] != nil || entry($0)["sameAs"] != nil }
    }

    func entry(_ type: TypeName) -> Value { groups[type.group]?["types"]?[type.name] ?? .emptyObject }

    /// The type that is meant by one that only repeats another (`core/v1.List`).
    func original(of type: TypeName) -> TypeName {
        entry(type)["sameAs"]?.string.map { resolve($0, in: type.group) } ?? type
    }

    /// The fields of a type, as the facts tell them.
    func fields(of type: TypeName) -> [Value] { entry(original(of: type))["fields"]?.array ?? [] }

    /// The type that `ref:T` or `ref:core/v1.T` (with or without `ref:`) means within a group.
    func resolve(_ reference: String, in group: String) -> TypeName {
        let name = reference.hasPrefix("ref:") ? String(reference.dropFirst(4)) : reference
        guard let dot = name.lastIndex(of: ".") else { return TypeName(group: group, name: name) }
        return TypeName(group: String(name[..<dot]), name: String(name[name.index(after: dot)...]))
    }

    /// The name that OpenAPI documents give the type: `io.k8s.api.core.v1.Pod`.
    func definitionName(_ type: TypeName) -> String {
        let package = groups[type.group]?["protoPackage"]?.string ?? "k8s.io.apimachinery.pkg.version"
        let path = package.dropFirst("k8s.io.".count).map { $0 == "_" ? "-" : $0 }
        return "io.k8s." + String(path) + "." + type.name
    }

    /// Whether the JSON is the value of one member, not an object of all: its Go fields have no JSON names.
    func isUnionOfForms(_ type: TypeName) -> Bool {
        type.name.hasPrefix("JSONSchemaPropsOr")
    }
}
