import APIMachinery
import CEL

/// Lets the `MutatingAdmissionPolicy` objects that are in force change what will be written, one after the other, each
/// with what the one before made of the object (KEP-3962).
struct MutatingPolicies: MutatingAdmission {
    let policies: LivePolicies
    let selection: PolicySelection
    let metrics: PolicyMetrics

    var name: String { AdmissionPolicy.Kind.mutating.rawValue }

    func concerns(_ resource: GroupVersionResource) -> Bool { !resource.isExemptFromPolicies }

    func admit(_ request: inout AdmissionRequest) async throws(Status) {
        let present = policies.present
        guard !present.isEmpty else { return }
        request.policyReinvocation.begin(with: request.object)
        var configuration: [PolicyProblem] = []
        var evaluation: [PolicyProblem] = []
        for step in await selection.steps(request, present) {
            switch step {
            case .problem(let problem): configuration.append(problem)
            case .invoke(let invocation):
                guard request.policyReinvocation.asks(invocation.id) else { continue }
                let problems = try await carryOut(invocation, &request)
                if !invocation.policy.failsOpen { evaluation += problems }
            }
        }
        request.policyReinvocation.end(with: request.object)
        let problems = configuration + evaluation
        if !problems.isEmpty { throw Self.refusal(of: request, problems) }
    }

    /// All mutations of a policy in order; one that fails leaves the object as it is.
    private func carryOut(
        _ invocation: PolicyInvocation, _ request: inout AdmissionRequest
    ) async throws(Status) -> [PolicyProblem] {
        let before = request.object
        var problems: [PolicyProblem] = []
        var face = try await selection.kinds.face(of: request, as: invocation.resource)
        let scope = try selection.scope(invocation, request, as: face)
        do throws(MatchConditions.Failure) {
            guard try await scope.settled(invocation.policy.conditions.match) else { return [] }
        } catch {
            return [PolicyProblem(invocation, error.message)]
        }
        for mutation in invocation.policy.mutations {
            guard let object = face.object else { break }
            let scope = try selection.scope(invocation, request, as: face)
            let start = ContinuousClock.now
            do throws(PolicyMutation.Failure) {
                let type = selection.kinds.type(of: face, request)
                face.object = try await scope.settled { scope throws(PolicyMutation.Failure) in
                    try mutation.change(object, type, scope)
                }
                metrics.mutated(invocation, .good, took: ContinuousClock.now - start)
            } catch {
                metrics.mutated(invocation, error.outcome, took: ContinuousClock.now - start)
                problems.append(PolicyProblem(invocation, error.message))
                continue
            }
            guard let changed = face.object, changed != object else { continue }
            request.object = try await read(changed, as: face, request)
            face = try await selection.kinds.face(of: request, as: invocation.resource)
        }
        request.policyReinvocation.note(
            invocation.id, hasChanged: request.object != before, isReinvocable: invocation.policy.isReinvocable)
        return problems
    }

    /// What a policy made of the object, checked, defaulted and in the stored version.
    private func read(
        _ object: Value, as face: AdmissionReview.Face, _ request: AdmissionRequest
    ) async throws(Status) -> Value {
        guard request.operation != .connect else { return object }
        let read = try await selection.kinds.read(
            object, as: face.resource, subresource: request.subresource, for: request.resource)
        guard let before = request.object?["metadata"], let after = read["metadata"] else { return read }
        guard before["namespace"] == after["namespace"],
            request.operation == .create || before["name"] == after["name"]
        else { throw .badRequest("the name and the namespace of an object cannot be changed by an admission policy") }
        return read
    }

    private static func refusal(of request: AdmissionRequest, _ problems: [PolicyProblem]) -> Status {
        let causes = problems.map { Status.Cause(reason: "", message: $0.denial, field: "") }
        var status = request.forbidden("", causes: causes)
        status.message = problems[0].denial
        if problems[0].isOfEvaluation { status.reason = .invalid }
        return status
    }
}

extension PolicyProblem {
    fileprivate var denial: String {
        let by = binding.map { "'\(policy.name)' with binding '\($0.name)'" } ?? "\"\(policy.name)\""
        return "policy \(by) denied request: \(message)"
    }
}

extension PolicyKinds {
    /// The schema of what is shown.
    fileprivate func type(of face: AdmissionReview.Face, _ request: AdmissionRequest) -> TypeSchema? {
        kind(of: face.resource, subresource: nil) == face.kind ? type(of: face.resource) : nil
    }
}
