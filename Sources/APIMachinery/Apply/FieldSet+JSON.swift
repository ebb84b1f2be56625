/// Why a value is no `FieldsV1`.
public struct FieldSetError: Error, Hashable, Sendable, CustomStringConvertible {
    public var description: String
}

extension FieldSet {
    /// The set as `FieldsV1` writes it (meta/v1): an object per level, an empty one for a member, `.` for a member that
    /// has others below it. Equal sets have equal bytes.
    public var json: [UInt8] {
        var bytes: [UInt8] = []
        encode(into: &bytes, isMember: false)
        return bytes
    }

    func encode(into bytes: inout [UInt8], isMember: Bool) {
        bytes.append(UInt8(ascii: "{"))
        var isFirst = true
        if isMember, !nodes.isEmpty {
            bytes += "\".\":{}".utf8
            isFirst = false
        }
        for node in nodes {
            if !isFirst { bytes.append(UInt8(ascii: ",")) }
            isFirst = false
            JSONText.append(quoting: node.element.fieldsV1, to: &bytes)
            bytes.append(UInt8(ascii: ":"))
            node.children.encode(into: &bytes, isMember: node.isMember)
        }
        bytes.append(UInt8(ascii: "}"))
    }

    /// Reads a `FieldsV1`, whatever the order of its fields. `null` and an empty object are the empty set.
    public init(fieldsV1 value: Value) throws(FieldSetError) {
        guard !value.isNull else {
            self.init()
            return
        }
        guard case .object(let fields) = value else {
            throw FieldSetError(description: "a field set is an object, not a \(value.kindName)")
        }
        self = try Self.level(fields).children
    }

    /// A level, and whether it says that what it belongs to is a member: by a dot, or by being empty.
    private static func level(_ fields: Fields) throws(FieldSetError) -> (isMember: Bool, children: FieldSet) {
        var isMember = fields.isEmpty
        var nodes: [Node] = []
        nodes.reserveCapacity(fields.count)
        for entry in fields.entries {
            guard entry.key != "." else {
                isMember = true
                continue
            }
            guard let element = PathElement(fieldsV1: entry.key), case .object(let inner) = entry.value else {
                throw FieldSetError(description: "\"\(entry.key)\" names no part of an object")
            }
            let below = try level(inner)
            nodes.append(Node(element: element, isMember: below.isMember, children: below.children))
        }
        // Keys and values stand in the order of their texts, which is not that of their numbers.
        if nodes.count > 1 { nodes.sort { $0.element < $1.element } }
        return (isMember, FieldSet(sorted: nodes))
    }
}
