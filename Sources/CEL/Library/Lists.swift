extension CELLibrary {
    /// Kubernetes' functions on lists, and the extension for lists.
    static let listFunctions: [CELFunction] = [
        CELFunction("isSorted", "list(T).() bool", cost: .elements) { arguments throws(CELError) in
            let values = try list(arguments[0]).values
            for (first, second) in zip(values, values.dropFirst()) {
                guard let order = first.order(second) else { throw .noSuchOverload }
                if order > 0 { return .bool(false) }
            }
            return .bool(true)
        },
        CELFunction(
            "sum", "list(int).() int", "list(uint).() uint", "list(double).() double", "list(duration).() duration",
            cost: .elements
        ) { arguments throws(CELError) in
            let values = try list(arguments[0]).values
            guard var sum = values.first else { return .int(0) }
            guard sum.isNumber || sum.typeName.hasSuffix("Duration") else { throw .noSuchOverload }
            for value in values.dropFirst() { sum = try Arithmetic.add(sum, value) }
            return sum
        },
        CELFunction("max", "list(T).() T", cost: .elements) { arguments throws(CELError) in
            try extreme(list(arguments[0]).values, "max") { $0 > 0 }
        },
        CELFunction("min", "list(T).() T", cost: .elements) { arguments throws(CELError) in
            try extreme(list(arguments[0]).values, "min") { $0 < 0 }
        },
        CELFunction(
            "indexOf", "list(T).(T) int", "string.(string) int", "string.(string, int) int", cost: .elements,
            effort: .search
        ) { arguments throws(CELError) in
            guard case .string = arguments[0] else {
                let values = try list(arguments[0]).values
                return .int(Int64(values.firstIndex { $0.isEqual(to: arguments[1]) } ?? -1))
            }
            let (text, part) = try twoTexts(arguments)
            let (scalars, sought) = (Array(text.unicodeScalars), Array(part.unicodeScalars))
            let start = try offset(arguments, default: 0, count: scalars.count)
            if sought.isEmpty { return .int(Int64(start)) }
            return .int(Int64(scalars.firstPosition(of: sought, from: start) ?? -1))
        },
        CELFunction(
            "lastIndexOf", "list(T).(T) int", "string.(string) int", "string.(string, int) int", cost: .elements,
            effort: .search
        ) { arguments throws(CELError) in
            guard case .string = arguments[0] else {
                let values = try list(arguments[0]).values
                return .int(Int64(values.lastIndex { $0.isEqual(to: arguments[1]) } ?? -1))
            }
            let (text, part) = try twoTexts(arguments)
            let (scalars, sought) = (Array(text.unicodeScalars), Array(part.unicodeScalars))
            let end = try offset(arguments, default: scalars.count, count: scalars.count)
            if sought.isEmpty { return .int(Int64(end)) }
            return .int(Int64(scalars.lastPosition(of: sought, to: end) ?? -1))
        },
        CELFunction("slice", "list(T).(int, int) list(T)", effort: .copy) { arguments throws(CELError) in
            let values = try list(arguments[0]).values
            guard case .int(let start) = arguments[1], case .int(let end) = arguments[2] else { throw .noSuchOverload }
            guard start >= 0, end >= 0 else {
                throw CELError("cannot slice(\(start), \(end)), negative indexes not supported")
            }
            guard start <= end else {
                throw CELError("cannot slice(\(start), \(end)), start index must be less than or equal to end index")
            }
            guard end <= values.count else {
                throw CELError("cannot slice(\(start), \(end)), list is length \(values.count)")
            }
            return .made(Array(values[Int(start)..<Int(end)]))
        },
        CELFunction("flatten", "list(list(T)).() list(T)", "list(dyn).(int) list(dyn)", cost: .elements) {
            arguments throws(CELError) in
            var depth: Int64 = 1
            if arguments.count > 1 {
                guard case .int(let given) = arguments[1] else { throw .noSuchOverload }
                depth = given
            }
            guard depth >= 0 else { throw CELError("level must be non-negative") }
            return .made(flattened(try list(arguments[0]).values, min(depth, 100)))
        },
        CELFunction("lists.range", "(int) list(int)", effort: .range) { arguments throws(CELError) in
            guard case .int(let count) = arguments[0] else { throw .noSuchOverload }
            return .made((0..<max(0, count)).map(CELValue.int))
        },
        CELFunction("distinct", "list(T).() list(T)", cost: .elements, effort: .set) { arguments throws(CELError) in
            var known = CELValueSet([])
            return .made(try list(arguments[0]).values.filter { known.insert($0) })
        },
        CELFunction("first", "list(T).() optional(T)") { arguments throws(CELError) in
            .optional(CELOptional(try list(arguments[0]).values.first))
        },
        CELFunction("last", "list(T).() optional(T)") { arguments throws(CELError) in
            .optional(CELOptional(try list(arguments[0]).values.last))
        },
        CELFunction("sort", "list(T).() list(T)", cost: .elements, effort: .deep) { arguments throws(CELError) in
            let values = try list(arguments[0]).values
            return .made(try sorted(values, by: values))
        },
        CELFunction("@sortByAssociatedKeys", "list(T).(list(U)) list(T)", cost: .elements) {
            arguments throws(CELError) in
            .made(try sorted(list(arguments[0]).values, by: list(arguments[1]).values))
        },
    ]

    static func list(_ value: CELValue) throws(CELError) -> CELList {
        guard case .list(let list) = value else { throw .noSuchOverload }
        return list
    }

    private static func extreme(_ values: [CELValue], _ name: String, _ isBetter: (Int) -> Bool) throws(CELError)
        -> CELValue
    {
        guard var best = values.first else { throw CELError("\(name) called on empty list") }
        for value in values.dropFirst() {
            guard let order = value.order(best) else { throw .noSuchOverload }
            if isBetter(order) { best = value }
        }
        return best
    }

    /// The third argument: from where, or up to where, a text is searched.
    private static func offset(_ arguments: [CELValue], default fallback: Int, count: Int) throws(CELError) -> Int {
        guard arguments.count > 2 else { return fallback }
        guard case .int(let offset) = arguments[2] else { throw .noSuchOverload }
        guard offset >= 0, offset <= count else { throw CELError("index out of range: \(offset)") }
        return Int(offset)
    }

    private static func flattened(_ values: [CELValue], _ depth: Int64) -> [CELValue] {
        values.flatMap { value -> [CELValue] in
            guard depth > 0, case .list(let list) = value else { return [value] }
            return flattened(list.values, depth - 1)
        }
    }

    private static func sorted(_ values: [CELValue], by keys: [CELValue]) throws(CELError) -> [CELValue] {
        guard let first = keys.first else { return values }
        // That each compares with the first means that all compare with each other.
        guard keys.count == values.count, keys.allSatisfy({ $0.order(first) != nil }) else {
            throw CELError("list elements must have the same type")
        }
        let ordered = zip(keys, values).enumerated().sorted { a, b in
            let order = a.element.0.order(b.element.0) ?? 0
            return order == 0 ? a.offset < b.offset : order < 0
        }
        return ordered.map(\.element.1)
    }
}
