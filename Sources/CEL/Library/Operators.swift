import Support

extension CELLibrary {
    /// Arithmetic and logic.
    static let operators: [CELFunction] = [
        CELFunction(Operator.conditional, "(bool, T, T) T") { _ throws(CELError) in throw .noSuchOverload },
        CELFunction(Operator.notStrictlyFalse, "(bool) bool") { _ throws(CELError) in throw .noSuchOverload },
        CELFunction(Operator.logicalNot, "(bool) bool") { arguments throws(CELError) in
            guard case .bool(let flag) = arguments[0] else { throw .noSuchOverload }
            return .bool(!flag)
        },
        CELFunction(Operator.negate, "(int) int", "(double) double", "(duration) duration") {
            arguments throws(CELError) in
            switch arguments[0] {
            case .int(let number): return .int(try Arithmetic.checked(Int64(0).subtractingReportingOverflow(number)))
            case .double(let number): return .double(-number)
            case .duration(let number):
                return .duration(try Arithmetic.checked(Int64(0).subtractingReportingOverflow(number)))
            default: throw .noSuchOverload
            }
        },
        CELFunction(
            Operator.add, "(int, int) int", "(uint, uint) uint", "(double, double) double", "(string, string) string",
            "(bytes, bytes) bytes", "(list(T), list(T)) list(T)", "(duration, duration) duration",
            "(timestamp, duration) timestamp", "(duration, timestamp) timestamp", cost: .both, effort: .copy
        ) { arguments throws(CELError) in try Arithmetic.add(arguments[0], arguments[1]) },
        CELFunction(
            "_-_", "(int, int) int", "(uint, uint) uint", "(double, double) double", "(duration, duration) duration",
            "(timestamp, duration) timestamp", "(timestamp, timestamp) duration"
        ) { arguments throws(CELError) in try Arithmetic.subtract(arguments[0], arguments[1]) },
        CELFunction("_*_", "(int, int) int", "(uint, uint) uint", "(double, double) double") {
            arguments throws(CELError) in
            switch (arguments[0], arguments[1]) {
            case (.int(let a), .int(let b)): return .int(try Arithmetic.checked(a.multipliedReportingOverflow(by: b)))
            case (.uint(let a), .uint(let b)):
                return .uint(try Arithmetic.checked(a.multipliedReportingOverflow(by: b)))
            case (.double(let a), .double(let b)): return .double(a * b)
            default: throw .noSuchOverload
            }
        },
        CELFunction("_/_", "(int, int) int", "(uint, uint) uint", "(double, double) double") {
            arguments throws(CELError) in
            switch (arguments[0], arguments[1]) {
            case (.int(_), .int(0)), (.uint(_), .uint(0)): throw CELError("division by zero")
            case (.int(let a), .int(let b)): return .int(try Arithmetic.checked(a.dividedReportingOverflow(by: b)))
            case (.uint(let a), .uint(let b)): return .uint(a / b)
            case (.double(let a), .double(let b)): return .double(a / b)
            default: throw .noSuchOverload
            }
        },
        CELFunction("_%_", "(int, int) int", "(uint, uint) uint") { arguments throws(CELError) in
            switch (arguments[0], arguments[1]) {
            case (.int(_), .int(0)), (.uint(_), .uint(0)): throw CELError("modulus by zero")
            case (.int(let a), .int(let b)):
                return .int(try Arithmetic.checked(a.remainderReportingOverflow(dividingBy: b)))
            case (.uint(let a), .uint(let b)): return .uint(a % b)
            default: throw .noSuchOverload
            }
        },
    ]
}

/// Numbers and times that do not fit are errors, never something else.
enum Arithmetic {
    static func checked<I: FixedWidthInteger>(_ result: (partialValue: I, overflow: Bool)) throws(CELError) -> I {
        if result.overflow { throw I.isSigned ? .integerOverflow : .unsignedOverflow }
        return result.partialValue
    }

    static func add(_ a: CELValue, _ b: CELValue) throws(CELError) -> CELValue {
        switch (a, b) {
        case (.int(let a), .int(let b)): return .int(try checked(a.addingReportingOverflow(b)))
        case (.uint(let a), .uint(let b)): return .uint(try checked(a.addingReportingOverflow(b)))
        case (.double(let a), .double(let b)): return .double(a + b)
        case (.string(let a), .string(let b)): return .string(a + b)
        case (.bytes(let a), .bytes(let b)): return .bytes(a + b)
        case (.list(let a), .list(let b)): return .list(a.appending(b))
        case (.duration(let a), .duration(let b)): return .duration(try nanoseconds(a.addingReportingOverflow(b)))
        case (.timestamp(let time), .duration(let span)), (.duration(let span), .timestamp(let time)):
            return .timestamp(try moved(time, by: span))
        default: throw .noSuchOverload
        }
    }

    static func subtract(_ a: CELValue, _ b: CELValue) throws(CELError) -> CELValue {
        switch (a, b) {
        case (.int(let a), .int(let b)): return .int(try checked(a.subtractingReportingOverflow(b)))
        case (.uint(let a), .uint(let b)): return .uint(try checked(a.subtractingReportingOverflow(b)))
        case (.double(let a), .double(let b)): return .double(a - b)
        case (.duration(let a), .duration(let b)): return .duration(try nanoseconds(a.subtractingReportingOverflow(b)))
        case (.timestamp(let time), .duration(let span)):
            guard span != .min else { throw CELError("timestamp overflow") }
            return .timestamp(try moved(time, by: -span))
        case (.timestamp(let a), .timestamp(let b)):
            let (seconds, isOver) = (a.seconds - b.seconds).multipliedReportingOverflow(by: 1_000_000_000)
            guard !isOver else { throw CELError("duration overflow") }
            return .duration(try nanoseconds(seconds.addingReportingOverflow(Int64(a.nanoseconds - b.nanoseconds))))
        default: throw .noSuchOverload
        }
    }

    private static func nanoseconds(_ result: (partialValue: Int64, overflow: Bool)) throws(CELError) -> Int64 {
        if result.overflow { throw CELError("duration overflow") }
        return result.partialValue
    }

    private static func moved(_ time: Timestamp, by span: Int64) throws(CELError) -> Timestamp {
        var (seconds, nanoseconds) = span.quotientAndRemainder(dividingBy: 1_000_000_000)
        nanoseconds += Int64(time.nanoseconds)
        if nanoseconds < 0 { (seconds, nanoseconds) = (seconds - 1, nanoseconds + 1_000_000_000) }
        if nanoseconds >= 1_000_000_000 { (seconds, nanoseconds) = (seconds + 1, nanoseconds - 1_000_000_000) }
        let moved = time.seconds + seconds
        guard Timestamp.expressibleSeconds.contains(moved) else { throw CELError("timestamp overflow") }
        return Timestamp(seconds: moved, nanoseconds: Int32(nanoseconds))
    }
}
