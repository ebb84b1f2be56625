/// A typed face of a tree: accessors by name over the one copy of the data.
///
/// A view holds nothing but the tree, so it never loses a field that it does not know.
public protocol ObjectView: Hashable, Sendable, CustomStringConvertible {
    var value: Value { get set }
    init(_ value: Value)
}

extension ObjectView {
    /// A view of an empty object.
    public init() { self.init(.emptyObject) }

    public var description: String { value.description }
}

/// A view of a whole object of a served resource.
public protocol ResourceView: ObjectView {
    static var resource: GroupVersionResource { get }
    static var kind: String { get }
}

extension ResourceView {
    /// A view of what the cache holds. Parses the bytes: keep the result while you work on it.
    public init(_ stored: StoredObject) { self.init(stored.value) }

    /// An object that has its kind and a name, and nothing else yet.
    public init(namespace: String = "", name: String) {
        self.init(.emptyObject)
        value["apiVersion"] = .string(Self.resource.apiVersion)
        value["kind"] = .string(Self.kind)
        value[path: ["metadata", "name"]] = .string(name)
        if !namespace.isEmpty { value[path: ["metadata", "namespace"]] = .string(namespace) }
    }

    public var objectName: ObjectName {
        ObjectName(
            namespace: value.at("metadata", "namespace")?.string ?? "", name: value.at("metadata", "name")?.string ?? "")
    }
}

// MARK: - The accessors that generated views are made of

extension ObjectView {
    /// A string whose absence means the empty string.
    public func text(_ key: String) -> String { value[key]?.string ?? "" }
    /// A number whose absence means 0.
    public func number(_ key: String) -> Int { Int(value[key]?.integer ?? 0) }
    /// A flag whose absence means false.
    public func flag(_ key: String) -> Bool { value[key]?.bool ?? false }

    public func optionalText(_ key: String) -> String? { value[key]?.string }
    public func optionalNumber(_ key: String) -> Int? { value[key]?.integer.map(Int.init) }
    public func optionalFlag(_ key: String) -> Bool? { value[key]?.bool }

    /// A nested object; a view of an empty one when it is absent.
    public func view<V: ObjectView>(_ key: String) -> V { V(value[key] ?? .emptyObject) }
    public func optionalView<V: ObjectView>(_ key: String) -> V? {
        guard let child = value[key], !child.isNull else { return nil }
        return V(child)
    }
    public func views<V: ObjectView>(_ key: String) -> [V] { (value[key]?.array ?? []).map(V.init) }
    public func texts(_ key: String) -> [String] { (value[key]?.array ?? []).compactMap(\.string) }
    public func textMap(_ key: String) -> [String: String] { value[key]?.strings ?? [:] }

    /// Setters leave the zero value out, as `omitempty` does.
    public mutating func set(_ key: String, _ text: String) { value[key] = text.isEmpty ? nil : .string(text) }
    public mutating func set(_ key: String, _ number: Int) { value[key] = .integer(Int64(number)) }
    public mutating func set(_ key: String, _ flag: Bool) { value[key] = flag ? .bool(true) : nil }
    public mutating func set(_ key: String, optional text: String?) { value[key] = text.map(Value.string) }
    public mutating func set(_ key: String, optional number: Int?) {
        value[key] = number.map { .integer(Int64($0)) }
    }
    public mutating func set(_ key: String, optional flag: Bool?) { value[key] = flag.map(Value.bool) }
    public mutating func set(_ key: String, _ child: some ObjectView) { value[key] = child.value }
    public mutating func set<V: ObjectView>(_ key: String, optional child: V?) { value[key] = child?.value }
    public mutating func set<V: ObjectView>(_ key: String, _ children: [V]) {
        value[key] = children.isEmpty ? nil : .array(children.map(\.value))
    }
    public mutating func set(_ key: String, _ texts: [String]) { value[key] = texts.isEmpty ? nil : Value(texts) }
    public mutating func set(_ key: String, _ map: [String: String]) { value[key] = map.isEmpty ? nil : Value(map) }
}
