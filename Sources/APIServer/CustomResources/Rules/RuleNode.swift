import APIMachinery
import CEL
import Synchronization

/// A place of a schema where rules stand, or that lies on the way to one. Parts without rules have no nodes.
///
/// Programs are compiled when the first object has the place: most definitions of a cluster are never used.
final class RuleNode: Sendable {
    let field: FieldSchema
    let rules: [ValidationRule]
    /// The fields of an object that lead to rules, by name.
    let fields: [String: RuleNode]
    /// The items of a list or the values of a map.
    let elements: RuleNode?
    private let compiled = Mutex<[CompiledRule]?>(nil)

    init(_ field: FieldSchema, _ rules: [ValidationRule], fields: [String: RuleNode], elements: RuleNode?) {
        (self.field, self.rules, self.fields, self.elements) = (field, rules, fields, elements)
    }

    /// The rules with their programs.
    var programs: [CompiledRule] {
        if let known = compiled.withLock(\.self) { return known }
        // Made outside of the lock: who comes second at worst makes them twice.
        let made = rules.map { CompiledRule($0, on: field) }
        return compiled.withLock { compiled in
            if let known = compiled { return known }
            compiled = made
            return made
        }
    }

    /// The nodes of a schema; `nil` when it has no rules.
    static func tree(of root: FieldSchema) -> RuleNode? {
        var builder = Builder()
        return builder.node(root)
    }

    /// Objects that have the same type share their nodes.
    private struct Builder {
        private var known: [String: [String: RuleNode]] = [:]

        mutating func node(_ field: FieldSchema) -> RuleNode? {
            let rules = ValidationRule.all(in: field.constraints)
            var fields: [String: RuleNode] = [:]
            var elements: RuleNode?
            switch field.kind {
            case .object(let type): fields = nodes(of: type)
            case .list(let element), .map(let element): elements = node(element)
            default: break
            }
            guard !rules.isEmpty || !fields.isEmpty || elements != nil else { return nil }
            return RuleNode(field, rules, fields: fields, elements: elements)
        }

        private mutating func nodes(of type: TypeSchema) -> [String: RuleNode] {
            if let known = known[type.name] { return known }
            // The types of metadata may refer to each other in circles; they have no rules.
            known[type.name] = [:]
            var nodes: [String: RuleNode] = [:]
            for field in type.fields { nodes[field.name] = node(field) }
            known[type.name] = nodes
            return nodes
        }
    }
}
