import API
import APIMachinery

/// What `pods/NAME/resize` may change: the cpu and memory that containers, and the pod as a whole, ask for, in place
/// (KEP-1287, KEP-5419).
enum PodResize {
    private static let resizable: Set<String> = ["cpu", "memory"]

    /// What is wrong with making `old` into `new`, the client's whole pod.
    static func errors(_ new: Value, over old: Value) -> [FieldError] {
        if old.at("metadata", "annotations", "kubernetes.io/config.mirror") != nil {
            return [.forbidden("", "static pods cannot be resized")]
        }
        if old.at("spec", "os", "name") == "windows" { return [.forbidden("", "windows pods cannot be resized")] }
        var errors: [FieldError] = []
        let quality = PodQuality.of(spec: old["spec"] ?? .emptyObject)
        if quality != PodQuality.of(spec: new["spec"] ?? .emptyObject) {
            errors.append(
                .invalid(
                    "spec", value: .string(quality), "Pod QOS Class may not change as a result of resizing"))
        }
        if !isSupported(old) {
            errors.append(.forbidden("spec", "Pod running on node without support for resize"))
        }
        errors += whole(new.at("spec", "resources"), over: old.at("spec", "resources"))
        let orderErrors = order(new, old)
        guard orderErrors.isEmpty else { return errors + orderErrors }
        for list in ["initContainers", "containers"] {
            for (index, (after, before)) in zip(containers(new, list), containers(old, list)).enumerated() {
                let path = "spec.\(list)[\(index)].resources"
                errors += removals(after["resources"], before["resources"], path, "resource")
            }
        }
        for (after, before) in zip(containers(new, "containers"), containers(old, "containers"))
        where changesMore(after, than: before) {
            errors.append(.forbidden("spec", "only cpu and memory resources are mutable"))
        }
        let initial = zip(containers(new, "initContainers"), containers(old, "initContainers"))
        for (index, (after, before)) in initial.enumerated() {
            errors += Self.initial(after, over: before, "spec.initContainers[\(index)]")
        }
        return errors
    }

    private static func containers(_ pod: Value, _ list: String) -> [Value] { pod.at("spec", list)?.array ?? [] }

    private static func order(_ new: Value, _ old: Value) -> [FieldError] {
        ["containers", "initContainers"].flatMap { list -> [FieldError] in
            let (after, before) = (containers(new, list), containers(old, list))
            guard after.count == before.count else {
                return [.forbidden("spec.\(list)", "\(list) may not be added or removed on resize")]
            }
            return before.indices.filter { after[$0]["name"] != before[$0]["name"] }.map { index in
                .forbidden("spec.\(list)[\(index)].name", "\(list) may not be renamed or reordered on resize")
            }
        }
    }

    /// A kubelet that resizes reports what each container has.
    private static func isSupported(_ pod: Value) -> Bool {
        let running = (pod.at("status", "containerStatuses")?.array ?? []).first { $0.at("state", "running") != nil }
        return running.map { $0["resources"] != nil } ?? true
    }

    /// Of the pod's own resources.
    private static func whole(_ new: Value?, over old: Value?) -> [FieldError] {
        guard hasAmounts(new) || hasAmounts(old) else { return [] }
        if old != nil, new == nil { return [.forbidden("spec.resources", "pod-level resources cannot be removed")] }
        var errors = removals(new, old, "spec.resources", "pod-level resource")
        if fixed(new) != fixed(old) || new?["claims"] != old?["claims"] {
            errors.append(.forbidden("spec", "only cpu and memory resources are mutable at pod-level"))
        }
        return errors
    }

    private static func hasAmounts(_ resources: Value?) -> Bool {
        ["requests", "limits"].contains { resources?[$0]?.fields?.isEmpty == false }
    }

    /// What is given cannot be taken back altogether.
    private static func removals(_ new: Value?, _ old: Value?, _ path: String, _ name: String) -> [FieldError] {
        ["requests", "limits"].compactMap { part in
            let (before, after) = (old?[part]?.strings ?? [:], new?[part]?.strings ?? [:])
            guard before.keys.contains(where: { after[$0] == nil }) else { return nil }
            return .forbidden("\(path).\(part)", "\(name) \(part) cannot be removed")
        }
    }

    /// An init container that ends by itself is not restarted for other resources.
    private static func initial(_ new: Value, over old: Value, _ path: String) -> [FieldError] {
        guard new["resources"] != old["resources"] || new["resizePolicy"] != old["resizePolicy"] else { return [] }
        var errors: [FieldError] = []
        if changesMore(new, than: old) {
            errors.append(
                .forbidden(path, "only cpu and memory resources for init or sidecar containers are mutable"))
        }
        let policies = new["resizePolicy"]?.array ?? []
        if old["restartPolicy"] != "Always", policies.contains(where: { $0["restartPolicy"] == "RestartContainer" }) {
            let why = "non-sidecar init containers with a resize policy of RestartContainer cannot be resized"
            errors.append(.forbidden(path, why))
        }
        return errors
    }

    /// Whether something of a container differs that a resize leaves as it is.
    private static func changesMore(_ new: Value, than old: Value) -> Bool {
        fixed(new["resources"]) != fixed(old["resources"]) || new["resizePolicy"] != old["resizePolicy"]
            || new.at("resources", "claims") != old.at("resources", "claims")
    }

    /// The amounts that stay as they are.
    private static func fixed(_ resources: Value?) -> [[String: String]] {
        ["requests", "limits"].map { part in
            (resources?[part]?.strings ?? [:]).filter { !resizable.contains($0.key) }
        }
    }
}

/// What `pods/NAME/ephemeralcontainers` may change: containers are added, none is changed or removed (KEP-277).
enum EphemeralContainers {
    private static let field = "spec.ephemeralContainers"

    static func errors(_ new: Value, over old: Value) -> [FieldError] {
        if old.at("metadata", "annotations", "kubernetes.io/config.mirror") != nil {
            return [.forbidden("", "static pods do not support ephemeral containers")]
        }
        let wanted = new.at("spec", "ephemeralContainers")?.array ?? []
        return (old.at("spec", "ephemeralContainers")?.array ?? []).compactMap { before in
            let name = before["name"]?.string ?? ""
            guard let after = wanted.first(where: { $0["name"] == before["name"] }) else {
                return .forbidden(field, "existing ephemeral containers \"\(name)\" may not be removed\n")
            }
            guard after != before else { return nil }
            return .forbidden(field, "existing ephemeral containers \"\(name)\" may not be changed\n")
        }
    }
}

/// The rules of subresources that change a part of an object in a way of their own.
enum SubresourceRules {
    /// Throws 422 for a change that the subresource does not make. `new` is the client's whole object.
    static func check(_ new: Value, over old: Value, _ definition: ResourceDefinition, _ subresource: String?)
        throws(Status)
    {
        guard let subresource, definition.resource == .pods else { return }
        let errors: [FieldError]
        switch subresource {
        case "resize": errors = PodResize.errors(new, over: old)
        case "ephemeralcontainers": errors = EphemeralContainers.errors(new, over: old)
        default: return
        }
        guard !errors.isEmpty else { return }
        throw .invalid(definition.groupVersionKind, old.at("metadata", "name")?.string ?? "", errors)
    }
}
