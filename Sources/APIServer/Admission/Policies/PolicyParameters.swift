import APIMachinery
import Client

/// A binding's `paramRef`: which objects are `params`. The policy is evaluated for each. Pure.
struct ParameterReference: Sendable {
    let name: String
    /// Empty for that of the request.
    let namespace: String
    let selector: Result<LabelSelector, SelectorError>?
    let deniesWithout: Bool

    init(_ reference: Value) {
        name = reference["name"]?.string ?? ""
        namespace = reference["namespace"]?.string ?? ""
        selector = reference["selector"].map { selector in
            Result { () throws(SelectorError) in try LabelSelector(object: selector) }
        }
        deniesWithout = reference["parameterNotFoundAction"] == "Deny"
    }
}

/// The objects that can be `params` of a policy.
struct ParameterKind: Sendable {
    let resource: GroupVersionResource
    let isNamespaced: Bool
    let get: @Sendable (ObjectName) -> StoredObject?
    let list: @Sendable (_ namespace: String?) -> [StoredObject]
}

/// What policies must know of the kinds that are served.
protocol PolicyKinds: ResourceVersions {
    /// The objects of a kind; `nil` when it is not served.
    func parameters(of kind: GroupVersionKind) -> ParameterKind?

    /// The schema of a resource's objects.
    func type(of resource: GroupVersionResource) -> TypeSchema?
}

/// A policy or a binding that cannot be used as it stands.
struct PolicyMisconfiguration: Error {
    var message: String
}

extension ParameterReference {
    /// The objects that are there now. None means that the policy is not evaluated.
    func find(
        _ kind: ParameterKind, for request: AdmissionRequest
    ) throws(PolicyMisconfiguration) -> [StoredObject] {
        var scope: String?
        if kind.isNamespaced {
            scope = namespace.isEmpty ? request.subject.namespace : namespace
            guard scope?.isEmpty == false else {
                throw PolicyMisconfiguration(
                    message: "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources")
            }
        } else if !namespace.isEmpty {
            throw PolicyMisconfiguration(
                message: "paramRef.namespace must not be provided for a cluster-scoped `paramKind`")
        }
        let found: [StoredObject]
        switch (name.isEmpty, selector) {
        case (false, .some):
            throw PolicyMisconfiguration(message: "paramRef.name and paramRef.selector are mutually exclusive")
        case (false, nil): found = [kind.get(ObjectName(namespace: scope ?? "", name: name))].compactMap(\.self)
        case (true, .success(let selector)?): found = kind.list(scope).filter { selector.matches($0.labels) }
        case (true, .failure(let error)?): throw PolicyMisconfiguration(message: "\(error)")
        case (true, nil): throw PolicyMisconfiguration(message: "one of name or selector must be provided")
        }
        if found.isEmpty, deniesWithout {
            throw PolicyMisconfiguration(
                message: "no params found for policy binding with `Deny` parameterNotFoundAction")
        }
        return found
    }
}
