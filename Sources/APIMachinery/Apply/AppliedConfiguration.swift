/// A configuration that a client applies: the part of an object that it has an opinion on.
public struct AppliedConfiguration: Hashable, Sendable {
    /// What was sent, its values in canonical form so that they compare with those of the live object. Nothing is added.
    public let object: Value

    /// Why a configuration cannot be applied, in the words that clients of Kubernetes know.
    public struct Problems: Error, Hashable, Sendable, CustomStringConvertible {
        /// Each with its path, in the order in which they stand in the configuration.
        public var lines: [String]

        public var description: String {
            lines.count == 1 ? lines[0] : "errors:\n" + lines.map { "  " + $0 }.joined(separator: "\n")
        }
    }

    /// Checks a configuration against its type: every field must be known, and lists that are merged must name each
    /// element once.
    public init(_ value: Value, as type: TypeSchema) throws(Problems) {
        var check = ConfigurationCheck()
        object = check.object(value, type, at: [])
        guard check.lines.isEmpty else { throw Problems(lines: check.lines) }
    }
}

/// One walk down a configuration.
private struct ConfigurationCheck {
    /// No answer names more problems.
    private static let lineLimit = 100

    private(set) var lines: [String] = []

    mutating func object(_ value: Value, _ type: TypeSchema, at path: [PathElement]) -> Value {
        guard case .object(let given) = value else {
            report("expected map, got \(GoText.boxed(value))", path)
            return value
        }
        var fields = given
        for index in fields.entries.indices {
            let key = fields.entries[index].key
            let place = path + [.field(key)]
            if let field = type.field(named: key) {
                fields.entries[index].value = self.value(fields.entries[index].value, field, at: place)
            } else if !type.flags.contains(.preservesUnknownFields) {
                report("field not declared in schema", place)
            }
        }
        return .object(fields)
    }

    private mutating func value(_ value: Value, _ field: FieldSchema, at path: [PathElement]) -> Value {
        guard !value.isNull else { return value }
        switch field.kind {
        case .object(let type): return object(value, type, at: path)
        case .list(let element): return list(value, field, element, at: path)
        case .map(let element):
            guard case .object(var fields) = value else {
                report("expected map, got \(GoText.boxed(value))", path)
                return value
            }
            for index in fields.entries.indices {
                let place = path + [.field(fields.entries[index].key)]
                fields.entries[index].value = self.value(fields.entries[index].value, element, at: place)
            }
            return .object(fields)
        case .intOrString where value.integer != nil || value.string != nil:
            // Those of custom resources may be larger than 32 bits.
            return value
        default:
            do throws(DecodingError) {
                return try field.canonical(value)
            } catch {
                report(Self.mismatch(value, field.kind) ?? "\(error)", path)
                return value
            }
        }
    }

    /// What is said of a value of the wrong kind of JSON; nil for one whose kind is right.
    private static func mismatch(_ value: Value, _ kind: FieldKind) -> String? {
        let isScalar = value.array == nil && value.fields == nil
        let isNumber = value.kindName == "number"
        return switch kind {
        case .string where value.string == nil, .bytes where value.string == nil:
            "expected string, got &value.valueUnstructured{Value:\(GoText.syntax(value))}"
        case .bool where value.bool == nil: "expected boolean, got \(GoText.boxed(value))"
        case .int32 where !isNumber, .int64 where !isNumber, .uint32 where !isNumber, .uint64 where !isNumber,
            .float64 where !isNumber:
            "expected numeric (int or float), got \(GoText.typeName(value))"
        case .quantity where !isScalar, .intOrString where !isScalar, .time where !isScalar,
            .microTime where !isScalar:
            "expected any scalar, got \(GoText.boxed(value))"
        default: nil
        }
    }

    private mutating func list(
        _ value: Value, _ field: FieldSchema, _ element: FieldSchema, at path: [PathElement]
    ) -> Value {
        guard case .array(var elements) = value else {
            report("expected list, got \(GoText.boxed(value))", path)
            return value
        }
        let place = MergePlace(field)
        var names: Set<PathElement> = []
        for index in elements.indices {
            var name = PathElement.index(index)
            if case .elements? = place.shape(value) {
                guard let identity = place.identity(of: elements[index]) else {
                    report("element \(index): \(place.lack(of: elements[index]))", path)
                    break
                }
                name = identity
                if !names.insert(identity).inserted {
                    report("duplicate entries for key \(FieldPath([identity]))", path)
                }
            }
            elements[index] = self.value(elements[index], element, at: path + [name])
        }
        return .array(elements)
    }

    private mutating func report(_ problem: String, _ path: [PathElement]) {
        guard lines.count < Self.lineLimit else { return }
        lines.append(path.isEmpty ? problem : "\(FieldPath(path)): \(problem)")
    }
}
