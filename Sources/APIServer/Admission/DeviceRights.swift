import API
import APIMachinery
import Client

/// Who may say what of a claim for devices, beside the right to write its status: which devices it has and who uses
/// them (`resourceclaims/binding`), and how a driver's devices are (`resourceclaims/driver`). And devices are had with
/// the powers of an administrator only in namespaces that are labelled for it (KEP-5018; Kubernetes documentation,
/// "Dynamic Resource Allocation").
///
/// Kubernetes has these checks in the storage of claims.
struct DeviceRights: ValidatingAdmission {
    let namespaces: any ObjectSet
    let authorizer: any Authorizer

    private static let adminLabel = "resource.kubernetes.io/admin-access"
    private static let nodeExtra = "authentication.kubernetes.io/node-name"

    func concerns(_ resource: GroupVersionResource) -> Bool {
        resource == .resourceClaims || resource == .resourceClaimTemplates
    }

    func validate(_ request: AdmissionRequest) async throws(Status) {
        guard let object = request.object else { return }
        var errors: [FieldError] = []
        switch (request.operation, request.subresource) {
        case (.create, nil):
            let spec = request.resource == .resourceClaims ? object["spec"] : object.at("spec", "spec")
            errors = wanted(by: spec, request)
        case (.update, "status"):
            let (old, new) = (request.oldObject?["status"], object["status"])
            errors = granted(by: new, over: old, request)
            errors += await missingRights(DeviceStatusChange(from: old, to: new), request)
        default: break
        }
        guard !errors.isEmpty else { return }
        throw .invalid(request.kind, request.objectName, errors)
    }

    // MARK: - The powers of an administrator

    private func wanted(by spec: Value?, _ request: AdmissionRequest) -> [FieldError] {
        let requests = spec?.at("devices", "requests")?.array ?? []
        let first = requests.firstIndex { $0.at("exactly", "adminAccess")?.bool == true }
        guard let index = first else { return [] }
        // As in Kubernetes, the same place for claims and templates, and without `exactly`.
        return unlessLabelled(request, "spec.devices.requests[\(index)].adminAccess")
    }

    private func granted(by new: Value?, over old: Value?, _ request: AdmissionRequest) -> [FieldError] {
        guard Self.firstPowerful(old) == nil, let index = Self.firstPowerful(new) else { return [] }
        return unlessLabelled(request, "status.allocation.devices.results[\(index)].adminAccess")
    }

    private static func firstPowerful(_ status: Value?) -> Int? {
        (status?.at("allocation", "devices", "results")?.array ?? [])
            .firstIndex { $0["adminAccess"]?.bool == true }
    }

    private func unlessLabelled(_ request: AdmissionRequest, _ field: String) -> [FieldError] {
        let namespace = namespaces.get(ObjectName(name: request.namespace))
        guard namespace?.value.at("metadata", "labels", Self.adminLabel) != "true" else { return [] }
        let label = "`\(Self.adminLabel): true`"
        return [
            .forbidden(field, "admin access to devices requires the \(label) label on the containing namespace")
        ]
    }

    // MARK: - Rights

    private func missingRights(_ change: DeviceStatusChange, _ request: AdmissionRequest) async -> [FieldError] {
        var errors: [FieldError] = []
        let verb = request.isPatch ? "patch" : "update"
        if change.changesBinding {
            // Asked for the whole cluster, so that rights in one namespace do not do.
            let target = Target(request.requestResource, subresource: "binding")
            if let why = await refusal([verb], target, request.user) {
                let what = "changing status.allocation or status.reservedFor"
                let right = "resource=\"resourceclaims/binding\", verb=\"\(verb)\""
                errors.append(.forbidden("status", "\(what) requires \(right) permission: \(why)"))
            }
        }
        // A driver's pod may speak of the devices of its own node.
        let isOnItsNode = Self.isOn(change.node, request.user)
        let verbs = (isOnItsNode ? ["associated-node:", "arbitrary-node:"] : ["arbitrary-node:"]).map { $0 + verb }
        for driver in change.drivers {
            let target = Target(
                request.requestResource, namespace: request.namespace, name: driver, subresource: "driver")
            guard let why = await refusal(verbs, target, request.user) else { continue }
            let right = "resource=\"resourceclaims/driver\", verb=\"[\(verbs.joined(separator: " "))]\""
            errors.append(.forbidden("status.devices", "changing status.devices requires \(right) permission: \(why)"))
        }
        return errors
    }

    /// Why a user has none of the verbs, by the first of them; `nil` if he has one.
    private func refusal(_ verbs: [String], _ target: Target, _ user: User) async -> String? {
        var first: String?
        for verb in verbs {
            let access = AccessRequest(user: user, verb: verb, target)
            let reason: String
            switch await authorizer.ask(access) {
            case .allow: return nil
            case .deny(let why), .noOpinion(let why): reason = why
            case .failed(let why, _): reason = why
            case .pending: reason = ""
            }
            if first == nil { first = Status.forbidden(access, reason: reason).message }
        }
        return first
    }

    /// Whether a user is the account of a pod on this node.
    private static func isOn(_ node: String?, _ user: User) -> Bool {
        guard let node, NameRule.dns1123Subdomain.accepts(node) else { return false }
        return User.account(named: user.name) != nil && user.extra[nodeExtra] == [node]
    }
}
