/// A node of a parsed expression. Macros are expanded already, into comprehensions.
struct Expression: Sendable {
    /// The position among all nodes of a program: what the checker found out about a node is kept in arrays.
    let id: Int
    /// Where errors point, in Unicode scalars.
    let offset: Int
    /// How many nodes are below each other, this one counted.
    let depth: Int
    /// How many nodes a walk meets, this one counted: what a macro repeats is met again.
    let size: Int
    let kind: Kind

    init(id: Int, offset: Int, kind: Kind) {
        self.id = id
        self.offset = offset
        self.kind = kind
        let children = kind.children
        depth = 1 + (children.map(\.depth).max() ?? 0)
        size = children.reduce(1) { $0 + $1.size }
    }

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

    var children: [Expression] { kind.children }

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

extension Expression.Kind {
    fileprivate var children: [Expression] {
        switch self {
        case .literal, .identifier: []
        case .select(let operand, _), .test(let operand, _): [operand]
        case .call(_, let target, let arguments): (target.map { [$0] } ?? []) + arguments
        case .logical(_, let terms): terms
        case .list(let elements): elements.map(\.value)
        case .map(let entries): entries.flatMap { [$0.key, $0.value] }
        case .object(_, let fields): fields.map(\.value)
        case .comprehension(let loop): [loop.range, loop.initial, loop.condition, loop.step, loop.result]
        }
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
    /// Loops do it in place (`Evaluator+Comprehension.swift`); no source can write it.
    static let mapInsert = "cel.@mapInsert"
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
