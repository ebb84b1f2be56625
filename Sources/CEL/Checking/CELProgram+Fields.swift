extension CELProgram {
    /// Whether the expression looks at a field of a variable by its name: `claims.email`, `claims.?email`,
    /// `has(claims.email)`.
    public func selects(_ field: String, of variable: String) -> Bool {
        checked.root.contains { expression in
            switch expression.kind {
            case .select(let operand, let name), .test(let operand, let name):
                return name == field && operand.isIdentifier(variable)
            case .call(Operator.optionalSelect, _, let arguments) where arguments.count == 2:
                guard case .literal(.string(let name)) = arguments[1].kind else { return false }
                return name == field && arguments[0].isIdentifier(variable)
            default: return false
            }
        }
    }
}

extension Expression {
    fileprivate func isIdentifier(_ name: String) -> Bool {
        if case .identifier(name) = kind { true } else { false }
    }

    /// Whether `isWanted` holds of this node or of one below it.
    fileprivate func contains(_ isWanted: (Expression) -> Bool) -> Bool {
        isWanted(self) || children.contains { $0.contains(isWanted) }
    }
}
