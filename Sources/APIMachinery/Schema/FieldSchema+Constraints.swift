extension FieldSchema {
    /// A text among ``constraints``, such as `format`. That there is none, as for most fields, is found out without
    /// parsing and without memory.
    public func constraintText(_ key: StaticString) -> String? { constraint(key)?.string }

    /// A whole number among ``constraints``, such as `maxLength`.
    public func constraintNumber(_ key: StaticString) -> Int64? { constraint(key)?.integer }

    private func constraint(_ key: StaticString) -> Value? {
        guard let bytes = constraintBytes, key.withUTF8Buffer({ Self.mentions($0, in: bytes) }) else { return nil }
        return constraints?["\(key)"]
    }

    /// Whether the JSON text has `key` in quotes. As part of a text it could not: its quotes would be escaped.
    private static func mentions(_ key: UnsafeBufferPointer<UInt8>, in json: UnsafeRawBufferPointer) -> Bool {
        let quote = UInt8(ascii: "\"")
        guard json.count >= key.count + 2 else { return false }
        return (0...(json.count - key.count - 2)).contains { start in
            json[start] == quote && json[start + key.count + 1] == quote
                && zip(key, json[(start + 1)...]).allSatisfy { $0 == $1 }
        }
    }
}
