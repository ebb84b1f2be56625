import API
import APIMachinery
import Client

// Plug-ins that Kubernetes has and leaves off: they run when `--enable-admission-plugins` names them.

/// Pulls every image each time, so that nobody uses a private one without its secret (Kubernetes documentation,
/// "AlwaysPullImages").
struct AlwaysPullImages: MutatingAdmission, ValidatingAdmission {
    private static let lists = ["containers", "initContainers", "ephemeralContainers"]

    func concerns(_ resource: GroupVersionResource) -> Bool { resource == .pods }

    func admit(_ request: inout AdmissionRequest) {
        guard Self.isJudged(request) else { return }
        for list in Self.lists {
            guard var containers = request.object?.at("spec", list)?.array else { continue }
            for index in containers.indices { containers[index]["imagePullPolicy"] = "Always" }
            request.object?[path: ["spec", list]] = .array(containers)
        }
    }

    func validate(_ request: AdmissionRequest) throws(Status) {
        guard Self.isJudged(request) else { return }
        for list in Self.lists {
            for (index, container) in (request.object?.at("spec", list)?.array ?? []).enumerated()
            where container["imagePullPolicy"] != "Always" {
                let path = "spec.\(list)[\(index)].imagePullPolicy"
                throw request.forbidden(
                    FieldError.notSupported(
                        path, value: container["imagePullPolicy"] ?? "", supported: ["Always"]).description)
            }
        }
    }

    private static func isJudged(_ request: AdmissionRequest) -> Bool {
        guard request.resource == .pods else { return false }
        switch request.subresource {
        case nil: return request.operation == .create
        case "ephemeralcontainers": return request.operation == .update
        default: return false
        }
    }
}

/// Keeps services from taking addresses that are not theirs (CVE-2020-8554).
struct DenyServiceExternalIPs: ValidatingAdmission {
    func concerns(_ resource: GroupVersionResource) -> Bool { resource == .services }

    func validate(_ request: AdmissionRequest) throws(Status) {
        guard request.subresource == nil, request.operation == .create || request.operation == .update else { return }
        let wanted = request.object?.at("spec", "externalIPs")?.array ?? []
        let present = request.oldObject?.at("spec", "externalIPs")?.array ?? []
        guard wanted.allSatisfy(present.contains) else {
            throw request.forbidden("Use of external IPs is denied by admission control.")
        }
    }
}

/// Lets pods that ask for a device stay on nodes that are kept for those (Kubernetes documentation,
/// "ExtendedResourceToleration").
struct ExtendedResourceToleration: MutatingAdmission {
    func concerns(_ resource: GroupVersionResource) -> Bool { resource == .pods }

    func admit(_ request: inout AdmissionRequest) {
        guard request.isMain(.pods), request.operation == .create || request.operation == .update,
            let pod = request.object
        else { return }
        let containers = ["containers", "initContainers"].flatMap { pod.at("spec", $0)?.array ?? [] }
        let resources = Set(containers.flatMap { ($0.at("resources", "requests")?.fields ?? Fields()).map(\.key) })
        var tolerations = pod.at("spec", "tolerations")?.array ?? []
        for resource in resources.sorted() where QuotaNames.isExtended(resource) {
            let toleration: Value = ["key": .string(resource), "operator": "Exists"]
            let isPresent = tolerations.contains { present in
                present["key"] == toleration["key"] && present["operator"] == "Exists"
                    && (present["effect"]?.string ?? "").isEmpty
            }
            if !isPresent { tolerations.append(toleration) }
        }
        if tolerations != pod.at("spec", "tolerations")?.array ?? [] {
            request.object?[path: ["spec", "tolerations"]] = .array(tolerations)
        }
    }
}

/// Refuses whatever is in a namespace that does not exist, also what is not created but changed.
struct NamespaceExists: ValidatingAdmission {
    let namespaces: any ObjectSet

    func validate(_ request: AdmissionRequest) throws(Status) {
        guard !request.namespace.isEmpty, request.operation != .delete, request.resource != .namespaces else { return }
        guard namespaces.get(ObjectName(name: request.namespace)) != nil else {
            throw .notFound(.namespaces, request.namespace)
        }
    }
}

/// Who makes others owners must be able to delete what it owns through them, and who holds up their deletion must be
/// able to set their finalizers (Kubernetes documentation, "OwnerReferencesPermissionEnforcement").
struct OwnerReferencesPermissionEnforcement: ValidatingAdmission {
    let authorizer: any Authorizer

    func validate(_ request: AdmissionRequest) async throws(Status) {
        guard request.operation == .create || request.operation == .update, request.subresource == nil else { return }
        let new = request.object?.at("metadata", "ownerReferences")?.array ?? []
        let old = request.oldObject?.at("metadata", "ownerReferences")?.array ?? []
        guard new != old else { return }
        if request.operation == .update || request.oldObject != nil {
            guard await isAllowed("delete", request.target, request.user) else {
                throw request.forbidden("cannot set an ownerRef on a resource you can't delete: , <nil>")
            }
        }
        let blocked = old.filter { $0["blockOwnerDeletion"] == true }.compactMap { $0["uid"]?.string }
        for owner in new where owner["blockOwnerDeletion"] == true && !blocked.contains(owner["uid"]?.string ?? "") {
            let kind = GroupVersionKind(
                apiVersion: owner["apiVersion"]?.string ?? "", kind: owner["kind"]?.string ?? "")
            guard let definition = BuiltinResources.shared.definition(of: kind) else {
                throw request.forbidden("cannot set blockOwnerDeletion in this case because cannot find RESTMapping for "
                    + "APIVersion \(kind.apiVersion) Kind \(kind.kind)")
            }
            let target = Target(
                definition.resource, namespace: definition.isNamespaced ? request.namespace : "",
                name: owner["name"]?.string ?? "", subresource: "finalizers")
            guard await isAllowed("update", target, request.user) else {
                throw request.forbidden(
                    "cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: , <nil>")
            }
        }
    }

    private func isAllowed(_ verb: String, _ target: Target, _ user: User) async -> Bool {
        if case .allow = await authorizer.ask(AccessRequest(user: user, verb: verb, target)) { true } else { false }
    }
}
