extension CELLibrary {
    /// Equality and order. Numbers of different types compare by value.
    static let comparisons: [CELFunction] = [
        CELFunction(Operator.equals, "(T, T) bool", cost: .shorter, effort: .comparison) { .bool($0[0].isEqual(to: $0[1])) },
        CELFunction("_!=_", "(T, T) bool", cost: .shorter, effort: .comparison) { .bool(!$0[0].isEqual(to: $0[1])) },
        ordering("_<_") { $0 < 0 },
        ordering("_<=_") { $0 <= 0 },
        ordering("_>_") { $0 > 0 },
        ordering("_>=_") { $0 >= 0 },
    ]

    private static func ordering(_ name: String, _ holds: @escaping @Sendable (Int) -> Bool) -> CELFunction {
        CELFunction(
            name, "(bool, bool) bool", "(int, int) bool", "(int, double) bool", "(int, uint) bool", "(uint, uint) bool",
            "(uint, double) bool", "(uint, int) bool", "(double, double) bool", "(double, int) bool",
            "(double, uint) bool", "(string, string) bool", "(bytes, bytes) bool", "(timestamp, timestamp) bool",
            "(duration, duration) bool", cost: .shorter
        ) { arguments throws(CELError) in
            if let order = arguments[0].order(arguments[1]) { return .bool(holds(order)) }
            // Nothing is less or greater than what is not a number.
            if case .double = arguments[0], arguments[1].isNumber { return .bool(false) }
            if case .double = arguments[1], arguments[0].isNumber { return .bool(false) }
            throw .noSuchOverload
        }
    }
}

extension CELValue {
    var isNumber: Bool {
        switch self {
        case .int, .uint, .double: true
        default: false
        }
    }
}
