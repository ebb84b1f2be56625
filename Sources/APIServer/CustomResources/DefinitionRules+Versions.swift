import API
import APIMachinery

extension DefinitionRules {
    private static let columnTypes = ["boolean", "date", "integer", "number", "string"]
    private static let columnFormats = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"]
    private static let selectableLimit = 8
    /// In bytes.
    private static let warningLimit = 256

    /// The parts of versions that Kubernetes judges once when all versions agree in them: they stand beside the versions
    /// then, as in the oldest version of the API, and errors name that place.
    private static let sharedParts = ["schema", "subresources", "additionalPrinterColumns", "selectableFields"]

    mutating func checkVersions(_ spec: Value) {
        let versions = spec["versions"]?.array ?? []
        let path = "spec.versions"
        var shared = Set(Self.sharedParts)
        for key in Self.sharedParts {
            let first = versions.first?[key] ?? []
            if versions.contains(where: { ($0[key] ?? []) != first }) { shared.remove(key) }
        }
        // Fields cannot be selected without the schema that has them.
        if !shared.contains("schema") { shared.remove("selectableFields") }
        for (index, version) in versions.enumerated() {
            let place = "\(path)[\(index)]"
            if version.at("schema", "openAPIV3Schema")?.fields == nil {
                errors.append(.required(place + ".schema.openAPIV3Schema", "schemas are required"))
            }
        }
        var names: [String] = []
        var hasDuplicates = false
        for (index, version) in versions.enumerated() {
            let place = "\(path)[\(index)]"
            let name = version["name"]?.string ?? ""
            self.name(name, .dns1035Label, place + ".name")
            if names.contains(name) { hasDuplicates = true }
            names.append(name)
            checkWarning(version, place + ".deprecationWarning")
            check(version, Set(Self.sharedParts).subtracting(shared), hasStatus: Self.hasStatus(version)) {
                "\(place).\($0)"
            }
        }
        if hasDuplicates { errors.append(.invalid(path, value: Value(names), "must contain unique version names")) }
        if versions.count(where: { $0["storage"] == true }) != 1 {
            errors.append(
                .invalid(path, value: Value(names), "must have exactly one version marked as storage version"))
        }
        guard let first = versions.first else { return }
        if let name = names.first, !name.isEmpty { self.name(name, .dns1035Label, "spec.version") }
        check(first, shared, hasStatus: versions.contains(where: Self.hasStatus)) {
            $0 == "schema" ? "spec.validation" : "spec.\($0)"
        }
    }

    private static func hasStatus(_ version: Value) -> Bool { version.at("subresources", "status") != nil }

    /// A warning is a header of answers.
    private mutating func checkWarning(_ version: Value, _ path: String) {
        guard let warning = version["deprecationWarning"] else { return }
        guard version["deprecated"] == true else {
            return errors.append(.invalid(path, value: warning, "can only be set for deprecated versions"))
        }
        let text = warning.string ?? ""
        if text.utf8.count > Self.warningLimit {
            errors.append(.invalid(path, value: warning, "must be <= \(Self.warningLimit) characters long"))
        }
        if text.isEmpty { errors.append(.invalid(path, value: warning, "must not be an empty string")) }
        if let index = text.unicodeScalars.firstIndex(where: { !$0.isPrintable }) {
            let offset = text.utf8.distance(from: text.startIndex, to: index)
            errors.append(
                .invalid(
                    path, value: warning,
                    "must only contain printable UTF-8 characters; non-printable character found at index \(offset)"))
        }
    }

    /// Some parts of a version, each at the place that `path` says.
    private mutating func check(
        _ version: Value, _ parts: Set<String>, hasStatus: Bool, at path: (String) -> String
    ) {
        let schema = version.at("schema", "openAPIV3Schema") ?? .null
        if parts.contains("schema"), schema.fields != nil {
            check(schema: schema, hasStatus: hasStatus, path("schema") + ".openAPIV3Schema")
        }
        if parts.contains("subresources"), let scale = version.at("subresources", "scale") {
            check(scale: scale, path("subresources") + ".scale")
        }
        if parts.contains("additionalPrinterColumns") {
            for (index, column) in (version["additionalPrinterColumns"]?.array ?? []).enumerated() {
                check(column: column, "\(path("additionalPrinterColumns"))[\(index)]")
            }
        }
        if parts.contains("selectableFields"), schema.fields != nil {
            checkSelectable(version["selectableFields"]?.array ?? [], schema, path("selectableFields"))
        }
    }

    private mutating func check(schema: Value, hasStatus: Bool, _ path: String) {
        let count = errors.count
        errors += StructuralRules.errors(in: schema, at: path, hasStatus: hasStatus)
        if errors.count == count { checkDefaults(schema, path) }
        guard errors.count == count else { return }
        let compiled = StructuralSchema(schema, kind: "Object", metadata: Self.metadata)
        errors += ExpressionRules.errors(in: schema, compiled.root, at: path)
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
            errors.append(.required(path + ".JSONPath"))
        } else if !json.hasPrefix(".") {
            // A path that cannot be read is no fault of the definition, as in Kubernetes: its column is not shown.
            errors.append(
                .invalid(path + ".JSONPath", value: .string(json), "must be a simple json path starting with ."))
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
            } else if !text.hasPrefix(".") {
                errors.append(.invalid(place, value: .string(text), "must be a simple json path starting with ."))
            } else if !rule.homes.contains(where: text.hasPrefix) {
                let names = rule.homes.map { $0.dropLast() }.joined(separator: " or ")
                let homes = (rule.homes.count > 1 ? "either " : "") + names
                errors.append(.invalid(place, value: .string(text), "should be a json path under \(homes)"))
            }
        }
    }

    private mutating func checkSelectable(_ fields: [Value], _ schema: Value, _ path: String) {
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
            if text == ".metadata" || text.hasPrefix(".metadata.") {
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
        if seen.count > Self.selectableLimit {
            errors.append(
                FieldError(
                    .tooMany, path, value: .integer(Int64(seen.count)),
                    "must have at most \(Self.selectableLimit) items"))
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
            for resource in compiled.embeddedResources(in: ["value": value]) {
                found += BuiltinValidation.validateEmbedded(resource.value, at: resource.path)
            }
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
