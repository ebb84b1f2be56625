/// A set of parts of an object, as a tree: what a manager owns, or what a write changed (KEP-555).
///
/// A part can be a member although parts below it are members too: an element of a list, and its fields. Elements are
/// in canonical order at every level, so equal sets are equal values and have equal bytes.
public struct FieldSet: Hashable, Sendable {
    /// One element with what the set says of it and of what is below it. Never without either.
    struct Node: Hashable, Sendable {
        var element: PathElement
        var isMember: Bool
        var children: FieldSet
    }

    /// In the order of their elements.
    private(set) var nodes: [Node] = []

    public init() {}

    public init(_ paths: [FieldPath]) {
        for path in paths { insert(path.elements[...]) }
    }

    init(sorted nodes: [Node]) { self.nodes = nodes }

    public var isEmpty: Bool { nodes.isEmpty }

    /// Whether this very part is a member.
    public func contains(_ path: FieldPath) -> Bool {
        var set = self
        for element in path.elements.dropLast() {
            guard let node = set[element] else { return false }
            set = node.children
        }
        return path.elements.last.flatMap { set[$0] }?.isMember ?? false
    }

    /// All members, in order, a part before what is below it.
    public var paths: [FieldPath] {
        var paths: [FieldPath] = []
        collect(&paths, below: [])
        return paths
    }

    private func collect(_ paths: inout [FieldPath], below prefix: [PathElement]) {
        for node in nodes {
            let path = prefix + [node.element]
            if node.isMember { paths.append(FieldPath(path)) }
            node.children.collect(&paths, below: path)
        }
    }

    /// The node of an element.
    subscript(element: PathElement) -> Node? {
        let (index, isFound) = position(of: element)
        return isFound ? nodes[index] : nil
    }

    private func position(of element: PathElement) -> (index: Int, isFound: Bool) {
        var (low, high) = (0, nodes.count)
        while low < high {
            let middle = (low + high) / 2
            let order = PathElement.compare(nodes[middle].element, element)
            if order == 0 { return (middle, true) }
            if order < 0 { low = middle + 1 } else { high = middle }
        }
        return (low, false)
    }

    private mutating func insert(_ path: ArraySlice<PathElement>) {
        guard let element = path.first else { return }
        let (index, isFound) = position(of: element)
        if !isFound { nodes.insert(Node(element: element, isMember: false, children: FieldSet()), at: index) }
        if path.count == 1 { nodes[index].isMember = true } else { nodes[index].children.insert(path.dropFirst()) }
    }

    /// Adds an element that comes after all others, unless there is nothing to say of it.
    mutating func append(_ element: PathElement, isMember: Bool, children: FieldSet) {
        guard isMember || !children.isEmpty else { return }
        nodes.append(Node(element: element, isMember: isMember, children: children))
    }
}

// MARK: - Algebra

extension FieldSet {
    public func union(_ other: FieldSet) -> FieldSet {
        if isEmpty { return other }
        if other.isEmpty { return self }
        return combined(with: other) { $0 || $1 }
    }

    public func intersection(_ other: FieldSet) -> FieldSet {
        if isEmpty || other.isEmpty { return FieldSet() }
        return combined(with: other) { $0 && $1 }
    }

    /// Without the members of `other`. What is below such a member stays.
    public func subtracting(_ other: FieldSet) -> FieldSet {
        if isEmpty || other.isEmpty { return self }
        return combined(with: other) { $0 && !$1 }
    }

    /// Without the members of `other` and everything below them.
    public func removing(_ other: FieldSet) -> FieldSet {
        if isEmpty || other.isEmpty { return self }
        var result = FieldSet()
        for node in nodes {
            guard let removed = other[node.element] else {
                result.nodes.append(node)
                continue
            }
            guard !removed.isMember else { continue }
            result.append(node.element, isMember: node.isMember, children: node.children.removing(removed.children))
        }
        return result
    }

    /// Only the members that are in `other` or below one of its members.
    public func keeping(_ other: FieldSet) -> FieldSet {
        var result = FieldSet()
        for node in nodes {
            guard let kept = other[node.element] else { continue }
            if kept.isMember {
                result.nodes.append(node)
            } else {
                result.append(node.element, isMember: false, children: node.children.keeping(kept.children))
            }
        }
        return result
    }

    /// One pass over both trees; `keep` says whether what is a member here and there is one of the result.
    private func combined(with other: FieldSet, _ keep: (Bool, Bool) -> Bool) -> FieldSet {
        var result = FieldSet()
        result.nodes.reserveCapacity(nodes.count)
        var (left, right) = (0, 0)
        while left < nodes.count || right < other.nodes.count {
            let order =
                left == nodes.count
                ? 1
                : right == other.nodes.count ? -1 : PathElement.compare(nodes[left].element, other.nodes[right].element)
            let mine = order <= 0 ? nodes[left] : nil
            let theirs = order >= 0 ? other.nodes[right] : nil
            if order <= 0 { left += 1 }
            if order >= 0 { right += 1 }
            guard let element = (mine ?? theirs)?.element else { continue }
            result.append(
                element, isMember: keep(mine?.isMember ?? false, theirs?.isMember ?? false),
                children: (mine?.children ?? FieldSet()).combined(with: theirs?.children ?? FieldSet(), keep))
        }
        return result
    }
}

extension FieldSet: CustomStringConvertible {
    /// The `FieldsV1` text.
    public var description: String { String(decoding: json, as: UTF8.self) }
}
