import APIMachinery
import CEL

/// Asks the `ValidatingAdmissionPolicy` objects that are in force about what will be written (KEP-3488).
struct ValidatingPolicies: ValidatingAdmission {
    let policies: LivePolicies
    let selection: PolicySelection
    let metrics: PolicyMetrics

    var name: String { AdmissionPolicy.Kind.validating.rawValue }

    func concerns(_ resource: GroupVersionResource) -> Bool { !resource.isExemptFromPolicies }

    /// What refuses a request.
    private struct Denial {
        var policy: String
        var binding: String?
        var message: String
        var reason = Status.Reason.invalid
    }

    func validate(_ request: AdmissionRequest) async throws(Status) {
        let present = policies.present
        guard !present.isEmpty else { return }
        var denials: [Denial] = []
        var faces: [GroupVersionResource: AdmissionReview.Face] = [:]
        var annotations = PolicyAnnotations()
        for step in await selection.steps(request, present) {
            switch step {
            case .problem(let problem):
                denials.append(
                    Denial(
                        policy: problem.policy.name, binding: problem.binding?.name, message: problem.message))
            case .invoke(let invocation):
                if faces[invocation.resource] == nil {
                    faces[invocation.resource] = try await selection.kinds.face(of: request, as: invocation.resource)
                }
                guard let face = faces[invocation.resource] else { continue }
                let scope = try selection.scope(invocation, request, as: face)
                let verdict = await scope.settled { PolicyVerdict(invocation.policy, $0) }
                denials += carryOut(verdict, invocation, request)
                for (key, value) in verdict.annotations {
                    annotations.add("\(invocation.policy.name)/\(key)", value)
                }
            }
        }
        annotations.publish(to: request.notes)
        if let first = denials.first { throw Self.refusal(of: request, first) }
    }

    /// Does what the binding wants done with violations: warns, notes down, or returns what refuses the request.
    private func carryOut(
        _ verdict: PolicyVerdict, _ invocation: PolicyInvocation, _ request: AdmissionRequest
    ) -> [Denial] {
        let (policy, binding) = (invocation.policy.name, invocation.binding.name)
        var denials: [Denial] = []
        for evaluation in verdict.ignored { count(evaluation, .allow, invocation) }
        for violation in verdict.violations {
            for action in invocation.binding.actions {
                count(violation.evaluation, action.enforcement, invocation)
                switch action {
                case .deny:
                    denials.append(
                        Denial(policy: policy, binding: binding, message: violation.message, reason: violation.reason))
                case .warn:
                    request.notes.warn(
                        "Validation failed for ValidatingAdmissionPolicy '\(policy)' with binding '\(binding)': "
                            + violation.message)
                case .audit: Self.note(violation, invocation, request)
                }
            }
        }
        for failure in verdict.failures {
            count(failure.evaluation, .deny, invocation)
            denials.append(Denial(policy: policy, binding: binding, message: failure.message))
        }
        return denials
    }

    private func count(
        _ evaluation: PolicyVerdict.Evaluation, _ enforcement: PolicyMetrics.Enforcement, _ invocation: PolicyInvocation
    ) {
        metrics.validated(invocation, evaluation.outcome, enforcement, took: evaluation.time)
    }

    private static func note(
        _ violation: PolicyVerdict.Violation, _ invocation: PolicyInvocation, _ request: AdmissionRequest
    ) {
        let value: Value = [
            [
                "message": .string(violation.message), "policy": .string(invocation.policy.name),
                "binding": .string(invocation.binding.name), "expressionIndex": .integer(Int64(violation.index)),
                "validationActions": Value(invocation.binding.actions.map(\.rawValue)),
            ]
        ]
        request.notes.annotate("validation.policy.admission.k8s.io/validation_failure", value.description)
    }

    private static func refusal(of request: AdmissionRequest, _ denial: Denial) -> Status {
        let by = denial.binding.map { " with binding '\($0)'" } ?? ""
        let message = "ValidatingAdmissionPolicy '\(denial.policy)'\(by) denied request: \(denial.message)"
        var status = request.forbidden(message, causes: [Status.Cause(reason: "", message: message, field: "")])
        status.reason = denial.reason
        status.code =
            switch denial.reason {
            case .forbidden: 403
            case .unauthorized: 401
            case .requestEntityTooLarge: 413
            default: 422
            }
        return status
    }
}

extension PolicyBinding.Action {
    fileprivate var enforcement: PolicyMetrics.Enforcement {
        switch self {
        case .deny: .deny
        case .warn: .warn
        case .audit: .audit
        }
    }
}

/// What all invocations want written down, each value of a key once.
private struct PolicyAnnotations {
    private var values: [String: [String]] = [:]

    mutating func add(_ key: String, _ value: String) {
        if values[key]?.contains(value) != true { values[key, default: []].append(value) }
    }

    func publish(to notes: AdmissionNotes) {
        for (key, values) in values { notes.annotate(key, values.joined(separator: ", ")) }
    }
}
