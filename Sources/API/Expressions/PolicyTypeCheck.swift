public import APIMachinery
import CEL

/// Compiles the validations of a `ValidatingAdmissionPolicy` against the kinds that it names outright, to warn of fields
/// that are not there (`status.typeChecking`). Pure.
public struct PolicyTypeCheck: Sendable {
    /// A kind that a policy is about, with its schema.
    public struct Kind: Sendable {
        public var kind: GroupVersionKind
        public var type: TypeSchema

        public init(_ kind: GroupVersionKind, _ type: TypeSchema) {
            self.kind = kind
            self.type = type
        }
    }

    /// More kinds than this are not looked at.
    private static let mostKinds = 10

    private let policy: Value

    public init(_ policy: Value) { self.policy = policy }

    /// The resources that the policy names without a `*`, in order.
    public var resources: [GroupVersionResource] {
        var found: [GroupVersionResource] = []
        for rule in policy.at("spec", "matchConstraints", "resourceRules")?.array ?? [] {
            func texts(_ key: String) -> [String] {
                let texts = (rule[key]?.array ?? []).compactMap(\.string)
                return texts.contains("*") ? [] : texts.sorted()
            }
            let resources = texts("resources").filter { !$0.contains("*") && !$0.contains("/") }
            for group in texts("apiGroups") {
                for version in texts("apiVersions") {
                    found += resources.map { GroupVersionResource(group: group, version: version, resource: $0) }
                }
            }
        }
        return found
    }

    /// The warnings about these kinds, as the status holds them.
    public func warnings(_ kinds: [Kind]) -> [Value] {
        var warnings: [Value] = []
        let kinds = kinds.sorted { $0.kind.description < $1.kind.description }.prefix(Self.mostKinds)
        for (index, validation) in (policy.at("spec", "validations")?.array ?? []).enumerated() {
            for key in ["expression", "messageExpression"] {
                guard let source = validation[key]?.string, !source.isEmpty else { continue }
                let problems = kinds.compactMap { problem(source, $0) }
                guard !problems.isEmpty else { continue }
                warnings.append([
                    "fieldRef": .string("spec.validations[\(index)].\(key)"),
                    "warning": .string(problems.joined(separator: "\n")),
                ])
            }
        }
        return warnings
    }

    private func problem(_ source: String, _ kind: Kind) -> String? {
        var environment = AdmissionEnvironment(hasParameters: policy.at("spec", "paramKind") != nil)
        environment.objectType = .object(kind.type)
        for variable in policy.at("spec", "variables")?.array ?? [] {
            let program = try? environment.compile(variable["expression"]?.string ?? "", returning: [.dyn])
            environment.declare(variable["name"]?.string ?? "", program?.resultType ?? .dyn)
        }
        do throws(CELError) {
            _ = try environment.compile(source, returning: [.dyn])
            return nil
        } catch {
            return "\(kind.kind): \(error)\n"
        }
    }
}
