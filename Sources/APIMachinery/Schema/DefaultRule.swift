/// What an absent field of one type means. Rules run on an object of the type before those of its parts.
public struct DefaultRule: Sendable {
    enum Action: Sendable {
        case set([String], Value)
        case copy([String], from: [String])
        case change(@Sendable (inout Value) -> Void)
    }

    let action: Action
    let condition: Condition?

    /// What must hold in the object for a rule to run.
    public struct Condition: Sendable {
        let holds: @Sendable (Value) -> Bool

        /// A text field is one of `values`.
        public static func field(_ path: String, is values: String...) -> Condition {
            let path = split(path)
            return Condition { value in value[path: path]?.string.map(values.contains) ?? false }
        }

        public static func isSet(_ path: String) -> Condition {
            let path = split(path)
            return Condition { $0[path: path] != nil }
        }

        public static func isUnset(_ paths: String...) -> Condition {
            let paths = paths.map(split)
            return Condition { value in paths.allSatisfy { value[path: $0] == nil } }
        }
    }

    /// Writes `value` where nothing is, making the objects on the way.
    public static func set(_ path: String, _ value: Value, when condition: Condition? = nil) -> DefaultRule {
        DefaultRule(action: .set(split(path), value), condition: condition)
    }

    /// Copies what is at `source` to where nothing is.
    public static func copy(_ path: String, from source: String, when condition: Condition? = nil)
        -> DefaultRule
    {
        DefaultRule(action: .copy(split(path), from: split(source)), condition: condition)
    }

    /// What only code can say.
    public static func change(_ change: @escaping @Sendable (inout Value) -> Void) -> DefaultRule {
        DefaultRule(action: .change(change), condition: nil)
    }

    func apply(to object: inout Value) {
        if let condition, !condition.holds(object) { return }
        switch action {
        case .set(let path, let value):
            if object[path: path].isUnset { object[path: path] = value }
        case .copy(let path, let source):
            guard let value = object[path: source], object[path: path].isUnset else { return }
            object[path: path] = value
        case .change(let change): change(&object)
        }
    }
}

/// Paths are field names joined by dots.
private func split(_ path: String) -> [String] { path.split(separator: ".").map(String.init) }

extension Value? {
    /// Absent, or a text, list or map without content. Numbers and flags that are there were meant: after
    /// decoding, a zero that Go would take for absent is absent.
    public var isUnset: Bool {
        switch self {
        case .none, .null: true
        case .string(let text): text.isEmpty
        case .array(let elements): elements.isEmpty
        default: false
        }
    }
}
