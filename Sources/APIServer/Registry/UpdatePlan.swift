import API
import APIMachinery

/// What an update makes of an object: the new version with everything that a client must not change put back.
///
/// The rules are the same for every kind (API conventions, "Metadata", "Spec and Status"); a kind's own rules are its
/// strategy's. Pure: the caller reads, writes and retries.
struct UpdatePlan {
    /// Which part of the object the request may change.
    enum Scope: Hashable {
        /// Everything but the status, if the kind has a status subresource.
        case main(hasStatus: Bool)
        /// The status and nothing else, as for custom resources.
        case statusAlone
        /// The status, and of the metadata what controllers keep there.
        case status(keepsLabels: Bool)
        /// These fields and no others, for subresources that exist to change them.
        case fields([[String]])
        /// The same of what is decided once and for all.
        case decision([[String]])
        /// What the containers request and may use (KEP-1287).
        case containerResources
        /// The whole object, for what the system itself does.
        case whole

        /// Whether the kind's rules for updates apply. The other scopes change what those rules protect.
        var obeysUpdateRules: Bool {
            switch self {
            case .main, .status, .statusAlone, .decision: true
            case .fields, .containerResources, .whole: false
            }
        }
    }

    let resource: GroupVersionResource
    let scope: Scope
    /// Whether `metadata.generation` counts changes of the desired state.
    let countsGenerations: Bool

    /// The version to write, but for its generation. `proposed` is the client's whole object.
    func apply(_ proposed: Value, over current: Value) throws(Status) -> Value {
        try checkIdentity(proposed, current)
        var new = proposed
        switch scope {
        case .main(true): new["status"] = current["status"]
        case .main(false), .whole: break
        case .status(let keepsLabels): new = Self.statusUpdate(proposed, current, keepsLabels: keepsLabels)
        case .statusAlone:
            new = current
            new["status"] = proposed["status"]
        case .fields(let paths), .decision(let paths):
            new = current
            for path in paths { new[path: path] = proposed[path: path] }
        case .containerResources: new = Self.resized(current, as: proposed)
        }
        var metadata = new["metadata"] ?? .emptyObject
        let old = current["metadata"] ?? .emptyObject
        for key in Self.systemFields { metadata[key] = old[key] }
        if isMarkedForDeletion(old) { try checkFinalizers(metadata, old, proposed) }
        new["metadata"] = metadata
        new["apiVersion"] = current["apiVersion"]
        new["kind"] = current["kind"]
        return new
    }

    /// Counts a change of the desired state, after admission had its say.
    func countGeneration(_ object: Value, over current: Value) -> Value {
        // What the system does is nobody's wish: a pod stays as it was asked for when it gets its node.
        guard countsGenerations, scope != .whole, desiredState(object) != desiredState(current) else { return object }
        var new = object
        let generation = current.at("metadata", "generation")?.integer ?? 0
        new[path: ["metadata", "generation"]] = .integer(generation == .max ? generation : generation + 1)
        return new
    }

    /// Set by the system at creation or deletion; what a client sends there is ignored.
    private static let systemFields = [
        "creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generation", "managedFields", "name",
        "namespace", "resourceVersion", "selfLink", "uid",
    ]

    private func checkIdentity(_ proposed: Value, _ current: Value) throws(Status) {
        let name = current.at("metadata", "name")?.string ?? ""
        guard let uid = proposed.at("metadata", "uid")?.string, !uid.isEmpty,
            uid != current.at("metadata", "uid")?.string
        else { return }
        throw .invalid(
            GroupVersionKind(apiVersion: resource.apiVersion, kind: current["kind"]?.string ?? ""), name,
            [.invalid("metadata.uid", value: .string(uid), "field is immutable")])
    }

    private func isMarkedForDeletion(_ metadata: Value) -> Bool { metadata["deletionTimestamp"] != nil }

    /// An object that is being deleted may lose finalizers, not gain any.
    private func checkFinalizers(_ new: Value, _ old: Value, _ object: Value) throws(Status) {
        let before = Set((old["finalizers"]?.array ?? []).compactMap(\.string))
        let added = (new["finalizers"]?.array ?? []).compactMap(\.string).filter { !before.contains($0) }
        guard !added.isEmpty else { return }
        let list = added.map { "\"\($0)\"" }.joined(separator: ", ")
        let error = FieldError.forbidden(
            "metadata.finalizers",
            "no new finalizers can be added if the object is being deleted, found new finalizers [\(list)]")
        throw .invalid(
            GroupVersionKind(apiVersion: resource.apiVersion, kind: object["kind"]?.string ?? ""),
            old["name"]?.string ?? "", [error])
    }

    private static func statusUpdate(_ proposed: Value, _ current: Value, keepsLabels: Bool) -> Value {
        var new = current
        new["status"] = proposed["status"]
        var metadata = current["metadata"] ?? .emptyObject
        metadata["annotations"] = proposed.at("metadata", "annotations")
        metadata["finalizers"] = proposed.at("metadata", "finalizers")
        if !keepsLabels { metadata["labels"] = proposed.at("metadata", "labels") }
        new["metadata"] = metadata
        return new
    }

    /// The present containers with the resources that the proposed ones of the same name have.
    private static func resized(_ current: Value, as proposed: Value) -> Value {
        var new = current
        for list in ["containers", "initContainers"] {
            guard var containers = current.at("spec", list)?.array else { continue }
            let proposals = (proposed.at("spec", list)?.array ?? []).map { ($0["name"], $0) }
            let wanted = Dictionary(proposals) { first, _ in first }
            for index in containers.indices {
                guard let match = wanted[containers[index]["name"]] else { continue }
                containers[index]["resources"] = match["resources"]
                containers[index]["resizePolicy"] = match["resizePolicy"]
            }
            new[path: ["spec", list]] = .array(containers)
        }
        new[path: ["spec", "resources"]] = proposed.at("spec", "resources")
        return new
    }

    /// All but metadata and, where the status has an endpoint of its own, the status.
    private func desiredState(_ object: Value) -> Value {
        var state = object
        state["metadata"] = nil
        // Its replica sets have the annotations of a Deployment: they are wished for like its spec.
        if resource == .deployments, case .main = scope {
            state["metadata"] = .object(object.at("metadata", "annotations")?.fields ?? Fields())
        }
        if scope != .main(hasStatus: false) { state["status"] = nil }
        return state
    }
}
