/// Which parts of an object writers through one endpoint can own at all: what the endpoint resets is nobody's.
public enum FieldFilter: Hashable, Sendable {
    case everything
    /// Everything but these and what is below them.
    case excluding(FieldSet)
    /// Only these and what is below them.
    case including(FieldSet)

    func apply(to set: FieldSet) -> FieldSet {
        switch self {
        case .everything: set
        case .excluding(let others): set.removing(others)
        case .including(let others): set.keeping(others)
        }
    }
}
