public import APIMachinery
import Support

extension ColumnDefinition {
    /// The columns of a custom resource: its name, then what its definition says (`additionalPrinterColumns`), or its age.
    public static func custom(_ columns: [Value]) -> [ColumnDefinition] {
        // As in Kubernetes nothing is shown from the first path on that cannot be read.
        let readable = columns.prefix { ColumnPath($0["jsonPath"]?.string ?? "") != nil }
        let age: Value = ["name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"]
        return [ColumnDefinition(["name": "Name", "type": "string", "path": ".metadata.name"])]
            + (columns.isEmpty ? [age] : Array(readable)).map { column in
                var rule = column
                rule["path"] = column["jsonPath"]
                rule["render"] = "custom"
                let path = column["jsonPath"]?.string ?? ""
                rule["description"] =
                    column["description"] ?? .string("Custom resource definition column (in JSONPath format): " + path)
                var definition = ColumnDefinition(rule)
                definition.format = column["format"]?.string ?? ""
                return definition
            }
    }

    /// A cell of the column's type; null for what is absent or of another type.
    func customCell(_ found: [Value], now: Timestamp) -> Value {
        // Of several values the first is shown, as in Kubernetes.
        guard let value = found.first else { return .null }
        switch (type, value) {
        case ("integer", .integer), ("boolean", .bool), ("number", .double), ("number", .integer): return value
        case ("integer", .double(let number)):
            return Int64(exactly: number.rounded(.towardZero)).map { .integer($0) } ?? .null
        case ("date", .string(let text)):
            return .string(Timestamp(text).map { Age.text(since: $0, now: now) } ?? "<invalid>")
        case ("string", .string): return value
        case ("string", _): return .string(value.description)
        default: return .null
        }
    }
}
