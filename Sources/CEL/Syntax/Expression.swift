/// A node of a parsed expression. Macros are expanded already, into comprehensions.
struct Expression: Sendable {
    /// The position among all nodes of a program: what the checker found out about a node is kept in arrays.
    let id: Int
    /// Where errors point, in Unicode scalars.
    let offset: Int
    let kind: Kind

    indirect enum Kind: Sendable {
        case literal(CELValue)
        case identifier(String)
        case select(Expression, field: String)
        /// `has(operand.field)`
        case test(Expression, field: String)
        case call(String, target: Expression?, [Expression])
        /// `&&` and `||` with all their operands, so that long chains are not deep.
        case logical(isAnd: Bool, [Expression])
        case list([Element])
        case map([Entry])
        case object(String, [Field])
        case comprehension(Comprehension)
    }

    /// `isOptional`: left out when the value is an empty optional (`[?x]`).
    struct Element: Sendable {
        let value: Expression
        let isOptional: Bool
    }

    struct Entry: Sendable {
        let key: Expression
        let value: Expression
        let isOptional: Bool
    }

    struct Field: Sendable {
        let name: String
        let offset: Int
        let value: Expression
        let isOptional: Bool
    }

    /// A loop over a range that folds into an accumulator.
    struct Comprehension: Sendable {
        let range: Expression
        let variable: String
        /// With two variables the first is an index or a key, the second the value.
        let second: String?
        let accumulator: String
        let initial: Expression
        /// The loop goes on while it holds.
        let condition: Expression
        let step: Expression
        let result: Expression
    }
}

/// The names of operators as functions, as error messages print them.
enum Operator {
    static let conditional = "_?_:_"
    static let logicalAnd = "_&&_"
    static let logicalOr = "_||_"
    static let logicalNot = "!_"
    static let negate = "-_"
    static let index = "_[_]"
    static let optionalIndex = "_[?_]"
    static let optionalSelect = "_?._"
    static let notStrictlyFalse = "@not_strictly_false"
    static let add = "_+_"
    static let equals = "_==_"

    /// The function of a binary operator and how strongly it binds.
    static func binary(_ symbol: String) -> (function: String, strength: Int)? {
        switch symbol {
        case "==": ("_==_", 1)
        case "!=": ("_!=_", 1)
        case "<": ("_<_", 1)
        case "<=": ("_<=_", 1)
        case ">": ("_>_", 1)
        case ">=": ("_>=_", 1)
        case "in": ("@in", 1)
        case "+": ("_+_", 2)
        case "-": ("_-_", 2)
        case "*": ("_*_", 3)
        case "/": ("_/_", 3)
        case "%": ("_%_", 3)
        default: nil
        }
    }
}
