public import APIMachinery
public import Support

// The accessors that views need beside those of `APIMachinery`: times, bytes, numbers and nested maps.
extension ObjectView {
    /// A time; `nil` when it is absent or no RFC 3339.
    public func time(_ key: String) -> Timestamp? { value[key]?.string.flatMap { Timestamp($0) } }

    /// Writes a time in whole seconds.
    public mutating func set(_ key: String, time: Timestamp?) {
        value[key] = time.map { .string($0.description) }
    }

    /// Writes a time with six fraction digits.
    public mutating func set(_ key: String, microTime time: Timestamp?) {
        value[key] = time.map { .string($0.microseconds) }
    }

    /// Base64 text as the bytes it stands for; empty when it is absent or no Base64.
    public func bytes(_ key: String) -> [UInt8] { value[key]?.string.flatMap { Base64.decode($0) } ?? [] }
    public mutating func set(_ key: String, _ bytes: [UInt8]) {
        value[key] = bytes.isEmpty ? nil : .string(Base64.encode(bytes))
    }

    public func byteMap(_ key: String) -> [String: [UInt8]] {
        (value[key]?.strings ?? [:]).compactMapValues { Base64.decode($0) }
    }
    public mutating func set(_ key: String, _ map: [String: [UInt8]]) {
        value[key] = map.isEmpty ? nil : Value(map.mapValues { Base64.encode($0) })
    }

    public func numbers(_ key: String) -> [Int] {
        (value[key]?.array ?? []).compactMap { $0.integer.map(Int.init) }
    }
    public mutating func set(_ key: String, _ numbers: [Int]) {
        value[key] = numbers.isEmpty ? nil : .array(numbers.map { .integer(Int64($0)) })
    }

    public func textsMap(_ key: String) -> [String: [String]] {
        var map: [String: [String]] = [:]
        for (name, list) in value[key]?.fields ?? Fields() {
            map[name] = (list.array ?? []).compactMap(\.string)
        }
        return map
    }
    public mutating func set(_ key: String, _ map: [String: [String]]) {
        value[key] = map.isEmpty ? nil : .object(Fields(map.map { ($0.key, Value($0.value)) }))
    }
}
