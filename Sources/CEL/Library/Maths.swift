extension CELLibrary {
    /// The extension for numbers.
    static let mathFunctions: [CELFunction] = [
        extreme("math.greatest") { $0 > 0 },
        extreme("math.least") { $0 < 0 },
        rounding("math.ceil") { $0.rounded(.up) },
        rounding("math.floor") { $0.rounded(.down) },
        rounding("math.round") { $0.rounded(.toNearestOrAwayFromZero) },
        rounding("math.trunc") { $0.rounded(.towardZero) },
        CELFunction("math.abs", "(int) int", "(uint) uint", "(double) double") { arguments throws(CELError) in
            switch arguments[0] {
            case .int(.min): throw .integerOverflow
            case .int(let number): return .int(abs(number))
            case .uint: return arguments[0]
            case .double(let number): return .double(abs(number))
            default: throw .noSuchOverload
            }
        },
        CELFunction("math.sign", "(int) int", "(uint) uint", "(double) double") { arguments throws(CELError) in
            switch arguments[0] {
            case .int(let number): return .int(number.signum())
            case .uint(let number): return .uint(number.signum())
            case .double(let number): return .double(number.isNaN ? number : number < 0 ? -1 : number > 0 ? 1 : 0)
            default: throw .noSuchOverload
            }
        },
        testing("math.isNaN") { $0.isNaN },
        testing("math.isInf") { $0.isInfinite },
        testing("math.isFinite") { $0.isFinite },
        CELFunction("math.bitNot", "(int) int", "(uint) uint") { arguments throws(CELError) in
            switch arguments[0] {
            case .int(let number): return .int(~number)
            case .uint(let number): return .uint(~number)
            default: throw .noSuchOverload
            }
        },
        bits("math.bitAnd", { $0 & $1 }), bits("math.bitOr", { $0 | $1 }), bits("math.bitXor", { $0 ^ $1 }),
        shift("math.bitShiftLeft", isLeft: true), shift("math.bitShiftRight", isLeft: false),
    ]

    /// Of several numbers, or of a list of them.
    private static func extreme(_ name: String, _ isBetter: @escaping @Sendable (Int) -> Bool) -> CELFunction {
        CELFunction(
            name, "(int) int", "(uint) uint", "(double) double", "(int, int) int", "(uint, uint) uint",
            "(double, double) double", "(dyn, dyn) dyn", "(dyn, dyn, dyn) dyn", "(dyn, dyn, dyn, dyn) dyn",
            "(list(int)) int", "(list(uint)) uint", "(list(double)) double", "(list(dyn)) dyn"
        ) { arguments throws(CELError) in
            var numbers = arguments
            if arguments.count == 1, case .list(let list) = arguments[0] { numbers = list.values }
            guard var best = numbers.first else { throw CELError("\(name)(list) argument must not be empty") }
            guard numbers.allSatisfy(\.isNumber) else { throw .noSuchOverload }
            for number in numbers.dropFirst() {
                if let order = number.numericOrder(best), isBetter(order) { best = number }
            }
            return best
        }
    }

    private static func rounding(_ name: String, _ round: @escaping @Sendable (Double) -> Double) -> CELFunction {
        CELFunction(name, "(double) double") { arguments throws(CELError) in
            guard case .double(let number) = arguments[0] else { throw .noSuchOverload }
            return .double(round(number))
        }
    }

    private static func testing(_ name: String, _ holds: @escaping @Sendable (Double) -> Bool) -> CELFunction {
        CELFunction(name, "(double) bool") { arguments throws(CELError) in
            guard case .double(let number) = arguments[0] else { throw .noSuchOverload }
            return .bool(holds(number))
        }
    }

    private static func bits(_ name: String, _ combine: @escaping @Sendable (UInt64, UInt64) -> UInt64) -> CELFunction {
        CELFunction(name, "(int, int) int", "(uint, uint) uint") { arguments throws(CELError) in
            switch (arguments[0], arguments[1]) {
            case (.int(let a), .int(let b)):
                return .int(Int64(bitPattern: combine(UInt64(bitPattern: a), UInt64(bitPattern: b))))
            case (.uint(let a), .uint(let b)): return .uint(combine(a, b))
            default: throw .noSuchOverload
            }
        }
    }

    private static func shift(_ name: String, isLeft: Bool) -> CELFunction {
        CELFunction(name, "(int, int) int", "(uint, int) uint") { arguments throws(CELError) in
            guard case .int(let count) = arguments[1] else { throw .noSuchOverload }
            guard count >= 0 else { throw CELError("\(name)() negative offset: \(count)") }
            // Swift's shifts by more than the width yield 0; the right shift of an int is logical, as in the reference.
            switch arguments[0] {
            case .int(let number):
                let pattern = UInt64(bitPattern: number)
                return .int(Int64(bitPattern: isLeft ? pattern << UInt64(count) : pattern >> UInt64(count)))
            case .uint(let number): return .uint(isLeft ? number << UInt64(count) : number >> UInt64(count))
            default: throw .noSuchOverload
            }
        }
    }
}
