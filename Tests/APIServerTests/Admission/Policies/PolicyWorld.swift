import API
import APIMachinery
import Client

@testable import APIServer

/// Policies of a test without a server: everything has one version, in which objects stay as they are.
struct PolicyWorld: Sendable {
    var policies: [Value] = []
    var bindings: [Value] = []
    /// ConfigMaps, which are the parameters.
    var parameters: [Value] = []
    var authorizer: any Authorizer = MastersAuthorizer()
    var namespaces: [Value] = [["metadata": ["name": "ns", "labels": ["team": "red"]]]]

    /// A policy for all widgets, bound by `binding`.
    mutating func add(_ name: String, _ spec: Value, binding: Value = ["validationActions": ["Deny"]]) {
        var spec = spec
        if spec["matchConstraints"] == nil {
            spec["matchConstraints"] = [
                "resourceRules": [
                    [
                        "operations": ["*"], "apiGroups": ["test.io"], "apiVersions": ["*"], "resources": ["widgets"],
                    ]
                ]
            ]
        }
        policies.append(["metadata": ["name": .string(name)], "spec": spec])
        bind(name, as: name + "-binding", binding)
    }

    mutating func bind(_ policy: String, as name: String, _ spec: Value) {
        var spec = spec
        spec["policyName"] = .string(policy)
        bindings.append(["metadata": ["name": .string(name)], "spec": spec])
    }

    private static func set(_ values: [Value]) -> FixedSet {
        var set = FixedSet()
        set.objects = values.map { StoredObject(received: $0) }
        return set
    }

    /// The plug-ins, made anew each time.
    var plugins: AdmissionPolicies {
        let (policies, bindings) = (Self.set(policies), Self.set(bindings))
        let sets: (GroupVersionResource) -> any ObjectSet = { resource in
            switch resource {
            case .validatingAdmissionPolicies, .mutatingAdmissionPolicies: policies
            case .validatingAdmissionPolicyBindings, .mutatingAdmissionPolicyBindings: bindings
            case .namespaces: Self.set(namespaces)
            default: FixedSet()
            }
        }
        return AdmissionPolicies(
            sets, kinds: OneVersion(parameters: Self.set(parameters)), authorizer: authorizer)
    }

    static func request(
        _ spec: Value = ["replicas": 5], verb: WriteRequest.Verb = .create, user: User = .apiServer
    ) -> AdmissionRequest {
        let object: Value = [
            "apiVersion": "test.io/v1", "kind": "Widget", "metadata": ["name": "w", "namespace": "ns"], "spec": spec,
        ]
        return AdmissionRequest(
            WriteRequest(
                user: user, target: Target(Fixture.widgets, namespace: "ns", name: verb == .create ? "" : "w"),
                options: WriteOptions(), verb: verb),
            OneVersion.kind, resource: Fixture.widgets, object: verb == .delete ? nil : object,
            over: verb == .create ? nil : object)
    }

    /// The refusal of the validating policies, or `nil`.
    func refusal(_ request: AdmissionRequest = request()) async -> Status? {
        do throws(Status) {
            try await plugins.validating.validate(request)
            return nil
        } catch {
            return error
        }
    }

    /// What the mutating policies make of a request.
    func admit(_ request: AdmissionRequest = request()) async throws(Status) -> AdmissionRequest {
        var request = request
        try await AdmissionChain(plugins: [plugins.mutating]).admit(&request)
        return request
    }

    private struct OneVersion: PolicyKinds {
        static let kind = GroupVersionKind(group: "test.io", version: "v1", kind: "Widget")
        let parameters: FixedSet

        func equivalents(of resource: GroupVersionResource) -> [GroupVersionResource] { [resource] }
        func kind(of resource: GroupVersionResource, subresource: String?) -> GroupVersionKind? { Self.kind }
        func show(_ object: Value, as resource: GroupVersionResource) -> Value { object }
        func read(
            _ object: Value, as resource: GroupVersionResource, subresource: String?, for home: GroupVersionResource
        ) -> Value { object }
        func type(of resource: GroupVersionResource) -> TypeSchema? { nil }

        func parameters(of kind: GroupVersionKind) -> ParameterKind? {
            guard kind.kind == "ConfigMap" else { return nil }
            let parameters = parameters
            return ParameterKind(
                resource: .configMaps, isNamespaced: true, get: { parameters.get($0) },
                list: { parameters.list(namespace: $0) })
        }
    }
}
