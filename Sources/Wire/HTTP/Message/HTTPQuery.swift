/// The items of a query, decoded, in the order they were sent.
///
/// As Go's `url.ParseQuery` does, a pair that cannot be decoded or that holds a semicolon is passed over.
public struct HTTPQuery: Sendable, Equatable {
    /// One `name=value`; the value is empty when there was no `=`.
    public struct Item: Sendable, Equatable {
        public var name: String
        public var value: String

        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    public private(set) var items: [Item]

    /// Parses what follows the `?`; `nil` and the empty text have no items.
    public init(_ text: String?) {
        items = []
        guard let text, !text.isEmpty else { return }
        for pair in text.split(separator: "&") where !pair.utf8.contains(UInt8(ascii: ";")) {
            let middle = pair.firstIndex(of: "=")
            let value = middle.map { pair[pair.index(after: $0)...] } ?? ""
            if let name = PercentEncoding.decode(pair[..<(middle ?? pair.endIndex)], plusIsSpace: true),
                let value = PercentEncoding.decode(value, plusIsSpace: true)
            {
                items.append(Item(name: name, value: value))
            }
        }
    }

    public var isEmpty: Bool { items.isEmpty }

    /// The value of the first item of that name.
    public subscript(name: String) -> String? { items.first { $0.name == name }?.value }

    /// A flag as Kubernetes reads it (`runtime.Convert_Slice_string_To_bool`): there, and not `0` or any writing of
    /// `false`.
    public func flag(_ name: String) -> Bool { statedFlag(name) ?? false }

    /// The same; `nil` when nothing is said.
    public func statedFlag(_ name: String) -> Bool? { self[name].map { $0 != "0" && $0.lowercased() != "false" } }

    /// The values of all items of that name, in order.
    public func values(of name: String) -> [String] { items.filter { $0.name == name }.map(\.value) }
}
