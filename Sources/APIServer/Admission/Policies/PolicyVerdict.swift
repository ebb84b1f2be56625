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
        var evaluation: Evaluation
    }

    /// What refuses the request whatever the binding's actions are: an annotation that could not be made.
    struct Failure: Sendable {
        var message: String
        var evaluation: Evaluation
    }

    /// How the evaluation of one expression ended, and how long it took.
    struct Evaluation: Sendable {
        var outcome: PolicyMetrics.Outcome
        var time: Duration
    }

    private(set) var violations: [Violation] = []
    private(set) var annotations: [(key: String, value: String)] = []
    private(set) var failures: [Failure] = []
    /// What failed and does not count, since the policy fails open.
    private(set) var ignored: [Evaluation] = []

    /// Evaluates match conditions, validations and annotations. Nothing is said about a request that the conditions
    /// leave out.
    ///
    /// - Parameter now: The time, of which only differences count.
    init(
        _ policy: AdmissionPolicy, _ scope: AdmissionScope,
        now: () -> ContinuousClock.Instant = { ContinuousClock.now }
    ) {
        let start = now()
        do throws(MatchConditions.Failure) {
            guard try policy.conditions.match(scope) else { return }
        } catch {
            let evaluation = Evaluation(outcome: error.outcome, time: now() - start)
            violations = [Violation(index: 0, message: error.message, evaluation: evaluation)]
            return
        }
        validate(policy, scope, now)
        annotate(policy, scope, now)
    }

    private mutating func validate(
        _ policy: AdmissionPolicy, _ scope: AdmissionScope, _ now: () -> ContinuousClock.Instant
    ) {
        var (scope, budget) = (scope, CELBudget())
        for (index, validation) in policy.validations.enumerated() {
            let start = now()
            do throws(AdmissionExpression.Failure) {
                if try validation.expression.evaluate(&scope, &budget).bool == true { continue }
                let message = try validation.violation(&scope, &budget)
                let evaluation = Evaluation(outcome: .invalid, time: now() - start)
                violations.append(
                    Violation(index: index, message: message, reason: validation.reason, evaluation: evaluation))
            } catch {
                // Whoever cannot be asked counts only when the policy says so.
                if case .outOfBudget = error { violations = [] }
                let evaluation = Evaluation(outcome: error.outcome, time: now() - start)
                if policy.failsOpen {
                    ignored.append(evaluation)
                } else {
                    violations.append(Violation(index: index, message: error.message, evaluation: evaluation))
                }
                if case .outOfBudget = error { return }
            }
        }
    }

    private mutating func annotate(
        _ policy: AdmissionPolicy, _ scope: AdmissionScope, _ now: () -> ContinuousClock.Instant
    ) {
        var (scope, budget) = (scope, CELBudget())
        for annotation in policy.annotations {
            let start = now()
            do throws(AdmissionExpression.Failure) {
                if let value = try annotation.value(&scope, &budget) { annotations.append((annotation.key, value)) }
            } catch {
                if !policy.failsOpen {
                    let evaluation = Evaluation(outcome: error.outcome, time: now() - start)
                    failures.append(Failure(message: error.message, evaluation: evaluation))
                }
                if case .outOfBudget = error { return }
            }
        }
    }
}
