import API
import APIMachinery

extension DefinitionRules {
    private static let columnTypes = ["boolean", "date", "integer", "number", "string"]
    private static let columnFormats = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"]
    private static let selectableLimit = 8

    mutating func checkVersions(_ spec: Value) {
        let versions = spec["versions"]?.array ?? []
        let path = "spec.versions"
        if versions.isEmpty { errors.append(.required(path, "must have at least one version")) }
        var names: [String] = []
        for (index, version) in versions.enumerated() {
            let place = "\(path)[\(index)]"
            let name = version["name"]?.string ?? ""
            if name.isEmpty {
                errors.append(.required(place + ".name"))
            } else {
                self.name(name, .dns1035Label, place + ".name")
            }
            if names.contains(name) {
                errors.append(.invalid(path, value: .string(name), "must contain unique version names"))
            }
            names.append(name)
            check(version, place)
        }
        if versions.count(where: { $0["storage"] == true }) != 1, !versions.isEmpty {
            errors.append(
                .invalid(path, value: Value(names), "must have exactly one version marked as storage version"))
        }
    }

    private mutating func check(_ version: Value, _ path: String) {
        if version["deprecationWarning"] != nil, version["deprecated"] != true {
            errors.append(
                .invalid(
                    path + ".deprecationWarning", value: version["deprecationWarning"] ?? "",
                    "can only be set for deprecated versions"))
        }
        let place = path + ".schema.openAPIV3Schema"
        if let schema = version.at("schema", "openAPIV3Schema"), schema.fields != nil {
            let found = StructuralRules.errors(in: schema, at: place)
            errors += found
            if found.isEmpty {
                checkDefaults(schema, place)
                let compiled = StructuralSchema(schema, kind: "Object", metadata: Self.metadata)
                errors += ExpressionRules.errors(in: schema, compiled.root, at: place)
            }
            checkSelectable(version["selectableFields"]?.array ?? [], schema, path + ".selectableFields")
        } else {
            errors.append(.required(place, "schemas are required"))
        }
        for (index, column) in (version["additionalPrinterColumns"]?.array ?? []).enumerated() {
            check(column: column, "\(path).additionalPrinterColumns[\(index)]")
        }
        if let scale = version.at("subresources", "scale") { check(scale: scale, path + ".subresources.scale") }
    }

    // MARK: Columns, scale, selectable fields

    private mutating func check(column: Value, _ path: String) {
        if (column["name"]?.string ?? "").isEmpty { errors.append(.required(path + ".name")) }
        let type = column["type"]?.string ?? ""
        if type.isEmpty {
            errors.append(.required(path + ".type", "must be one of " + Self.columnTypes.joined(separator: ",")))
        } else if !Self.columnTypes.contains(type) {
            errors.append(
                .invalid(
                    path + ".type", value: .string(type), "must be one of " + Self.columnTypes.joined(separator: ",")))
        }
        if let format = column["format"]?.string, !format.isEmpty, !Self.columnFormats.contains(format) {
            errors.append(
                .invalid(
                    path + ".format", value: .string(format),
                    "must be one of " + Self.columnFormats.joined(separator: ",")))
        }
        let json = column["jsonPath"]?.string ?? ""
        if json.isEmpty {
            errors.append(.required(path + ".jsonPath"))
        } else if !json.hasPrefix(".") {
            // A path that cannot be read is no fault of the definition, as in Kubernetes: its column is not shown.
            errors.append(
                .invalid(path + ".jsonPath", value: .string(json), "must be a simple json path starting with ."))
        }
    }

    private mutating func check(scale: Value, _ path: String) {
        let rules: [(key: String, isRequired: Bool, homes: [String])] = [
            ("specReplicasPath", true, [".spec."]), ("statusReplicasPath", true, [".status."]),
            ("labelSelectorPath", false, [".spec.", ".status."]),
        ]
        for rule in rules {
            let text = scale[rule.key]?.string ?? ""
            let place = "\(path).\(rule.key)"
            if text.isEmpty {
                if rule.isRequired { errors.append(.required(place)) }
            } else if text.contains("[") || !text.hasPrefix(".") {
                errors.append(.invalid(place, value: .string(text), "should be a json path without array notation"))
            } else if !rule.homes.contains(where: text.hasPrefix) {
                let homes = rule.homes.map { $0.dropLast() }.joined(separator: " or ")
                errors.append(.invalid(place, value: .string(text), "should be a json path under \(homes)"))
            }
        }
    }

    private mutating func checkSelectable(_ fields: [Value], _ schema: Value, _ path: String) {
        if fields.count > Self.selectableLimit {
            errors.append(
                FieldError(
                    .tooMany, path, value: .integer(Int64(fields.count)),
                    "must have at most \(Self.selectableLimit) items"))
        }
        var seen: Set<String> = []
        for (index, field) in fields.enumerated() {
            let place = "\(path)[\(index)].jsonPath"
            let text = field["jsonPath"]?.string ?? ""
            guard !text.isEmpty else {
                errors.append(.required(place))
                continue
            }
            guard text.hasPrefix("."), !text.contains("[") else {
                errors.append(.invalid(place, value: .string(text), "is an invalid path: must be a simple path"))
                continue
            }
            if text.hasPrefix(".metadata") {
                errors.append(.invalid(place, value: .string(text), "must not point to fields in metadata"))
            }
            if !seen.insert(text).inserted { errors.append(.duplicate(place, value: .string(text))) }
            let steps = text.dropFirst().split(separator: ".").flatMap { ["properties", String($0)] }
            let type = schema[path: steps]?["type"]?.string ?? ""
            if type.isEmpty {
                errors.append(
                    .invalid(place, value: .string(text), "is an invalid path: does not refer to a valid field"))
            } else if !["boolean", "integer", "string"].contains(type) {
                errors.append(
                    .invalid(
                        place, value: .string(text),
                        "must point to a field of type string, boolean or integer. "
                            + "Enum string fields and strings with formats are allowed."))
            }
        }
    }

    // MARK: Defaults

    /// A default must be what it completes objects to: valid by its own schema, without fields that would be dropped.
    private mutating func checkDefaults(_ schema: Value, _ path: String) {
        if let value = schema["default"] {
            // Wrapped, so that the default stands where it will stand in objects.
            let wrapper: Value = ["type": "object", "properties": ["value": schema]]
            let compiled = StructuralSchema(wrapper, kind: "Default", metadata: Self.metadata)
            var given: Value = ["value": value]
            compiled.prune(&given)
            if given["value"] != value {
                errors.append(
                    .invalid(path + ".default", value: value, "must not have unknown fields"))
            }
            var found = compiled.validate(["value": value])
            found += CustomRules(compiled.root).check(["value": value], replacing: nil, after: found).errors
            for var error in found {
                let inner = error.field.hasPrefix("value") ? String(error.field.dropFirst("value".count)) : ""
                error.field = path + ".default" + inner
                errors.append(error)
            }
        }
        for (name, property) in schema["properties"]?.fields ?? Fields() {
            checkDefaults(property, "\(path).properties[\(name)]")
        }
        if let items = schema["items"] { checkDefaults(items, path + ".items") }
        if let values = schema["additionalProperties"], values.fields != nil {
            checkDefaults(values, path + ".additionalProperties")
        }
    }

    /// The type of object metadata.
    static var metadata: TypeSchema {
        guard
            let type = BuiltinTypes.kubernetes.type(named: "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")
        else { preconditionFailure("the table of Kubernetes' types has object metadata") }
        return type
    }
}
