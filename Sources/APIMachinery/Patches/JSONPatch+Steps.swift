// The changes that operations of a JSON Patch are made of. Each works on the document in place.
extension Value {
    func patchValue(at path: JSONPointer, absentIs fallback: Value? = nil) throws(PatchError) -> Value {
        var value = self
        for (depth, token) in path.tokens.enumerated() {
            switch value {
            case .object(let fields):
                if let child = fields[token] {
                    value = child
                } else if let fallback, depth == path.tokens.count - 1 {
                    value = fallback
                } else {
                    throw .missing(path)
                }
            case .array(let elements): value = elements[try Self.index(token, in: elements.count, path)]
            default: throw .missing(path)
            }
        }
        return value
    }

    mutating func patchAdd(
        _ value: Value, at path: JSONPointer, _ work: inout JSONPatch.Work
    ) throws(PatchError) {
        guard path.tokens.count + value.depth <= JSONLimits().depth else {
            throw PatchError(.inapplicable, "exceeded max depth at \(path)")
        }
        guard !path.tokens.isEmpty else {
            self = value
            return
        }
        try changeParent(of: path) { (parent: inout Value, token: String) throws(PatchError) in
            switch parent {
            case .object:
                try work.note(steps: parent.fields?.count ?? 0)
                parent[token] = value
            case .array(var elements):
                let isEnd = token == "-"
                let index = isEnd ? elements.count : try Self.index(token, in: elements.count + 1, path)
                try work.note(steps: elements.count - index)
                // Frees the parent's reference, so that the array is changed in place.
                parent = .null
                elements.insert(value, at: index)
                parent = .array(elements)
            default: throw .missing(path)
            }
        }
    }

    mutating func patchRemove(at path: JSONPointer, _ work: inout JSONPatch.Work) throws(PatchError) -> Value {
        guard !path.tokens.isEmpty else {
            throw PatchError(.inapplicable, "the whole document cannot be removed")
        }
        return try changeParent(of: path) { (parent: inout Value, token: String) throws(PatchError) in
            switch parent {
            case .object(let fields):
                guard let value = fields[token] else { throw .missing(path) }
                try work.note(steps: fields.count)
                parent[token] = nil
                return value
            case .array(var elements):
                let index = try Self.index(token, in: elements.count, path)
                try work.note(steps: elements.count - index)
                parent = .null
                let value = elements.remove(at: index)
                parent = .array(elements)
                return value
            default: throw .missing(path)
            }
        }
    }

    mutating func patchReplace(with value: Value, at path: JSONPointer) throws(PatchError) {
        guard path.tokens.count + value.depth <= JSONLimits().depth else {
            throw PatchError(.inapplicable, "exceeded max depth at \(path)")
        }
        try change(path.tokens[...], path) { (place: inout Value) throws(PatchError) in place = value }
    }

    private mutating func changeParent<R>(
        of path: JSONPointer, _ body: (inout Value, String) throws(PatchError) -> R
    ) throws(PatchError) -> R {
        guard let last = path.tokens.last else { throw .missing(path) }
        return try change(path.tokens.dropLast(), path) { (place: inout Value) throws(PatchError) in
            try body(&place, last)
        }
    }

    /// Follows `tokens` and changes what is there in place, without a copy of anything on the way.
    private mutating func change<R>(
        _ tokens: ArraySlice<String>, _ path: JSONPointer, _ body: (inout Value) throws(PatchError) -> R
    ) throws(PatchError) -> R {
        guard let token = tokens.first else { return try body(&self) }
        switch self {
        case .object(var fields):
            self = .null
            defer { self = .object(fields) }
            let result = try fields.update(token) { (child: inout Value) throws(PatchError) in
                try child.change(tokens.dropFirst(), path, body)
            }
            guard let result else { throw .missing(path) }
            return result
        case .array(var elements):
            let index = try Self.index(token, in: elements.count, path)
            self = .null
            defer { self = .array(elements) }
            return try elements[index].change(tokens.dropFirst(), path, body)
        default: throw .missing(path)
        }
    }

    /// The index that `token` names among `count` places. Negative ones count from the end, as Kubernetes allows.
    private static func index(_ token: String, in count: Int, _ path: JSONPointer) throws(PatchError) -> Int {
        let digits = token.utf8.first == UInt8(ascii: "-") ? token.utf8.dropFirst() : token.utf8[...]
        let isNumber =
            WordShape.digits.matches(digits) && (digits.count == 1 || digits.first != UInt8(ascii: "0"))
        guard isNumber, let number = Int(token), (-count..<count).contains(number) else {
            throw PatchError(
                .inapplicable, "unable to access invalid index \(token) at \(path): invalid index referenced")
        }
        return number < 0 ? number + count : number
    }
}

extension PatchError {
    fileprivate static func missing(_ path: JSONPointer) -> PatchError {
        PatchError(.inapplicable, "doc is missing path: \(path): missing value")
    }
}
