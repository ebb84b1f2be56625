/// What a schema in the definition of a custom resource must be like (Kubernetes documentation, "Specifying a structural
/// schema"). Pure; messages and places are Kubernetes', which has two sets of rules: those of structure, which every
/// schema without a forbidden keyword must obey, and those of single keywords.
public struct StructuralRules {
    /// Faults of the structure.
    private var structure: [FieldError] = []
    /// Faults of single keywords.
    var keywords: [FieldError] = []

    /// Where a schema stands; the messages differ.
    private enum Level {
        case root
        case item
        case field
    }

    /// What the schemas around one say about it.
    struct Surroundings {
        /// Where defaults are forbidden; `nil` where they may stand.
        var noDefaults: String?
        /// Whether the schema is of the metadata of an object, or of its kind or version.
        var isInMetadata = false
    }

    private static let metaFields: Set<String> = ["apiVersion", "kind", "metadata"]

    /// What is wrong with the schema of a version, which stands at `path` in the definition. With `hasStatus` the version
    /// has a status that is written apart, whose schema must lose nothing when it is taken by itself.
    public static func errors(in schema: Value, at path: String, hasStatus: Bool = false) -> [FieldError] {
        var rules = StructuralRules()
        var errors: [FieldError] = []
        if hasStatus { errors += rootErrors(in: schema, path) }
        if schema["nullable"] == true {
            errors.append(.forbidden(path + ".nullable", "nullable cannot be true at the root"))
        }
        rules.visit(schema, path, .root, Surroundings())
        rules.completeClauses(of: schema, by: schema, path, path)
        let obstacle = obstacle(in: schema)
        if obstacle == nil { errors += rules.structure.sorted { $0.description < $1.description } }
        errors += rules.keywords
        if errors.isEmpty, let obstacle { errors.append(.invalid(path, value: "", obstacle)) }
        return errors
    }

    /// The first of the keywords that a structure cannot have; with one, nothing is said about structure.
    private static func obstacle(in schema: Value) -> String? {
        guard let fields = schema.fields else { return nil }
        for (key, inner) in fields {
            switch key {
            case "$schema", "id", "$ref":
                if inner != "" { return "OpenAPIV3Schema '\(key == "$schema" ? "schema" : key)' is not supported" }
            case "additionalItems": return "OpenAPIV3Schema '\(key)' is not supported"
            case "definitions", "dependencies", "patternProperties":
                if inner.holdsMore { return "OpenAPIV3Schema '\(key)' is not supported" }
            case "x-kubernetes-preserve-unknown-fields":
                if inner == false { return "internal error: '\(key)' must be true or undefined" }
            case "properties":
                for (_, property) in inner.fields ?? Fields() {
                    if let found = obstacle(in: property) { return found }
                }
            case "items", "additionalProperties", "not":
                if inner.array != nil { return "OpenAPIV3Schema 'items' must be a schema, but is an array" }
                if let found = obstacle(in: inner) { return found }
            case "allOf", "anyOf", "oneOf":
                for clause in inner.array ?? [] {
                    if let found = obstacle(in: clause) { return found }
                }
            default: break
            }
        }
        return nil
    }

    // MARK: Structure

    private mutating func visit(_ schema: Value, _ path: String, _ level: Level, _ around: Surroundings) {
        checkKeywords(schema, path, around)
        checkType(schema, path, level)
        checkIntOrString(schema, path)
        checkPattern(schema, path)
        let isResource = schema["x-kubernetes-embedded-resource"] == true
        if level == .root || isResource { checkMetaFields(schema, path) }
        if level == .root { checkRoot(schema, path) }
        for (name, property) in schema["properties"]?.fields ?? Fields() {
            var inner = around
            if level == .root || isResource, Self.metaFields.contains(name) {
                inner.isInMetadata = true
                if level == .root { inner.noDefaults = "in top-level " + name }
            }
            visit(property, "\(path).properties[\(name)]", .field, inner)
        }
        if let items = schema["items"], items.fields != nil { visit(items, path + ".items", .item, around) }
        if let values = schema["additionalProperties"], values.fields != nil {
            var inner = around
            if around.isInMetadata { inner.noDefaults = "inside additionalProperties applying to object metadata" }
            visit(values, path + ".additionalProperties", .field, inner)
        }
        visitClauses(of: schema, path, around, isStructure: true, skipsAnyOf: true)
    }

    private mutating func checkType(_ schema: Value, _ path: String, _ level: Level) {
        let type = schema["type"]?.string ?? ""
        let preserves = schema["x-kubernetes-preserve-unknown-fields"] == true
        let isResource = schema["x-kubernetes-embedded-resource"] == true
        if isResource, type != "object" {
            let why = "must be object if x-kubernetes-embedded-resource is true"
            structure.append(
                type.isEmpty
                    ? .required(path + ".type", why) : .invalid(path + ".type", value: .string(type), why))
        } else if type.isEmpty, schema["x-kubernetes-int-or-string"] != true, !preserves {
            let what =
                switch level {
                case .root: "at the root"
                case .item: "for specified array items"
                case .field: "for specified object fields"
                }
            structure.append(.required(path + ".type", "must not be empty " + what))
        }
        if type == "array", schema["items"] == nil {
            structure.append(.required(path + ".items", "must be specified"))
        }
        if isResource, schema["additionalProperties"] != nil {
            structure.append(
                .forbidden(
                    path + ".additionalProperties", "must not be used if x-kubernetes-embedded-resource is set"))
        }
        if isResource, !preserves, schema["properties"]?.holdsMore != true {
            structure.append(
                .required(
                    path + ".properties",
                    "must not be empty if x-kubernetes-embedded-resource is true without "
                        + "x-kubernetes-preserve-unknown-fields"))
        }
    }

    private mutating func checkIntOrString(_ schema: Value, _ path: String) {
        guard schema["x-kubernetes-int-or-string"] == true else { return }
        for key in ["x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"]
        where schema[key] == true {
            structure.append(
                .invalid("\(path).\(key)", value: true, "must be false if x-kubernetes-int-or-string is true"))
        }
    }

    private mutating func checkPattern(_ schema: Value, _ path: String) {
        guard let pattern = schema["pattern"]?.string, !pattern.isEmpty else { return }
        do throws(RegularExpressionError) { _ = try RegularExpression(pattern) } catch {
            structure.append(
                .invalid(
                    path + ".pattern", value: .string(pattern),
                    "must be a valid regular expression, but isn't: \(error)"))
        }
    }

    /// What names an object cannot be of another type than it is.
    private mutating func checkMetaFields(_ schema: Value, _ path: String) {
        for (name, wanted) in [("kind", "string"), ("apiVersion", "string"), ("metadata", "object")] {
            guard let property = schema.at("properties", name) else { continue }
            let type = property["type"]?.string ?? ""
            if type != wanted {
                structure.append(
                    .invalid("\(path).properties[\(name)].type", value: .string(type), "must be \(wanted)"))
            }
        }
    }

    private mutating func checkRoot(_ schema: Value, _ path: String) {
        if let type = schema["type"]?.string, !type.isEmpty, type != "object" {
            structure.append(.invalid(path + ".type", value: .string(type), "must be object at the root"))
        }
        if schema["additionalProperties"] != nil {
            structure.append(.forbidden(path + ".additionalProperties", "must not be used at the root"))
        }
        guard let metadata = schema.at("properties", "metadata")?.fields else { return }
        let isRestricted = metadata.contains { key, value in
            switch key {
            case "default", "example", "type": false
            case "properties": (value.fields ?? Fields()).contains { key, _ in key != "name" && key != "generateName" }
            default: key == "additionalProperties" || value.holdsMore
            }
        }
        if isRestricted {
            structure.append(
                .forbidden(
                    path + ".properties[metadata]",
                    "must not specify anything other than name and generateName, but metadata is implicitly specified"))
        }
    }

    // MARK: Combinations

    /// What shapes objects has no place in schemas that only judge them.
    private static let shaping = [
        ("type", "empty"), ("additionalProperties", "undefined"), ("default", "undefined"), ("title", "empty"),
        ("description", "empty"), ("nullable", "false"), ("externalDocs", "undefined"),
        ("x-kubernetes-preserve-unknown-fields", "false"), ("x-kubernetes-embedded-resource", "false"),
        ("x-kubernetes-int-or-string", "false"), ("x-kubernetes-list-map-keys", "empty"),
        ("x-kubernetes-list-type", "undefined"), ("x-kubernetes-map-type", "undefined"),
        ("x-kubernetes-validations", "empty"),
    ]

    /// How a schema says that its value is a number or a text: the only place where a type stands in a combination.
    private static let intOrString: Value = [["type": "integer"], ["type": "string"]]

    /// The combinations of a schema. With `isStructure` the schema stands outside of any, where `anyOf`, or that of the
    /// first `allOf`, may say that the value is a number or a text.
    private mutating func visitClauses(
        of schema: Value, _ path: String, _ around: Surroundings, isStructure: Bool, skipsAnyOf: Bool
    ) {
        for key in ["allOf", "anyOf", "oneOf"] {
            if key == "anyOf", skipsAnyOf, schema[key] == Self.intOrString { continue }
            for (index, clause) in (schema[key]?.array ?? []).enumerated() {
                visit(
                    clause: clause, "\(path).\(key)[\(index)]", around,
                    skipsAnyOf: isStructure && key == "allOf" && index == 0)
            }
        }
        if let clause = schema["not"], clause.fields != nil { visit(clause: clause, path + ".not", around) }
    }

    private mutating func visit(
        clause: Value, _ path: String, _ around: Surroundings, skipsAnyOf: Bool = false
    ) {
        checkKeywords(clause, path, around)
        checkPattern(clause, path)
        for (key, wanted) in Self.shaping {
            guard let value = clause[key], key == "default" || key == "additionalProperties" || value.holdsMore else {
                continue
            }
            structure.append(.forbidden("\(path).\(key)", "must be \(wanted) to be structural"))
        }
        for (name, property) in clause["properties"]?.fields ?? Fields() {
            let place = "\(path).properties[\(name)]"
            visit(clause: property, place, around)
            if name == "metadata" {
                structure.append(.forbidden(place, "must not be specified in a nested context"))
            }
        }
        if let items = clause["items"], items.fields != nil { visit(clause: items, path + ".items", around) }
        visitClauses(of: clause, path, around, isStructure: false, skipsAnyOf: skipsAnyOf)
    }

    /// What the combinations of a schema name, the structure must name too. Kubernetes asks this of the root's alone.
    private mutating func completeClauses(
        of schema: Value, by structure: Value, _ path: String, _ place: String
    ) {
        if let clause = schema["not"], clause.fields != nil { complete(clause, by: structure, path, place + ".not") }
        for key in ["allOf", "anyOf", "oneOf"] {
            for (index, clause) in (schema[key]?.array ?? []).enumerated() {
                complete(clause, by: structure, path, "\(place).\(key)[\(index)]")
            }
        }
    }

    /// A schema of a combination, which stands at `place`; what it speaks of stands at `path`.
    private mutating func complete(_ clause: Value, by part: Value?, _ path: String, _ place: String) {
        guard let part else { return structure.append(.required(path, "because it is defined in \(place)")) }
        completeClauses(of: clause, by: part, path, place)
        for (name, property) in clause["properties"]?.fields ?? Fields() {
            let step = ".properties[\(name)]"
            complete(property, by: part["properties"]?[name], path + step, place + step)
        }
        if let items = clause["items"], items.fields != nil {
            complete(items, by: part["items"], path + ".items", place + ".items")
        }
    }
}

extension Value {
    /// Whether a keyword says more than it would by its absence.
    var holdsMore: Bool {
        switch self {
        case .null: false
        case .bool(let flag): flag
        case .string(let text): !text.isEmpty
        case .array(let items): !items.isEmpty
        case .object(let fields): !fields.isEmpty
        default: true
        }
    }
}
