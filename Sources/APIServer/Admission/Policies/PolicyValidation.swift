import API
import APIMachinery
import CEL

/// One of a policy's `validations`.
struct PolicyValidation: Sendable {
    let expression: AdmissionExpression
    let message: String
    let messageExpression: AdmissionExpression?
    let reason: Status.Reason

    /// A message that an expression made is at most this long, bytes.
    private static let longestMessage = 5 * 1024

    init(_ validation: Value, in environment: AdmissionEnvironment) {
        expression = AdmissionExpression(validation["expression"]?.string ?? "", in: environment, to: .bool)
        message = Self.trimmed(validation["message"]?.string ?? "")
        messageExpression = (validation["messageExpression"]?.string).flatMap { source in
            source.isEmpty
                ? nil : AdmissionExpression(source, in: environment.withoutAuthorizer, to: .string)
        }
        reason = Status.Reason(validation["reason"]?.string ?? Status.Reason.invalid.description)
    }

    /// What a violation is called: what an expression says of it, or the policy, or the violated expression itself.
    func violation(_ scope: inout AdmissionScope, _ budget: inout CELBudget) throws(AdmissionExpression.Failure) -> String {
        if let messageExpression {
            do throws(AdmissionExpression.Failure) {
                let made = Self.trimmed(try messageExpression.evaluate(&scope, &budget).string ?? "")
                if !made.isEmpty, made.utf8.count <= Self.longestMessage, !made.utf8.contains(10) { return made }
            } catch {
                if case .outOfBudget(let why) = error { throw .outOfBudget("failed messageExpression: \(why)") }
            }
        }
        return message.isEmpty ? "failed expression: \(Self.trimmed(expression.source))" : message
    }

    static func trimmed(_ text: String) -> String {
        let start = text.drop(while: \.isWhitespace)
        guard let end = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(start[...end])
    }
}

/// One of a policy's `auditAnnotations`.
struct PolicyAnnotation: Sendable {
    let key: String
    let expression: AdmissionExpression

    /// A value is at most this long, bytes.
    private static let longestValue = 10 * 1024

    init(_ annotation: Value, in environment: AdmissionEnvironment) {
        key = annotation["key"]?.string ?? ""
        expression = AdmissionExpression(
            annotation["valueExpression"]?.string ?? "", in: environment, to: .string, .null)
    }

    /// `nil` when there is nothing to note down.
    func value(_ scope: inout AdmissionScope, _ budget: inout CELBudget) throws(AdmissionExpression.Failure) -> String? {
        let text = PolicyValidation.trimmed(try expression.evaluate(&scope, &budget).string ?? "")
        return text.isEmpty ? nil : String(decoding: text.utf8.prefix(Self.longestValue), as: UTF8.self)
    }
}
