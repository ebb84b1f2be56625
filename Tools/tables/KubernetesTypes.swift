import APIMachinery

extension KubernetesFacts {
    /// A builder that holds all types.
    func builder() -> SchemaBuilder {
        var builder = SchemaBuilder()
        for type in typeNames {
            var flags: TypeSchema.Flags = []
            if entry(type)["structType"]?.string == "atomic" { flags.insert(.atomic) }
            if entry(type)["union"]?.bool == true { flags.insert(.isUnion) }
            let home = original(of: type).group
            builder.add(
                definitionName(type), fields(of: type).flatMap { schemaFields($0, in: home) }, flags: flags)
        }
        return builder
    }

    /// What one fact about a field becomes: itself, or, when it embeds a struct, that one's fields without
    /// numbers and an inline entry that has the number.
    private func schemaFields(_ fact: Value, in group: String) -> [SchemaBuilder.Field] {
        let number = Int(fact["proto"]?.integer ?? 0)
        guard fact["inline"]?.bool == true else { return [schemaField(fact, number: number, in: group)] }
        let embedded = resolve(fact["type"]?.string ?? "", in: group)
        let flat = fields(of: embedded).flatMap { schemaFields($0, in: embedded.group) }
            .filter { !$0.flags.contains(.inline) }
            .map { field in
                var field = field
                field.number = 0
                return field
            }
        guard number > 0 else { return flat }
        var wire = SchemaBuilder.Field("", .object(definitionName(embedded)), number: number, flags: .inline)
        wire.protoName = fact["protoName"]?.string ?? ""
        return flat + [wire]
    }

    private func schemaField(_ fact: Value, number: Int, in group: String) -> SchemaBuilder.Field {
        let protoName = fact["protoName"]?.string ?? ""
        // "-" travels in protobuf only.
        let name = fact["name"]?.string == "-" ? protoName : fact["name"]?.string ?? ""
        var field = SchemaBuilder.Field(
            name, kind(fact["type"]?.string ?? "", fact, in: group), number: number,
            flags: flags(fact, in: group))
        field.protoName = protoName == name ? "" : protoName
        field.patchMergeKey = fact["patchMergeKey"]?.string ?? ""
        field.listMapKeys = (fact["listMapKeys"]?.array ?? []).compactMap(\.string)
        if case .string = field.kind { field.enumValues = enumValues(fact) }
        field.constraints = constraints(fact["constraints"])
        // A default that is the zero value of a field that is no pointer would not be written by Go.
        let isZero = [.string(""), .integer(0), .bool(false)].contains(fact["default"])
        field.defaultValue = isZero && !field.flags.contains(.pointer) ? nil : fact["default"]
        return field
    }

    private func enumValues(_ fact: Value) -> [String] { (fact["enum"]?.array ?? []).compactMap(\.string) }

    private func flags(_ fact: Value, in group: String) -> FieldSchema.Flags {
        var flags: FieldSchema.Flags = []
        if fact["optional"]?.bool == false { flags.insert(.required) }
        if fact["omitempty"]?.bool == true { flags.insert(.omitEmpty) }
        if fact["omitzero"]?.bool == true { flags.insert(.omitZero) }
        if fact["pointer"]?.bool == true { flags.insert(.pointer) }
        let strategy = (fact["patchStrategy"]?.string ?? "").split(separator: ",")
        if strategy.contains("merge") { flags.insert(.patchMerge) }
        if strategy.contains("replace") { flags.insert(.patchReplace) }
        if strategy.contains("retainKeys") { flags.insert(.patchRetainKeys) }
        switch fact["listType"]?.string {
        case "atomic": flags.insert(.atomicList)
        case "set": flags.insert(.setList)
        case "map": flags.insert(.mapList)
        default: break
        }
        for mark in [fact["mapType"]?.string, fact["structType"]?.string] {
            if mark == "atomic" { flags.insert(.atomicMap) }
            if mark == "granular" { flags.insert(.granularMap) }
        }
        if isMessage(fact["goType"], in: group) { flags.insert(.wrappedList) }
        return flags
    }

    /// Whether a named list type is a protobuf message of its own.
    private func isMessage(_ goType: Value?, in group: String) -> Bool {
        guard let name = goType?.string else { return false }
        return entry(resolve(name, in: group))["protoMessage"]?.bool == true
    }

    private func kind(_ type: String, _ fact: Value, in group: String) -> SchemaBuilder.Kind {
        if let element = argument(of: type, "list<") {
            var field = SchemaBuilder.Field("", kind(element, fact, in: group))
            if case .string = field.kind { field.enumValues = enumValues(fact) }
            return .list(field)
        }
        if let value = argument(of: type, "map<string,") {
            let isWrapped = isMessage(fact["elemGoType"], in: group)
            return .map(.init("", kind(value, fact, in: group), flags: isWrapped ? .wrappedList : []))
        }
        guard type.hasPrefix("ref:") else { return scalarKind(type) }
        let target = resolve(type, in: group)
        if target == TypeName(group: "apiextensions.k8s.io/v1", name: "JSON") { return .json }
        return isUnionOfForms(target) ? .union(definitionName(target)) : .object(definitionName(target))
    }

    private func argument(of type: String, _ prefix: String) -> String? {
        type.hasPrefix(prefix) ? String(type.dropFirst(prefix.count).dropLast()) : nil
    }

    private func scalarKind(_ type: String) -> SchemaBuilder.Kind {
        switch type {
        case "string": .string
        case "bool": .bool
        case "int32": .int32
        case "int64": .int64
        case "float64": .float64
        case "bytes": .bytes
        case "any": .any
        case "Time": .time
        case "MicroTime": .microTime
        case "Duration": .duration
        case "Quantity": .quantity
        case "IntOrString": .intOrString
        case "RawExtension": .rawExtension
        case "FieldsV1": .fieldsV1
        default: File.complain("tables: unknown type \(type)\n")
        }
    }

    /// Kubebuilder's words in those of JSON Schema.
    private func constraints(_ fact: Value?) -> Value? {
        guard let fact else { return nil }
        var result = Value.emptyObject
        for (key, word) in ["MaxLength": "maxLength", "MinLength": "minLength", "Minimum": "minimum"] {
            result[word] = fact[key]?.string.flatMap { Int64($0) }.map(Value.integer)
        }
        result["pattern"] = fact["Pattern"]
        result["format"] = fact["Format"]
        return result
    }
}

/// Reads a finished table back and compares it with the facts, field by field.
func checkTypes(_ facts: KubernetesFacts, _ table: SchemaTable) throws {
    for name in facts.typeNames {
        guard let type = table.type(named: facts.definitionName(name)) else {
            throw Complaint("\(name) is missing")
        }
        for fact in facts.fields(of: name) where fact["inline"]?.bool != true && fact["name"] != "-" {
            let field = type.field(named: fact["name"]?.string ?? "")
            let number = Int(fact["proto"]?.integer ?? 0)
            guard let field, field.number == number,
                number == 0 || type.field(number: number)?.name == field.name
            else { throw Complaint("\(name) \(fact) is not in the table as it should be") }
        }
    }
}
