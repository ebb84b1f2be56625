// The rules of single keywords, wherever a schema stands.
extension StructuralRules {
    private static let types: Set<String> = ["array", "boolean", "integer", "number", "object", "string"]

    /// Keywords of JSON Schema that definitions must not use, and whether they may be there as long as they are empty.
    private static let unsupported = [
        ("id", true), ("additionalItems", false), ("patternProperties", true), ("definitions", true),
        ("dependencies", false), ("$ref", false),
    ]

    /// In Kubernetes' order, which is the message's.
    private static let allowedAtRoot =
        "Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern "
        + "MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example "
        + "XPreserveUnknownFields XValidations"

    /// A status that is written apart is judged by its own part of the schema: what stands at the root and is about more
    /// than one field would be lost.
    static func rootErrors(in schema: Value, _ path: String) -> [FieldError] {
        if let type = schema["type"]?.string, !type.isEmpty, type != "object" {
            return [
                .invalid(
                    path + ".type", value: .string(type),
                    "only \\\"object\\\" is allowed as the type at the root of the schema if the status subresource is "
                        + "enabled")
            ]
        }
        let allowed = Set(allowedAtRoot.split(separator: " ").map { $0.lowercased() })
        let isForbidden = (schema.fields ?? Fields()).contains { key, value in
            switch key {
            case "x-kubernetes-preserve-unknown-fields", "x-kubernetes-validations": false
            case "default", "additionalProperties": true
            default: value.holdsMore && !allowed.contains(key.lowercased())
            }
        }
        // The whole schema is the value: too large to be told.
        return isForbidden
            ? [
                .invalid(
                    path,
                    "only [\(allowedAtRoot)] fields are allowed at the root of the schema if the status subresource is "
                        + "enabled")
            ] : []
    }

    mutating func checkKeywords(_ schema: Value, _ path: String, _ around: Surroundings) {
        let type = schema["type"]?.string ?? ""
        if !type.isEmpty, !Self.types.contains(type) {
            keywords.append(.notSupported(path + ".type", value: .string(type), supported: Self.types.sorted()))
        }
        if let place = around.noDefaults, schema["default"] != nil {
            keywords.append(.forbidden(path + ".default", "must not be set " + place))
        }
        for (key, maybeEmpty) in Self.unsupported {
            guard let value = schema[key], !maybeEmpty || value.holdsMore else { continue }
            keywords.append(.forbidden("\(path).\(key)", "\(key) is not supported"))
        }
        if type == "null" {
            keywords.append(
                .forbidden(path + ".type", "type cannot be set to null, use nullable as an alternative"))
        }
        if schema["items"]?.array?.isEmpty == false {
            keywords.append(.forbidden(path + ".items", "items must be a schema object and not an array"))
        }
        if around.isInMetadata, schema["x-kubernetes-embedded-resource"] == true {
            keywords.append(
                .forbidden(path + ".x-kubernetes-embedded-resource", "must not be used inside of resource meta"))
        }
        if schema["uniqueItems"] == true {
            keywords.append(
                .forbidden(
                    path + ".uniqueItems",
                    "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"))
        }
        if let values = schema["additionalProperties"], values != true, schema["properties"]?.holdsMore == true {
            keywords.append(
                .forbidden(
                    path + ".additionalProperties", "additionalProperties and properties are mutual exclusive"))
        }
        checkExtensions(schema, type, path)
    }

    private mutating func checkExtensions(_ schema: Value, _ type: String, _ path: String) {
        func demand(_ wanted: String, _ keyword: String) {
            guard type != wanted else { return }
            let why = "must be \(wanted) if \(keyword) is specified"
            keywords.append(
                type.isEmpty ? .required(path + ".type", why) : .invalid(path + ".type", value: .string(type), why))
        }
        if schema["x-kubernetes-preserve-unknown-fields"] == false {
            keywords.append(
                .invalid(path + ".x-kubernetes-preserve-unknown-fields", value: false, "must be true or undefined"))
        }
        if let mapType = schema["x-kubernetes-map-type"]?.string {
            let (key, supported) = ("x-kubernetes-map-type", ["atomic", "granular"])
            demand("object", key)
            if !supported.contains(mapType) {
                keywords.append(.notSupported("\(path).\(key)", value: .string(mapType), supported: supported))
            }
        }
        let listType = schema["x-kubernetes-list-type"]?.string
        if let listType {
            let (key, supported) = ("x-kubernetes-list-type", ["atomic", "set", "map"])
            demand("array", key)
            if type == "array", listType == "set" { checkSet(schema, path) }
            if !supported.contains(listType) {
                keywords.append(.notSupported("\(path).\(key)", value: .string(listType), supported: supported))
            }
        }
        if listType != "map", schema["x-kubernetes-list-map-keys"]?.holdsMore == true {
            let place = path + ".x-kubernetes-list-type"
            let why = "must be map if x-kubernetes-list-map-keys is non-empty"
            keywords.append(listType.map { .invalid(place, value: .string($0), why) } ?? .required(place, why))
        }
        if listType == "map" { checkMap(schema, path) }
        if let listType, listType == "set" || listType == "map" { checkItems(schema, listType, path) }
    }

    // MARK: Lists

    /// What is told apart as a whole cannot be changed in part.
    private mutating func checkSet(_ schema: Value, _ path: String) {
        guard let items = schema["items"], items.fields != nil else { return }
        let (listType, mapType) = (items["x-kubernetes-list-type"], items["x-kubernetes-map-type"])
        let key: String
        switch items["type"]?.string {
        case "array" where listType != nil && listType != "atomic": key = "x-kubernetes-list-type"
        case "object" where mapType != "atomic": key = "x-kubernetes-map-type"
        default: return
        }
        // Kubernetes shows the list's type in both cases.
        keywords.append(
            .invalid(
                "\(path).items.\(key)", value: listType ?? "null",
                "must be atomic as item of a list with x-kubernetes-list-type=set"))
    }

    private mutating func checkMap(_ schema: Value, _ path: String) {
        let place = path + ".x-kubernetes-list-map-keys"
        let keys = schema["x-kubernetes-list-map-keys"] ?? []
        if !keys.holdsMore {
            keywords.append(.required(place, "must not be empty if x-kubernetes-list-type is map"))
        }
        guard let items = schema["items"] else {
            return keywords.append(
                .required(path + ".items", "must have a schema if x-kubernetes-list-type is map"))
        }
        guard items.fields != nil else {
            return keywords.append(
                .invalid(
                    path + ".items", value: items, "must only have a single schema if x-kubernetes-list-type is map"))
        }
        guard items["type"] == "object" else {
            return keywords.append(
                .invalid(
                    path + ".items.type", value: items["type"] ?? "",
                    "must be object if parent array's x-kubernetes-list-type is map"))
        }
        var known: Set<String> = []
        for key in (keys.array ?? []).compactMap(\.string) {
            if let property = items["properties"]?[key] {
                if property["type"] == "array" || property["type"] == "object" {
                    // The value is the items' type, as Kubernetes has it.
                    keywords.append(
                        .invalid(
                            "\(path).items.properties[\(key)].type", value: "object",
                            "must be a scalar type if parent array's x-kubernetes-list-type is map"))
                }
            } else {
                keywords.append(.invalid(place, value: keys, "entries must all be names of item properties"))
            }
            if !known.insert(key).inserted {
                keywords.append(.invalid(place, value: keys, "must not contain duplicate entries"))
            }
        }
    }

    /// By what items are told apart must always be there.
    private mutating func checkItems(_ schema: Value, _ listType: String, _ path: String) {
        guard let items = schema["items"], items.fields != nil else { return }
        if items["nullable"] == true {
            keywords.append(
                .forbidden(path + ".items.nullable", "cannot be nullable when x-kubernetes-list-type is " + listType))
        }
        guard listType == "map" else { return }
        let required = Set((items["required"]?.array ?? []).compactMap(\.string))
        for key in (schema["x-kubernetes-list-map-keys"]?.array ?? []).compactMap(\.string) {
            guard let property = items["properties"]?[key] else { continue }
            let place = "\(path).items.properties[\(key)]"
            if !required.contains(key), property["default"] == nil {
                keywords.append(
                    .required(
                        place + ".default",
                        "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required "
                            + "property"))
            }
            if property["nullable"] == true {
                keywords.append(
                    .forbidden(
                        place + ".nullable",
                        "this property is in x-kubernetes-list-map-keys, so it cannot be nullable"))
            }
        }
    }
}
