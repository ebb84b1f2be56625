import API
import APIMachinery
import CEL

/// One of a policy's `mutations`.
struct PolicyMutation: Sendable {
    private enum Patch: Sendable {
        /// The expression comes to the part of the object that is to be as it says.
        case applyConfiguration
        /// The expression comes to a JSON patch.
        case jsonPatch
    }

    private let patch: Patch
    private let expression: AdmissionExpression

    /// `nil` for a kind of patch that this version does not know.
    init?(_ mutation: Value, in environment: AdmissionEnvironment) {
        switch mutation["patchType"]?.string {
        case "ApplyConfiguration":
            patch = .applyConfiguration
            expression = AdmissionExpression(
                mutation.at("applyConfiguration", "expression")?.string ?? "", in: environment,
                to: AdmissionEnvironment.appliedObject)
        case "JSONPatch":
            patch = .jsonPatch
            expression = AdmissionExpression(
                mutation.at("jsonPatch", "expression")?.string ?? "", in: environment, to: AdmissionEnvironment.patch)
        default: return nil
        }
    }

    /// Why an object could not be changed.
    struct Failure: Error {
        var message: String
        var outcome = PolicyMetrics.Outcome.invalid
    }

    /// The changed object, as it is served.
    func change(_ object: Value, _ type: TypeSchema?, _ scope: AdmissionScope) throws(Failure) -> Value {
        var (scope, budget) = (scope, CELBudget())
        let value: CELValue
        do throws(AdmissionExpression.Failure) {
            value = try expression.evaluate(&scope, &budget)
        } catch {
            throw Failure(message: error.message, outcome: error.outcome)
        }
        switch patch {
        case .applyConfiguration: return try apply(value, to: object, type)
        case .jsonPatch: return try patch(value, object)
        }
    }

    // MARK: - JSON patches

    private func patch(_ value: CELValue, _ object: Value) throws(Failure) -> Value {
        let document: Value
        do throws(CELError) {
            for case .object(let operation) in value.elements {
                for case ("value", .object(let made)) in operation.madeFields ?? [] { try made.checkTypeNames() }
            }
            document = try value.tree()
        } catch {
            throw Failure(message: "JSONPath valueExpression evaluated to a type that could not marshal to JSON: \(error)")
        }
        do throws(PatchError) {
            return try JSONPatch(document).apply(to: object)
        } catch {
            // A test that fails means that nothing is to be changed.
            if error.isFailedTest { return object }
            throw Failure(message: "JSONPath: \(error)")
        }
    }

    // MARK: - Applied configurations

    private func apply(_ value: CELValue, to object: Value, _ type: TypeSchema?) throws(Failure) -> Value {
        guard let type else {
            throw Failure(
                message: "Resource kind \(object["apiVersion"]?.string ?? ""), Kind=\(object["kind"]?.string ?? "") not "
                    + "found. There can be a delay between when CustomResourceDefinitions are created and when they "
                    + "are available.")
        }
        guard case .object(let made) = value else {
            throw Failure(message: "unsupported return type from ApplyConfiguration expression: \(value.typeName)")
        }
        var configuration: Value
        do throws(CELError) {
            try made.checkTypeNames()
            configuration = try value.tree()
        } catch {
            throw Failure(message: error.description)
        }
        configuration["apiVersion"] = object["apiVersion"]
        configuration["kind"] = object["kind"]
        let applied: AppliedConfiguration
        do throws(AppliedConfiguration.Problems) {
            applied = try AppliedConfiguration(configuration, as: type)
        } catch {
            throw Failure(message: "error applying patch: failed to convert patch object to typed object: \(error)")
        }
        let atomic = applied.atomicParts(of: type)
        guard atomic.isEmpty else {
            throw Failure(
                message: "error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or "
                    + "structs: \(atomic.joined(separator: ", "))")
        }
        return applied.merged(into: object, as: type)
    }
}

extension CELValue {
    fileprivate var elements: [CELValue] { if case .list(let list) = self { list.values } else { [] } }
}

extension CELObject {
    /// Each object must be named by where it stands: `Object{spec: Object.spec{...}}`.
    fileprivate func checkTypeNames() throws(CELError) { try Self.check(.object(self), "Object") }

    private static func check(_ value: CELValue, _ expected: String) throws(CELError) {
        switch value {
        case .object(let object):
            guard let fields = object.madeFields else { return }
            guard object.typeName == expected else {
                throw CELError(
                    "type mismatch: unexpected type name \"\(object.typeName)\", expected \"\(expected)\", which "
                        + "matches field name path from root Object type")
            }
            for (name, value) in fields { try check(value, "\(expected).\(name)") }
        case .list(let list): for element in list.values { try check(element, expected) }
        default: break
        }
    }
}
