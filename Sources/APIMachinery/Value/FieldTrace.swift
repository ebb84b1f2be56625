/// Goes with a parser through a text, and names the problems of its fields in the order of the text.
///
/// It follows the text and not the tree that is made of it: a tree has each field once, and its fields are sorted.
struct FieldTrace {
    /// What may stand at a place.
    enum Shape {
        /// Anything; but a field only once.
        case open
        /// What is not looked into.
        case closed
        case object(TypeSchema)
        /// A field of a type, or what a list or a map of it holds.
        case field(FieldSchema)
        /// Elements of a list, or values of a map.
        case children(FieldSchema)
        /// The operations of a JSON patch, and one of them.
        case operations
        case operation
    }

    /// Problems that are noted; no message names more.
    private static let mostProblems = 100
    /// How often a path is written out to be compared with those that are noted: texts that repeat one problem for ever
    /// would cost far more than their size.
    private static let mostNotes = 1000

    private(set) var found: [FieldProblem] = []
    private var notes = 0
    /// The names of the fields that the parser is inside of.
    private var path: [String] = []
    /// What may stand where the parser is.
    private var shape: Shape
    private var frames: [Frame] = []

    /// An object or a list that has begun and not ended.
    private struct Frame {
        var shape: Shape
        /// The keys that an object had so far.
        var keys: Set<String> = []
        /// What a list is called, without an index.
        var name = ""
    }

    init(_ shape: Shape) { self.shape = shape }

    /// The problems of a whole text.
    static func problems(in bytes: [UInt8], _ shape: Shape) -> [FieldProblem] {
        bytes.withUnsafeBufferPointer { problems(in: $0, JSONLimits(), shape) }
    }

    static func problems(
        in bytes: UnsafeBufferPointer<UInt8>, _ limits: JSONLimits, _ shape: Shape
    ) -> [FieldProblem] {
        var parser = JSONParser(bytes: bytes, limits: limits, trace: FieldTrace(shape))
        _ = try? parser.parseDocument()
        return parser.trace?.found ?? []
    }

    // MARK: The parser's steps

    mutating func beginObject() { frames.append(Frame(shape: shapeInside(isList: false))) }

    /// Steps to the value of a key.
    mutating func enter(_ key: String) {
        path.append(key)
        let last = frames.count - 1
        let place = frames[last].shape
        if case .closed = place {
            shape = .closed
            return
        }
        let isRepeated = !frames[last].keys.insert(key).inserted
        guard let inner = Self.value(of: key, in: place) else {
            shape = .closed
            return note(FieldProblem.unknown)
        }
        shape = inner
        if isRepeated { note(FieldProblem.duplicate) }
    }

    /// Steps behind the value of a key.
    mutating func leave() { path.removeLast() }

    mutating func endObject() { frames.removeLast() }

    mutating func beginList() {
        if path.isEmpty { path.append("") }
        frames.append(Frame(shape: shapeInside(isList: true), name: path[path.count - 1]))
    }

    /// Steps to an element.
    mutating func enter(_ index: Int) {
        let frame = frames[frames.count - 1]
        path[path.count - 1] = "\(frame.name)[\(index)]"
        switch frame.shape {
        case .open: shape = .open
        case .children(let field): shape = .field(field)
        case .operations: shape = .operation
        case .closed, .object, .field, .operation: shape = .closed
        }
    }

    mutating func endList() { path[path.count - 1] = frames.removeLast().name }

    // MARK: Shapes

    /// What the object or list that begins is held to.
    private func shapeInside(isList: Bool) -> Shape {
        switch shape {
        case .open, .closed: shape
        case .object, .operation: isList ? .closed : shape
        case .children, .operations: isList ? shape : .closed
        case .field(let field): Self.inside(field, isList: isList)
        }
    }

    private static func inside(_ field: FieldSchema, isList: Bool) -> Shape {
        switch field.kind {
        case .any: return .open
        case .object(let type): return isList ? .closed : .object(type)
        case .map(let value): return isList ? .closed : .children(value)
        case .list(let element): return isList ? .children(element) : .closed
        case .union(let type):
            for member in type.fields {
                switch member.kind {
                case .object where !isList, .list where isList: return inside(member, isList: isList)
                default: continue
                }
            }
            return .closed
        default: return .closed
        }
    }

    /// What the value of a key may be; `nil` when there is no such key.
    private static func value(of key: String, in place: Shape) -> Shape? {
        switch place {
        case .open: return .open
        case .children(let field): return .field(field)
        case .object(let type):
            if let field = type.field(named: key) { return .field(field) }
            return type.flags.contains(.preservesUnknownFields) ? .open : nil
        case .operation:
            guard JSONPatch.operationFields.contains(key) else { return nil }
            return key == "value" ? .open : .closed
        case .closed, .field, .operations: return .closed
        }
    }

    private mutating func note(_ make: (String) -> FieldProblem) {
        guard found.count < Self.mostProblems, notes < Self.mostNotes else { return }
        notes += 1
        let problem = make(path.joined(separator: "."))
        if !found.contains(problem) { found.append(problem) }
    }
}
