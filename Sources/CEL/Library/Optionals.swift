import Support

extension CELLibrary {
    /// Values that may be missing.
    static let optionals: [CELFunction] = [
        CELFunction("optional.of", "(T) optional(T)") { .optional(CELOptional($0[0])) },
        CELFunction("optional.none", "() optional(T)") { _ in .optional(.none) },
        CELFunction("optional.ofNonZeroValue", "(T) optional(T)") {
            .optional($0[0].isZero ? .none : CELOptional($0[0]))
        },
        CELFunction("hasValue", "optional(T).() bool") { arguments throws(CELError) in
            guard case .optional(let optional) = arguments[0] else { throw .noSuchOverload }
            return .bool(optional.value != nil)
        },
        CELFunction("value", "optional(T).() T") { arguments throws(CELError) in
            guard case .optional(let optional) = arguments[0] else { throw .noSuchOverload }
            guard let value = optional.value else { throw CELError("optional.none() dereference") }
            return value
        },
        CELFunction("or", "optional(T).(optional(T)) optional(T)") { _ throws(CELError) in throw .noSuchOverload },
        CELFunction("orValue", "optional(T).(T) T") { _ throws(CELError) in throw .noSuchOverload },
        CELFunction("optional.unwrap", "(list(optional(T))) list(T)", cost: .elements) { arguments throws(CELError) in
            try unwrapped(arguments)
        },
        CELFunction("unwrapOpt", "list(optional(T)).() list(T)", cost: .elements) { arguments throws(CELError) in
            try unwrapped(arguments)
        },
    ]

    private static func unwrapped(_ arguments: [CELValue]) throws(CELError) -> CELValue {
        var values: [CELValue] = []
        for element in try list(arguments[0]).values {
            guard case .optional(let optional) = element else { throw .noSuchOverload }
            if let value = optional.value { values.append(value) }
        }
        return .made(values)
    }
}

extension CELValue {
    /// What an absent value of the type would be.
    fileprivate var isZero: Bool {
        switch self {
        case .null: true
        case .bool(let flag): !flag
        case .int(let number): number == 0
        case .uint(let number): number == 0
        case .double(let number): number == 0
        case .string(let text): text.isEmpty
        case .bytes(let bytes): bytes.isEmpty
        case .duration(let nanoseconds): nanoseconds == 0
        case .timestamp(let time): time.seconds == -62_135_596_800 && time.nanoseconds == 0
        case .list(let list): list.count == 0
        case .map(let map): map.count == 0
        case .object(let object): object.fieldNames.isEmpty
        case .optional(let optional): optional.value == nil
        case .type, .opaque: false
        }
    }
}
