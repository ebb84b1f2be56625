import APIMachinery
import CEL

/// The evaluation of the expressions on one token: they have one budget together.
struct ClaimEvaluation {
    let claims: Value
    private var budget = CELBudget()

    init(_ claims: Value) { self.claims = claims }

    mutating func text(_ program: CELProgram, _ what: String) throws(ClaimRules.Refusal) -> String {
        guard case .string(let text) = try value(program, what) else {
            throw ClaimRules.refusal("error evaluating \(what): the expression must return a string")
        }
        return text
    }

    /// A text or a list of texts; empty ones, and null, are none.
    mutating func texts(_ program: CELProgram, _ what: String) throws(ClaimRules.Refusal) -> [String] {
        let value = try value(program, what)
        switch try? value.tree() {
        case .null?: return []
        case .string(let text)?: return text.isEmpty ? [] : [text]
        case .array(let elements)?:
            let texts = elements.compactMap(\.string)
            guard texts.count == elements.count else { break }
            return texts.filter { !$0.isEmpty }
        default: break
        }
        throw ClaimRules.refusal("error evaluating \(what): expression must return a string or a list of strings")
    }

    /// Throws unless all conditions hold.
    mutating func check(
        _ checks: [ClaimRules.Check], _ variables: [String: CELValue], _ what: String
    ) throws(ClaimRules.Refusal) {
        for check in checks {
            let holds: Bool?
            do throws(CELError) {
                holds = try check.program.evaluate(variables, budget: &budget).bool
            } catch {
                throw ClaimRules.refusal("error evaluating \(what): \(error)")
            }
            guard holds == true else {
                let why = check.message.isEmpty ? "expression '\(check.program.source)' resulted in false" : check.message
                throw ClaimRules.refusal("error evaluating \(what): validation failed: \(why)")
            }
        }
    }

    private mutating func value(_ program: CELProgram, _ what: String) throws(ClaimRules.Refusal) -> CELValue {
        do throws(CELError) {
            return try program.evaluate(["claims": CELValue(claims)], budget: &budget)
        } catch {
            throw ClaimRules.refusal("error evaluating \(what): \(error)")
        }
    }
}
