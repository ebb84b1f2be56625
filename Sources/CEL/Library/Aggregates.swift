extension CELLibrary {
    /// Sizes, membership, and what the access operators are to the checker.
    static let aggregates: [CELFunction] = [
        CELFunction(
            "size", "(string) int", "(bytes) int", "(list(T)) int", "(map(K, V)) int", "string.() int", "bytes.() int",
            "list(T).() int", "map(K, V).() int"
        ) { arguments throws(CELError) in
            switch arguments[0] {
            case .string, .bytes, .list, .map: return .int(Int64(arguments[0].costSize))
            case .object(let object): return .int(Int64(object.fieldNames.count))
            default: throw .noSuchOverload
            }
        },
        CELFunction("@in", "(T, list(T)) bool", "(K, map(K, V)) bool", cost: .searched, effort: .deep) {
            arguments throws(CELError) in
            switch arguments[1] {
            case .list(let list): return .bool(list.contains(arguments[0]))
            case .map(let map): return .bool(CELMapKey(arguments[0]).map { map[$0] != nil } ?? false)
            case .object(let object):
                guard case .string(let name) = arguments[0] else { throw .noSuchOverload }
                return .bool(object.value(ofField: name) != nil)
            default: throw .noSuchOverload
            }
        },
        CELFunction(
            Operator.index, "(list(T), int) T", "(map(K, V), K) V", "(optional(list(T)), int) optional(T)",
            "(optional(map(K, V)), K) optional(V)"
        ) { _ throws(CELError) in throw .noSuchOverload },
        CELFunction(
            Operator.optionalIndex, "(list(T), int) optional(T)", "(map(K, V), K) optional(V)",
            "(optional(list(T)), int) optional(T)", "(optional(map(K, V)), K) optional(V)"
        ) { _ throws(CELError) in throw .noSuchOverload },
        CELFunction(Operator.mapInsert, "(map(K, V), K, V) map(K, V)", "(map(K, V), map(K, V)) map(K, V)") { _ throws(CELError) in
            throw .noSuchOverload
        },
    ]
}
