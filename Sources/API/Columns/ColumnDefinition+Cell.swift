import APIMachinery
import Support

extension ColumnDefinition {
    /// The cell of a column that is a path with a rendering rule.
    func cell(of object: Value, now: Timestamp) -> Value {
        if let guardPath, guardPath.values(in: object).first?.string ?? "" == "" { return empty }
        let found = path?.values(in: object) ?? []
        switch render {
        case "custom": return customCell(found, now: now)
        case "count": return .integer(Int64(found.first.map(Self.count) ?? 0))
        case "labels": return text(found.first.map(Self.labels) ?? "")
        case "labelSelector":
            guard let selector = found.first, let parsed = try? LabelSelector(object: selector) else {
                return empty
            }
            return text(parsed.description)
        case "accessModes": return text(Self.accessModes(found.first?.array ?? []))
        case "TrueFalse": return found.first?.bool.map { .string($0 ? "True" : "False") } ?? empty
        case "age":
            let time = found.first?.string.flatMap { Timestamp($0) }
            return time == nil && hasEmpty ? empty : .string(Age.text(since: time, now: now))
        case "duration":
            return found.first?.integer.map { .string(Age.text(.seconds($0))) } ?? empty
        case "trim": return .string(found.first?.string?.trimmingWhitespace ?? "")
        default: return list(found) ?? found.first.map(scalar) ?? empty
        }
    }

    /// A column of texts that shows a number shows a zero, as a number in Go does, where an object leaves it out.
    func countingFromZero(in type: TypeSchema) -> ColumnDefinition {
        guard self.type == "string", !hasEmpty, path?.leadsToInteger(in: type) ?? false else { return self }
        var column = self
        column.rule["empty"] = "0"
        return column
    }

    /// Several values in one cell; `nil` when the column shows one.
    private func list(_ found: [Value]) -> Value? {
        guard let join else { return nil }
        // A path that ends at a list means its elements.
        let items = found.flatMap { $0.array ?? [$0] }.map { $0.string ?? $0.description }.filter {
            !$0.isEmpty
        }
        return text(Self.joined(items, with: join, most: most))
    }

    /// The first `most` items; the rest are counted.
    static func joined(_ items: [String], with separator: String, most: Int?) -> String {
        guard let most, items.count > most else { return items.joined(separator: separator) }
        return items.prefix(most).joined(separator: separator) + " + \(items.count - most) more..."
    }

    private func scalar(_ value: Value) -> Value {
        switch value {
        case .array, .object: .string(value.description)
        case .string(let text) where text.isEmpty: empty
        case .integer where type == "string": .string(value.description)
        case .bool where type == "string": .string(value.description)
        default: value
        }
    }

    private func text(_ text: String) -> Value { text.isEmpty ? empty : .string(text) }

    /// What the cell shows when there is nothing; a zero where the column holds numbers or flags.
    private var empty: Value {
        if let empty = rule["empty"] { return empty }
        return type == "integer" ? 0 : type == "boolean" ? false : ""
    }

    private var hasEmpty: Bool { rule["empty"] != nil }
    private var render: String { rule["render"]?.string ?? "" }
    private var join: String? { rule["join"]?.string }
    private var most: Int? { rule["max"]?.integer.map(Int.init) }

    private static func count(_ value: Value) -> Int { value.array?.count ?? value.fields?.count ?? 0 }

    static func labels(_ value: Value) -> String {
        (value.fields ?? Fields()).map { "\($0.key)=\($0.value.string ?? "")" }.joined(separator: ",")
    }

    private static func accessModes(_ modes: [Value]) -> String {
        let short = [
            ("ReadWriteOnce", "RWO"), ("ReadOnlyMany", "ROX"), ("ReadWriteMany", "RWX"),
            ("ReadWriteOncePod", "RWOP"),
        ]
        return short.filter { modes.contains(.string($0.0)) }.map(\.1).joined(separator: ",")
    }
}

extension String {
    fileprivate var trimmingWhitespace: String {
        let inner = drop(while: \.isWhitespace)
        return inner.lastIndex { !$0.isWhitespace }.map { String(inner[...$0]) } ?? ""
    }
}
