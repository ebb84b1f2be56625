import API
import APIMachinery
import CEL

/// The `matchConditions` of a webhook or a policy: all must hold, or the request is of no concern to it (KEP-3716).
struct MatchConditions: Sendable {
    private let conditions: [(name: String, expression: AdmissionExpression)]
    /// Whether conditions that cannot be evaluated mean that the request is of no concern, instead of a refusal.
    private let failsOpen: Bool

    init(_ conditions: Value?, failsOpen: Bool, in environment: AdmissionEnvironment) {
        self.conditions = (conditions?.array ?? []).map { condition in
            let source = condition["expression"]?.string ?? ""
            return (condition["name"]?.string ?? "", AdmissionExpression(source, in: environment, to: .bool))
        }
        self.failsOpen = failsOpen
    }

    var isEmpty: Bool { conditions.isEmpty }

    /// Conditions that could not be evaluated while none said no; the request is refused.
    struct Failure: Error {
        var message: String
        var outcome = PolicyMetrics.Outcome.invalid
    }

    /// Whether all hold. One that does not decides, whatever becomes of the others.
    func match(_ scope: AdmissionScope) throws(Failure) -> Bool {
        guard !conditions.isEmpty else { return true }
        var scope = scope
        var budget = CELBudget(CELBudget.matchConditions)
        var failures: [String] = []
        var outcome = PolicyMetrics.Outcome.invalid
        for (_, expression) in conditions {
            do throws(AdmissionExpression.Failure) {
                if try expression.evaluate(&scope, &budget).bool == false { return false }
            } catch {
                failures.append(error.message)
                outcome = error.outcome
                if case .outOfBudget(let message) = error {
                    failures = [message]
                    break
                }
            }
        }
        if failures.isEmpty { return true }
        if failsOpen { return false }
        guard failures.count > 1 else { throw Failure(message: failures[0], outcome: outcome) }
        throw Failure(message: "[\(failures.joined(separator: ", "))]")
    }
}
