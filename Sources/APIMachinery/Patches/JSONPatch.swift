/// A list of changes to a document, applied in order, all or none (RFC 6902).
///
/// Bounded like Kubernetes bounds it, and in depth: neither the work, nor the size of what `copy` multiplies, nor the
/// nesting of the result can run away.
public struct JSONPatch: Hashable, Sendable {
    public static let mostOperations = 10_000
    /// How many bytes all `copy` operations together may add.
    public static let mostCopiedBytes = 3 << 20
    /// How many values all operations together may look at or push aside: moving what is large back and forth takes a
    /// few bytes of patch each time.
    static let mostSteps = 50_000_000

    private let operations: [Operation]

    enum Operation: Hashable, Sendable {
        case add(JSONPointer, Value)
        case remove(JSONPointer)
        case replace(JSONPointer, Value)
        case move(from: JSONPointer, to: JSONPointer)
        case copy(from: JSONPointer, to: JSONPointer)
        case test(JSONPointer, Value)
    }

    /// What Kubernetes knows of an operation.
    static let operationFields = ["from", "op", "path", "value"]

    /// Whether some operation says what no operation can say.
    public static func haveUnknownFields(_ operations: [Value]) -> Bool {
        operations.contains { operation in
            operation.fields?.entries.contains { !operationFields.contains($0.key) } ?? false
        }
    }

    /// What operations have that no operation has, and what they say twice, in the order of the patch's JSON text.
    public static func fieldProblems(inJSON bytes: [UInt8]) -> [FieldProblem] {
        FieldTrace.problems(in: bytes, .operations)
    }

    /// Reads a patch document, an array of operations.
    public init(_ document: Value) throws(PatchError) {
        guard case .array(let items) = document else {
            throw PatchError(
                .malformed,
                "json: cannot unmarshal \(document.kindName) into Go value of type jsonpatch.Patch")
        }
        guard items.count <= Self.mostOperations else {
            throw PatchError(
                .tooLarge,
                "The allowed maximum operations in a JSON patch is \(Self.mostOperations), got \(items.count)"
            )
        }
        var operations: [Operation] = []
        for item in items { operations.append(try Operation(item)) }
        self.operations = operations
    }

    /// The changed document. When an operation fails, nothing is changed.
    public func apply(to document: Value) throws(PatchError) -> Value {
        var result = document
        var work = Work()
        for operation in operations { try operation.apply(to: &result, &work) }
        return result
    }

    /// What the operations have taken so far.
    struct Work {
        var copiedBytes = 0
        private var steps = 0

        mutating func note(steps more: Int) throws(PatchError) {
            steps += more
            guard steps <= JSONPatch.mostSteps else {
                throw PatchError(.tooLarge, "The operations of the JSON patch take more than \(JSONPatch.mostSteps) steps")
            }
        }
    }
}

extension JSONPatch.Operation {
    fileprivate init(_ item: Value) throws(PatchError) {
        guard case .object = item else {
            throw PatchError(
                .malformed,
                "json: cannot unmarshal \(item.kindName) into Go value of type jsonpatch.Operation")
        }
        let name = item["op"]?.string ?? ""
        let path = try Self.pointer("path", of: name, in: item)
        switch name {
        case "add": self = .add(path, try Self.value(of: name, in: item))
        case "remove": self = .remove(path)
        case "replace": self = .replace(path, try Self.value(of: name, in: item))
        case "move": self = .move(from: try Self.pointer("from", of: name, in: item), to: path)
        case "copy": self = .copy(from: try Self.pointer("from", of: name, in: item), to: path)
        // A test without a value asks whether there is none.
        case "test": self = .test(path, item["value"] ?? .null)
        default: throw PatchError(.inapplicable, "unexpected kind of operation: \(GoText.quoted(name))")
        }
    }

    private static func pointer(
        _ key: String, of name: String, in item: Value
    ) throws(PatchError) -> JSONPointer {
        guard let text = item[key]?.string else {
            throw PatchError(
                .inapplicable, "the operation \(GoText.quoted(name)) has no \(GoText.quoted(key))")
        }
        guard let pointer = JSONPointer(text) else {
            throw PatchError(.inapplicable, "\(GoText.quoted(text)) is no JSON pointer")
        }
        return pointer
    }

    private static func value(of name: String, in item: Value) throws(PatchError) -> Value {
        guard let value = item["value"] else {
            throw PatchError(.inapplicable, "the operation \(GoText.quoted(name)) has no \"value\"")
        }
        return value
    }

    fileprivate func apply(to document: inout Value, _ work: inout JSONPatch.Work) throws(PatchError) {
        switch self {
        case .add(let path, let value): try document.patchAdd(value, at: path, &work)
        case .remove(let path): _ = try document.patchRemove(at: path, &work)
        case .replace(let path, let value): try document.patchReplace(with: value, at: path)
        case .move(let from, let path):
            guard !path.tokens.starts(with: from.tokens) || path == from else {
                throw PatchError(.inapplicable, "cannot move \(from) into itself, to \(path)")
            }
            let value = from.tokens.isEmpty ? document : try document.patchRemove(at: from, &work)
            try work.note(steps: value.valueCount)
            try document.patchAdd(value, at: path, &work)
        case .copy(let from, let path):
            let value = try document.patchValue(at: from)
            work.copiedBytes += value.json.count
            guard work.copiedBytes <= JSONPatch.mostCopiedBytes else {
                throw PatchError(
                    .inapplicable,
                    "unable to complete the copy, the accumulated size increase of copy is "
                        + "\(work.copiedBytes), exceeding the limit \(JSONPatch.mostCopiedBytes)")
            }
            try document.patchAdd(value, at: path, &work)
        case .test(let path, let expected):
            // Clients test for absence by comparing with null.
            let found = try document.patchValue(at: path, absentIs: expected.isNull ? .null : nil)
            // 1 and 1.0 are one number to JSON, hence the second look at the canonical bytes.
            guard found == expected || found.json == expected.json else {
                throw .failedTest(path)
            }
        }
    }
}
