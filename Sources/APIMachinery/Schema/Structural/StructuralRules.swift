/// What a schema in the definition of a custom resource must be like (Kubernetes documentation, "Specifying a structural
/// schema"). Pure; messages are Kubernetes'.
public struct StructuralRules {
    public private(set) var errors: [FieldError] = []

    /// Keywords of JSON Schema that definitions must not use.
    private static let forbidden = [
        ("$ref", "$ref is not supported"), ("definitions", "definitions is not supported"),
        ("dependencies", "dependencies is not supported"), ("patternProperties", "patternProperties is not supported"),
        ("additionalItems", "additionalItems is not supported"), ("id", "id is not supported"),
    ]
    private static let types: Set<String> = ["array", "boolean", "integer", "number", "object", "string"]
    /// What must not stand inside of `allOf`, `anyOf`, `oneOf` and `not`: it shapes objects, and does not judge them.
    private static let shaping = [
        "additionalProperties", "default", "description", "nullable", "title", "type",
        "x-kubernetes-embedded-resource", "x-kubernetes-int-or-string", "x-kubernetes-list-map-keys",
        "x-kubernetes-list-type", "x-kubernetes-map-type", "x-kubernetes-preserve-unknown-fields",
        "x-kubernetes-validations",
    ]

    /// What is wrong with the schema of one version, which stands at `path` in the definition.
    public static func errors(in schema: Value, at path: String) -> [FieldError] {
        var rules = StructuralRules()
        rules.checkRoot(schema, path)
        rules.check(schema, path, isRoot: true)
        return rules.errors
    }

    private mutating func checkRoot(_ schema: Value, _ path: String) {
        switch schema["type"]?.string ?? "" {
        case "object": break
        case "": errors.append(.required(path + ".type", "must not be empty at the root"))
        case let other:
            errors.append(.invalid(path + ".type", value: .string(other), "must be object at the root"))
        }
        if schema["nullable"] == true {
            errors.append(.forbidden(path + ".nullable", "nullable cannot be true at the root"))
        }
        let allowed: Set<String> = ["name", "generateName"]
        if let metadata = schema.at("properties", "metadata") {
            let place = path + ".properties[metadata]"
            let others = (metadata["properties"]?.fields ?? Fields()).keys.filter { !allowed.contains($0) }
            if !others.isEmpty || metadata["additionalProperties"] != nil {
                errors.append(
                    .forbidden(
                        place,
                        "must not specify anything other than name and generateName, but metadata is implicitly "
                            + "specified"))
            }
            if let type = metadata["type"]?.string, !type.isEmpty, type != "object" {
                errors.append(.invalid(place + ".type", value: .string(type), "must be object"))
            }
        }
        for (name, type) in [("apiVersion", "string"), ("kind", "string")] {
            if let given = schema.at("properties", name)?["type"]?.string, given != type {
                errors.append(
                    .invalid("\(path).properties[\(name)].type", value: .string(given), "must be \(type)"))
            }
        }
    }

    // MARK: Structure

    private mutating func check(_ schema: Value, _ path: String, isRoot: Bool = false) {
        checkKeywords(schema, path)
        checkType(schema, path, isRoot: isRoot)
        checkExtensions(schema, path)
        checkBounds(schema, path)
        checkLists(schema, path)
        for (name, property) in schema["properties"]?.fields ?? Fields() {
            check(property, "\(path).properties[\(name)]")
        }
        if let items = schema["items"], items.fields != nil { check(items, path + ".items") }
        if let values = schema["additionalProperties"], values.fields != nil {
            check(values, path + ".additionalProperties")
        }
        for key in ["allOf", "anyOf", "oneOf"] {
            for (index, inner) in (schema[key]?.array ?? []).enumerated() {
                checkJunctor(inner, "\(path).\(key)[\(index)]", of: schema, path)
            }
        }
        if let inner = schema["not"], inner.fields != nil { checkJunctor(inner, path + ".not", of: schema, path) }
    }

    private mutating func checkKeywords(_ schema: Value, _ path: String) {
        for (key, message) in Self.forbidden where schema[key] != nil && schema[key] != "" {
            errors.append(.forbidden("\(path).\(key)", message))
        }
        if schema["uniqueItems"] == true {
            errors.append(
                .forbidden(
                    path + ".uniqueItems",
                    "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"))
        }
        if schema["additionalProperties"] == false {
            errors.append(.forbidden(path + ".additionalProperties", "additionalProperties cannot be set to false"))
        }
        if schema["items"]?.array != nil {
            errors.append(.forbidden(path + ".items", "items must be a schema object and not an array"))
        }
        if schema["additionalProperties"] != nil, !(schema["properties"]?.fields ?? Fields()).isEmpty {
            errors.append(
                .forbidden(
                    path + ".additionalProperties", "additionalProperties and properties are mutual exclusive"))
        }
    }

    private mutating func checkType(_ schema: Value, _ path: String, isRoot: Bool) {
        let type = schema["type"]?.string ?? ""
        let isIntOrString = schema["x-kubernetes-int-or-string"] == true
        let preserves = schema["x-kubernetes-preserve-unknown-fields"] == true
        if !type.isEmpty, !Self.types.contains(type) {
            errors.append(
                .notSupported(path + ".type", value: .string(type), supported: Self.types.sorted()))
        }
        if type.isEmpty, !isRoot, !isIntOrString, !preserves {
            let isItem = path.hasSuffix(".items")
            errors.append(
                .required(
                    path + ".type",
                    isItem
                        ? "must not be empty for specified array items"
                        : "must not be empty for specified object fields"))
        }
        if isIntOrString, !type.isEmpty {
            errors.append(
                .invalid(path + ".type", value: .string(type), "must be empty if x-kubernetes-int-or-string is true"))
        }
        if type == "array", schema["items"] == nil { errors.append(.required(path + ".items", "must be specified")) }
        if schema["x-kubernetes-embedded-resource"] == true {
            if type != "object" {
                errors.append(
                    .invalid(
                        path + ".type", value: .string(type), "must be object if x-kubernetes-embedded-resource is true"
                    ))
            }
            if !preserves, (schema["properties"]?.fields ?? Fields()).isEmpty {
                errors.append(
                    .required(
                        path + ".properties",
                        "must not be empty if x-kubernetes-embedded-resource is true without "
                            + "x-kubernetes-preserve-unknown-fields"))
            }
        }
    }

    private mutating func checkExtensions(_ schema: Value, _ path: String) {
        if schema["x-kubernetes-preserve-unknown-fields"] == false {
            errors.append(
                .invalid(path + ".x-kubernetes-preserve-unknown-fields", value: false, "must be true or undefined"))
        }
        if let type = schema["x-kubernetes-map-type"]?.string {
            if type != "atomic", type != "granular" {
                errors.append(
                    .notSupported(
                        path + ".x-kubernetes-map-type", value: .string(type), supported: ["atomic", "granular"]))
            }
            if schema["type"] != "object" {
                errors.append(
                    .invalid(
                        path + ".type", value: schema["type"] ?? "",
                        "must be object if x-kubernetes-map-type is specified"))
            }
        }
    }

    private mutating func checkBounds(_ schema: Value, _ path: String) {
        if let pattern = schema["pattern"]?.string {
            do throws(RegularExpressionError) { _ = try RegularExpression(pattern) } catch {
                errors.append(
                    .invalid(
                        path + ".pattern", value: .string(pattern),
                        "must be a valid regular expression, but isn't: \(error)"))
            }
        }
        for key in ["maxItems", "maxLength", "maxProperties", "minItems", "minLength", "minProperties"] {
            if let bound = schema[key]?.integer, bound < 0 {
                errors.append(.invalid("\(path).\(key)", value: .integer(bound), "must be greater than or equal to 0"))
            }
        }
        let required = (schema["required"]?.array ?? []).compactMap(\.string)
        if Set(required).count < required.count {
            var known: Set<String> = []
            for (index, name) in required.enumerated() where !known.insert(name).inserted {
                errors.append(.duplicate("\(path).required[\(index)]", value: .string(name)))
            }
        }
    }

    // MARK: Lists

    private mutating func checkLists(_ schema: Value, _ path: String) {
        guard let listType = schema["x-kubernetes-list-type"]?.string else {
            if schema["x-kubernetes-list-map-keys"] != nil {
                errors.append(
                    .required(
                        path + ".x-kubernetes-list-type", "must be map if x-kubernetes-list-map-keys is non-empty"))
            }
            return
        }
        if schema["type"] != "array" {
            errors.append(
                .invalid(
                    path + ".type", value: schema["type"] ?? "", "must be array if x-kubernetes-list-type is specified")
            )
        }
        switch listType {
        case "atomic": break
        case "set": checkSet(schema["items"] ?? .emptyObject, path)
        case "map": checkMap(schema, path)
        default:
            errors.append(
                .notSupported(
                    path + ".x-kubernetes-list-type", value: .string(listType), supported: ["atomic", "map", "set"]))
        }
    }

    private mutating func checkSet(_ items: Value, _ path: String) {
        if items["nullable"] == true {
            errors.append(
                .forbidden(path + ".items.nullable", "cannot be nullable when x-kubernetes-list-type is set"))
        }
        let isAtomic: Bool =
            switch items["type"]?.string {
            case "object": items["x-kubernetes-map-type"] == "atomic"
            case "array": items["x-kubernetes-list-type"].map { $0 == "atomic" } ?? true
            default: true
            }
        if !isAtomic {
            errors.append(
                .invalid(
                    path + ".items", value: "", "must be scalars, or atomic lists or maps, if the list is a set"))
        }
    }

    private mutating func checkMap(_ schema: Value, _ path: String) {
        let keys = (schema["x-kubernetes-list-map-keys"]?.array ?? []).compactMap(\.string)
        let items = schema["items"] ?? .emptyObject
        if keys.isEmpty {
            errors.append(
                .required(
                    path + ".x-kubernetes-list-map-keys", "must not be empty if x-kubernetes-list-type is map"))
        }
        if items["type"] != "object" {
            errors.append(
                .invalid(
                    path + ".items.type", value: items["type"] ?? "",
                    "must be object if parent array's x-kubernetes-list-type is map"))
        }
        if items["nullable"] == true {
            errors.append(
                .forbidden(path + ".items.nullable", "cannot be nullable when x-kubernetes-list-type is map"))
        }
        let required = Set((items["required"]?.array ?? []).compactMap(\.string))
        for (index, key) in keys.enumerated() {
            let place = "\(path).x-kubernetes-list-map-keys[\(index)]"
            if keys[..<index].contains(key) { errors.append(.duplicate(place, value: .string(key))) }
            guard let property = items["properties"]?[key] else {
                errors.append(.invalid(place, value: .string(key), "entries must all be names of item properties"))
                continue
            }
            if property["type"] == "array" || property["type"] == "object" {
                errors.append(
                    .invalid(
                        "\(path).items.properties[\(key)].type", value: property["type"] ?? "",
                        "must be a scalar type if parent array's x-kubernetes-list-type is map"))
            }
            if property["nullable"] == true {
                errors.append(
                    .forbidden("\(path).items.properties[\(key)].nullable", "keys of a map cannot be nullable"))
            }
            if !required.contains(key), property["default"] == nil {
                errors.append(
                    .required(
                        "\(path).items.properties[\(key)].default",
                        "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required "
                            + "property"))
            }
        }
    }

    // MARK: Combinations

    /// A schema inside of a combination speaks only of what the structure around it names.
    private mutating func checkJunctor(_ schema: Value, _ path: String, of structure: Value, _ home: String) {
        let isIntOrString = structure["x-kubernetes-int-or-string"] == true
        for key in Self.shaping where schema[key] != nil {
            if isIntOrString, key == "type" { continue }
            let value = schema[key] ?? .null
            guard value != false, value != "" else { continue }
            errors.append(.forbidden("\(path).\(key)", "must be empty to be structural"))
        }
        checkBounds(schema, path)
        for (name, property) in schema["properties"]?.fields ?? Fields() {
            let inner = structure["properties"]?[name] ?? structure["additionalProperties"]
            guard let inner, inner.fields != nil else {
                guard structure["x-kubernetes-preserve-unknown-fields"] != true else { continue }
                errors.append(
                    .required(
                        "\(home).properties[\(name)]", "because it is defined in \(path).properties[\(name)]"))
                continue
            }
            checkJunctor(property, "\(path).properties[\(name)]", of: inner, "\(home).properties[\(name)]")
        }
        if let items = schema["items"], items.fields != nil {
            guard let inner = structure["items"] else {
                errors.append(.required(home + ".items", "because it is defined in \(path).items"))
                return
            }
            checkJunctor(items, path + ".items", of: inner, home + ".items")
        }
        for key in ["allOf", "anyOf", "oneOf"] {
            for (index, inner) in (schema[key]?.array ?? []).enumerated() {
                checkJunctor(inner, "\(path).\(key)[\(index)]", of: structure, home)
            }
        }
        if let inner = schema["not"], inner.fields != nil {
            checkJunctor(inner, path + ".not", of: structure, home)
        }
    }
}
