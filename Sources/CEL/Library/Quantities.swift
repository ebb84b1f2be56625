import APIMachinery

extension CELLibrary {
    /// Amounts of resources.
    static let quantities: [CELFunction] = [
        CELFunction("quantity", "(string) kubernetes.Quantity", cost: .text) { arguments throws(CELError) in
            let text = try oneText(arguments)
            do throws(QuantityError) {
                return .opaque(QuantityValue(quantity: try Quantity(text)))
            } catch {
                throw CELError(error.description)
            }
        },
        CELFunction("isQuantity", "(string) bool", cost: .text) { arguments throws(CELError) in
            .bool((try? Quantity(try oneText(arguments))) != nil)
        },
        CELFunction("sign", "kubernetes.Quantity.() int") { arguments throws(CELError) in
            .int(Int64(try quantity(arguments[0]).sign))
        },
        CELFunction("isInteger", "kubernetes.Quantity.() bool") { arguments throws(CELError) in
            .bool(try quantity(arguments[0]).wholeValue != nil)
        },
        CELFunction("asInteger", "kubernetes.Quantity.() int") { arguments throws(CELError) in
            guard let whole = try quantity(arguments[0]).wholeValue else {
                throw CELError("cannot convert value to integer")
            }
            return .int(whole)
        },
        CELFunction("asApproximateFloat", "kubernetes.Quantity.() double") { arguments throws(CELError) in
            .double(try quantity(arguments[0]).double)
        },
        CELFunction(
            "add", "kubernetes.Quantity.(kubernetes.Quantity) kubernetes.Quantity",
            "kubernetes.Quantity.(int) kubernetes.Quantity"
        ) { arguments throws(CELError) in
            .opaque(QuantityValue(quantity: try quantity(arguments[0]) + quantity(arguments[1])))
        },
        CELFunction(
            "sub", "kubernetes.Quantity.(kubernetes.Quantity) kubernetes.Quantity",
            "kubernetes.Quantity.(int) kubernetes.Quantity"
        ) { arguments throws(CELError) in
            .opaque(QuantityValue(quantity: try quantity(arguments[0]) - quantity(arguments[1])))
        },
        compared("isLessThan") { .bool($0 < 0) },
        compared("isGreaterThan") { .bool($0 > 0) },
        compared("compareTo") { .int(Int64($0)) },
    ]

    /// Quantities, and versions, which have the same functions.
    private static func compared(_ name: String, _ answer: @escaping @Sendable (Int) -> CELValue) -> CELFunction {
        let result = name == "compareTo" ? "int" : "bool"
        return CELFunction(
            name, "kubernetes.Quantity.(kubernetes.Quantity) \(result)",
            "kubernetes.Semver.(kubernetes.Semver) \(result)"
        ) { arguments throws(CELError) in
            if case .opaque(let first as SemanticVersion) = arguments[0],
                case .opaque(let second as SemanticVersion) = arguments[1]
            {
                return answer(first < second ? -1 : second < first ? 1 : 0)
            }
            let (first, second) = (try quantity(arguments[0]), try quantity(arguments[1]))
            return answer(first < second ? -1 : second < first ? 1 : 0)
        }
    }

    private static func quantity(_ value: CELValue) throws(CELError) -> Quantity {
        switch value {
        case .opaque(let value as QuantityValue): return value.quantity
        case .int(let number): return Quantity(number)
        default: throw .noSuchOverload
        }
    }
}

private struct QuantityValue: CELOpaque, Equatable {
    let quantity: Quantity
    var typeName: String { "kubernetes.Quantity" }
}

extension Quantity {
    /// The amount, if it is a whole number of 64 bits.
    fileprivate var wholeValue: Int64? {
        let value = self.value
        return Quantity(value) == self ? value : nil
    }
}
