import API
import CEL

/// An expression of a webhook or a policy, compiled once.
struct AdmissionExpression: Sendable {
    let source: String
    /// What it was compiled to. One that does not compile fails when it is asked, as in Kubernetes: it was stored before
    /// this version knew better.
    let program: Result<CELProgram, CELError>

    init(_ source: String, in environment: AdmissionEnvironment, to types: CELType...) {
        self.source = source
        program = Result { () throws(CELError) in try environment.compile(source, returning: types) }
    }

    /// Why there is no value, in Kubernetes' words.
    enum Failure: Error {
        /// This expression has none; others may.
        case failed(String)
        /// It never had one.
        case notCompiled(String)
        /// No further expression is evaluated for this object.
        case outOfBudget(String)

        var message: String {
            switch self {
            case .failed(let text), .notCompiled(let text), .outOfBudget(let text): text
            }
        }

        var outcome: PolicyMetrics.Outcome {
            switch self {
            case .failed: .invalid
            case .notCompiled: .notCompiled
            case .outOfBudget: .outOfBudget
            }
        }
    }

    func evaluate(_ scope: inout AdmissionScope, _ budget: inout CELBudget) throws(Failure) -> CELValue {
        switch program {
        case .failure(let error): throw .notCompiled("compilation error: \(error.problem)")
        case .success(let program):
            do throws(CELError) {
                return try program.evaluate(&scope, budget: &budget)
            } catch {
                if error.kind == .budget { throw .outOfBudget(error.description) }
                throw .failed("expression '\(source)' resulted in error: \(error)")
            }
        }
    }
}
