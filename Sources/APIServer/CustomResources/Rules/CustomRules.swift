import APIMachinery
import Synchronization

/// The rules of one version of a custom resource, made into nodes when the first object is written.
final class CustomRules: Sendable {
    private let root: FieldSchema
    private let tree = Mutex<RuleNode??>(nil)

    init(_ root: FieldSchema) { self.root = root }

    /// What the rules say about an object that takes the place of `current`. `errors` are what is known to be wrong.
    func check(
        _ object: Value, replacing current: Value?, after errors: [FieldError]
    ) -> (errors: [FieldError], warnings: [String]) {
        guard let node else { return ([], []) }
        if errors.contains(where: { Self.blocking.contains($0.kind) }) { return ([Self.obstacle], []) }
        var check = RuleCheck()
        check.check(object, node, at: "", replacing: RuleCheck.Replaced(current: current))
        return (check.errors, check.warnings)
    }

    private var node: RuleNode? {
        tree.withLock { tree in
            if let known = tree { return known }
            let made = RuleNode.tree(of: root)
            tree = .some(made)
            return made
        }
    }

    /// Faults after which rules are not asked: an expression relies on types, bounds and what is required.
    private static let blocking: Set<FieldError.Kind> = [.notSupported, .required, .tooLong, .tooMany, .typeInvalid]

    private static let obstacle = FieldError.invalid(
        "<nil>", value: "null",
        "some validation rules were not checked because the object was invalid; correct the existing errors to complete "
            + "validation")
}
