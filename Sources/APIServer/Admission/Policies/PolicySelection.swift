import API
import APIMachinery
import Client

/// One evaluation that a request calls for: a policy, the binding that puts it into force, and one parameter.
struct PolicyInvocation: Sendable {
    let policy: AdmissionPolicy
    let binding: PolicyBinding
    /// As what the request is shown.
    let resource: GroupVersionResource
    let parameter: Value?

    /// Tells invocations of one request apart.
    var id: String {
        let name = parameter?.at("metadata", "name")?.string ?? ""
        return "\(policy.name)/\(binding.name)/\(parameter?.at("metadata", "namespace")?.string ?? "")/\(name)"
    }
}

/// A policy that should judge a request and cannot be asked.
struct PolicyProblem: Sendable {
    let policy: AdmissionPolicy
    let binding: PolicyBinding?
    let message: String
    /// Whether it was asked, and failed.
    let isOfEvaluation: Bool

    init(_ policy: AdmissionPolicy, _ binding: PolicyBinding? = nil, configuration why: String) {
        isOfEvaluation = false
        self.policy = policy
        self.binding = binding
        message = "failed to configure \(binding == nil ? "policy" : "binding"): \(why)"
    }

    init(_ invocation: PolicyInvocation, _ message: String) {
        isOfEvaluation = true
        policy = invocation.policy
        binding = invocation.binding
        self.message = message
    }
}

/// Finds the policies that a request is of concern to, with their parameters.
struct PolicySelection: Sendable {
    let kinds: any PolicyKinds
    let namespaces: any ObjectSet
    let authorizer: any Authorizer

    /// What a request calls for, in the order of the policies. Problems of policies that fail open are left out.
    enum Step: Sendable {
        case invoke(PolicyInvocation)
        case problem(PolicyProblem)
    }

    func steps(_ request: AdmissionRequest, _ policies: [BoundPolicy]) async -> [Step] {
        var steps: [Step] = []
        for bound in policies {
            let (policy, before) = (bound.policy, steps.count)
            do throws(PolicyMisconfiguration) {
                guard let resource = try match(request, policy.match) else { continue }
                let parameters = try parameterKind(of: policy)
                for binding in bound.bindings {
                    steps += await self.steps(request, policy, binding, resource, parameters)
                }
            } catch {
                steps.append(.problem(PolicyProblem(policy, configuration: error.message)))
            }
            guard policy.failsOpen else { continue }
            steps = steps[..<before] + steps[before...].filter { if case .problem = $0 { false } else { true } }
        }
        return steps
    }

    private func steps(
        _ request: AdmissionRequest, _ policy: AdmissionPolicy, _ binding: PolicyBinding,
        _ resource: GroupVersionResource, _ kind: ParameterKind?
    ) async -> [Step] {
        do throws(PolicyMisconfiguration) {
            if let own = binding.match, try match(request, own) == nil { return [] }
            var parameters: [Value?] = [nil]
            if let kind, let reference = binding.parameters {
                parameters = []
                for object in try reference.find(kind, for: request) { parameters.append(try await show(object, kind)) }
            }
            return parameters.map {
                .invoke(PolicyInvocation(policy: policy, binding: binding, resource: resource, parameter: $0))
            }
        } catch {
            return [.problem(PolicyProblem(policy, binding, configuration: error.message))]
        }
    }

    /// As what a request is to be shown; `nil` when it does not match.
    private func match(
        _ request: AdmissionRequest, _ match: Result<AdmissionMatch, SelectorError>
    ) throws(PolicyMisconfiguration) -> GroupVersionResource? {
        let subject = request.subject
        switch match {
        case .failure(let error): throw PolicyMisconfiguration(message: "\(error)")
        case .success(let match):
            do throws(Status) {
                return try match.match(
                    subject, equivalents: { kinds.equivalents(of: subject.resource) },
                    namespaceLabels: { namespaces.get(ObjectName(name: $0))?.labels })
            } catch {
                throw PolicyMisconfiguration(message: error.message)
            }
        }
    }

    private func parameterKind(of policy: AdmissionPolicy) throws(PolicyMisconfiguration) -> ParameterKind? {
        guard let kind = policy.parameterKind else { return nil }
        guard let found = kinds.parameters(of: kind) else {
            throw PolicyMisconfiguration(message: "failed to find resource referenced by paramKind: '\(kind)'")
        }
        return found
    }

    private func show(_ object: StoredObject, _ kind: ParameterKind) async throws(PolicyMisconfiguration) -> Value {
        do throws(Status) {
            return try await kinds.show(object.value, as: kind.resource)
        } catch {
            throw PolicyMisconfiguration(message: error.message)
        }
    }

    /// What the expressions of an invocation see.
    func scope(
        _ invocation: PolicyInvocation, _ request: AdmissionRequest, as face: AdmissionReview.Face
    ) throws(Status) -> AdmissionScope {
        var namespace: Value?
        let name = request.subject.isNamespace ? "" : request.namespace
        if !name.isEmpty {
            guard let object = namespaces.get(ObjectName(name: name)) else { throw .notFound(.namespaces, name) }
            namespace = object.value
        }
        return AdmissionScope(
            request, as: face, authorizer: authorizer, namespace: namespace, parameter: invocation.parameter,
            variables: invocation.policy.variables)
    }
}
