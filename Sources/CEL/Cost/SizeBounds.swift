public import APIMachinery

extension FieldSchema {
    /// A request has no more bytes than this.
    private static let largestRequest = 3 * 1024 * 1024

    /// How many elements, entries or bytes a value of this field has at most: what its schema says (`maxItems`,
    /// `maxProperties`, `maxLength`), otherwise as many as fit into one request. 1 for what has no length.
    ///
    /// The cost of a rule of a custom resource is multiplied by this for each list and map around it.
    public var greatestCount: Int {
        switch kind {
        case .string: greatestLength
        case .bytes: constraintNumber("maxLength").map(Self.clamped) ?? Self.largestRequest - 2
        case .list(let element):
            constraintNumber("maxItems").map(Self.clamped)
                ?? (Self.largestRequest - 2) / (element.leastEncodedSize(depth: 0) + 1)
        case .map(let value):
            constraintNumber("maxProperties").map(Self.clamped)
                ?? (Self.largestRequest - 2) / (value.leastEncodedSize(depth: 0) + 6)
        case .any, .json, .rawExtension, .fieldsV1, .intOrString, .quantity: Self.largestRequest - 2
        default: 1
        }
    }

    /// How many values of this field a request can hold, however deep in lists and maps without bounds.
    public var greatestOccurrence: Int { Self.largestRequest / (leastEncodedSize(depth: 0) + 1) }

    private static func clamped(_ number: Int64) -> Int { Int(clamping: max(0, number)) }

    private var greatestLength: Int {
        switch TextFormat(self) {
        case .dateTime: 20
        case .date: 10
        case .duration: 32
        case .byte: constraintNumber("maxLength").map(Self.clamped) ?? Self.largestRequest - 2
        case nil:
            // A character has up to four bytes.
            constraintNumber("maxLength").map { Self.clamped(min($0, 1 << 32)) * 4 }
                ?? enumValues.map(\.utf8.count).max() ?? Self.largestRequest - 2
        }
    }

    /// The bytes of the shortest JSON that a value can have.
    private func leastEncodedSize(depth: Int) -> Int {
        // Types refer to each other in circles; nothing that deep makes a difference.
        guard depth < 8, !flags.contains(.nullable) else { return 4 }
        switch kind {
        case .string, .bytes:
            switch TextFormat(self) {
            case .dateTime: return 22
            case .date: return 12
            case .duration: return 3
            case .byte, nil: return 2
            }
        case .time, .microTime: return 22
        case .bool: return 4
        case .object(let type):
            return type.fields.reduce(2) { sum, field in
                guard field.flags.contains(.required), field.defaultValue == nil else { return sum }
                return sum + field.name.utf8.count + 4 + field.leastEncodedSize(depth: depth + 1)
            }
        case .list, .map, .duration, .quantity: return 2
        default: return 1
        }
    }
}
