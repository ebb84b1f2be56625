extension CELLibrary {
    /// The extension for sets: lists without regard to order and repetition.
    static let setFunctions: [CELFunction] = [
        CELFunction("sets.contains", "(list(T), list(T)) bool", cost: .product, effort: .set) { arguments throws(CELError) in
            let known = CELValueSet(try list(arguments[0]).values)
            return .bool(try list(arguments[1]).values.allSatisfy(known.contains))
        },
        CELFunction("sets.intersects", "(list(T), list(T)) bool", cost: .product, effort: .set) { arguments throws(CELError) in
            let known = CELValueSet(try list(arguments[0]).values)
            return .bool(try list(arguments[1]).values.contains(where: known.contains))
        },
        CELFunction("sets.equivalent", "(list(T), list(T)) bool", cost: .product, effort: .set) { arguments throws(CELError) in
            let (first, second) = (try list(arguments[0]).values, try list(arguments[1]).values)
            let (own, others) = (CELValueSet(first), CELValueSet(second))
            return .bool(first.allSatisfy(others.contains) && second.allSatisfy(own.contains))
        },
    ]
}
