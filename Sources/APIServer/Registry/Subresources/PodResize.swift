import API
import APIMachinery

/// What `pods/NAME/resize` may change: the cpu and memory that containers ask for, in place (KEP-1287).
enum PodResize {
    private static let resizable: Set<String> = ["cpu", "memory"]

    /// What is wrong with making `old` into `new`, the client's whole pod.
    static func errors(_ new: Value, over old: Value) -> [FieldError] {
        if old.at("metadata", "annotations", "kubernetes.io/config.mirror") != nil {
            return [.forbidden("", "static pods cannot be resized")]
        }
        if old.at("spec", "os", "name") == "windows" { return [.forbidden("", "windows pods cannot be resized")] }
        let orderErrors = order(new, old)
        guard orderErrors.isEmpty else { return orderErrors }
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
        for list in ["containers", "initContainers"] {
            let (before, after) = (containers(old, list), containers(new, list))
            for (index, pair) in zip(before, after).enumerated() {
                errors += Self.errors(pair.1, over: pair.0, isInit: list == "initContainers", "spec.\(list)[\(index)]")
            }
        }
        return errors
    }

    private static func containers(_ pod: Value, _ list: String) -> [Value] { pod.at("spec", list)?.array ?? [] }

    private static func order(_ new: Value, _ old: Value) -> [FieldError] {
        for list in ["containers", "initContainers"] {
            let (before, after) = (containers(old, list), containers(new, list))
            guard before.count == after.count else {
                return [.forbidden("spec", "\(list) may not be added or removed on resize")]
            }
            guard before.map({ $0["name"] }) == after.map({ $0["name"] }) else {
                return [.forbidden("spec", "\(list) may not be renamed or reordered on resize")]
            }
        }
        return []
    }

    /// A kubelet that resizes reports what each container has.
    private static func isSupported(_ pod: Value) -> Bool {
        let running = (pod.at("status", "containerStatuses")?.array ?? []).first { $0.at("state", "running") != nil }
        return running.map { $0["resources"] != nil } ?? true
    }

    private static func errors(_ new: Value, over old: Value, isInit: Bool, _ path: String) -> [FieldError] {
        guard new["resources"] != old["resources"] || new["resizePolicy"] != old["resizePolicy"] else { return [] }
        if isInit, old["restartPolicy"] != "Always" {
            return [.forbidden(path + ".resources", "resources for non-sidecar init containers are immutable")]
        }
        var errors: [FieldError] = []
        for (part, name) in [("requests", "resource requests"), ("limits", "resource limits")] {
            let (before, after) = (old.at("resources", part)?.strings ?? [:], new.at("resources", part)?.strings ?? [:])
            if before.keys.contains(where: { after[$0] == nil }) {
                errors.append(.forbidden("\(path).resources.\(part)", "\(name) cannot be removed"))
            }
        }
        if fixed(new) != fixed(old) { errors.append(.forbidden("spec", "only cpu and memory resources are mutable")) }
        return errors
    }

    /// What of a container's resources stays as it is.
    private static func fixed(_ container: Value) -> [Value?] {
        let amounts = ["requests", "limits"].map { part -> Value? in
            let all = container.at("resources", part)?.strings ?? [:]
            return .object(Fields(all.filter { !resizable.contains($0.key) }.map { ($0.key, .string($0.value)) }))
        }
        return amounts + [container.at("resources", "claims"), container["resizePolicy"]]
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
