import APIMachinery
import CEL

/// What one invocation of a validating policy comes to.
struct PolicyVerdict: Sendable {
    /// A validation that does not hold, or could not be evaluated.
    struct Violation: Sendable {
        /// Which validation.
        var index: Int
        var message: String
        /// The reason of the refusal; of an evaluation that failed `Invalid`.
        var reason = Status.Reason.invalid
    }

    private(set) var violations: [Violation] = []
    private(set) var annotations: [(key: String, value: String)] = []
    /// What refuses the request whatever the binding's actions are: annotations that could not be made.
    private(set) var failures: [String] = []

    /// Evaluates match conditions, validations and annotations. Nothing is said about a request that the conditions
    /// leave out.
    init(_ policy: AdmissionPolicy, _ scope: AdmissionScope) {
        do throws(MatchConditions.Failure) {
            guard try policy.conditions.match(scope) else { return }
        } catch {
            violations = [Violation(index: 0, message: error.message)]
            return
        }
        validate(policy, scope)
        annotate(policy, scope)
    }

    private mutating func validate(_ policy: AdmissionPolicy, _ scope: AdmissionScope) {
        var (scope, budget) = (scope, CELBudget())
        for (index, validation) in policy.validations.enumerated() {
            do throws(AdmissionExpression.Failure) {
                if try validation.expression.evaluate(&scope, &budget).bool == true { continue }
                let message = try validation.violation(&scope, &budget)
                violations.append(Violation(index: index, message: message, reason: validation.reason))
            } catch {
                // Whoever cannot be asked counts only when the policy says so.
                if case .outOfBudget = error { violations = [] }
                if !policy.failsOpen { violations.append(Violation(index: index, message: error.message)) }
                if case .outOfBudget = error { return }
            }
        }
    }

    private mutating func annotate(_ policy: AdmissionPolicy, _ scope: AdmissionScope) {
        var (scope, budget) = (scope, CELBudget())
        for annotation in policy.annotations {
            do throws(AdmissionExpression.Failure) {
                if let value = try annotation.value(&scope, &budget) { annotations.append((annotation.key, value)) }
            } catch {
                if !policy.failsOpen { failures.append(error.message) }
                if case .outOfBudget = error { return }
            }
        }
    }
}
