import API
import APIMachinery
import Client

/// A version of a group that this server answers for itself, and the APIService that says so. Pure.
///
/// Kubernetes has one for each, so that the order of groups and versions has one place; clients and dashboards list
/// them.
struct LocalAPIService: Hashable, Sendable {
    var group: String
    var version: String
    var groupPriority: Int
    var versionPriority: Int
    var isBuiltin: Bool

    /// The label by which this server knows the ones that it made; its value says for which kind of version.
    static let label = "kube-aggregator.kubernetes.io/automanaged"

    /// `nil` for the group of APIServices itself, of which there is none.
    init?(group: String, version: String, isBuiltin: Bool) {
        self.group = group
        self.version = version
        self.isBuiltin = isBuiltin
        if isBuiltin {
            let groupVersion = group.isEmpty ? version : group + "/" + version
            guard let priority = BuiltinResources.shared.priorities[groupVersion] else { return nil }
            (groupPriority, versionPriority) = (priority.group, priority.version)
        } else {
            (groupPriority, versionPriority) = (1000, 100)
        }
    }

    /// Those of all kinds that are served, by name.
    static func all(of kinds: Registry.Kinds) -> [String: LocalAPIService] {
        var all: [String: LocalAPIService] = [:]
        for served in kinds.all {
            let resource = served.definition.resource
            let isBuiltin = BuiltinResources.shared.definition(of: resource) != nil
            let local = LocalAPIService(group: resource.group, version: resource.version, isBuiltin: isBuiltin)
            if let local { all[local.name] = local }
        }
        return all
    }

    var name: String { "\(version).\(group)" }

    /// What has to be done about the object of this name.
    enum Action: Hashable, Sendable {
        case nothing
        case create(Value)
        case update(Value)
        case delete
    }

    /// `wanted` is the version of this name that is served here, `present` the stored APIService.
    static func action(_ wanted: LocalAPIService?, _ present: Value?) -> Action {
        let isOurs = present?.at("metadata", "labels", label) != nil
        guard let wanted else { return isOurs ? .delete : .nothing }
        guard let present else { return .create(wanted.object) }
        // One that somebody else made, or made his own, counts as it is: he answers for that version.
        guard isOurs, present.at("spec", "service") == nil, present["spec"] != wanted.spec else { return .nothing }
        var updated = present
        updated["spec"] = wanted.spec
        return .update(updated)
    }

    /// Makes the object, or makes it right.
    func keep(_ client: LocalClient) async throws(Status) {
        var present: Value?
        do throws(Status) {
            present = try await client.get(Target(.apiServices, name: name)).value
        } catch {
            guard error.isNotFound else { throw error }
        }
        do throws(Status) {
            try await Self.action(self, present).perform(name, client)
        } catch {
            // Another server was faster.
            guard error.isAlreadyExists || error.isConflict else { throw error }
        }
    }

    private var spec: Value {
        var spec: Value = [
            "version": .string(version), "groupPriorityMinimum": .integer(Int64(groupPriority)),
            "versionPriority": .integer(Int64(versionPriority)),
        ]
        if !group.isEmpty { spec["group"] = .string(group) }
        return spec
    }

    private var object: Value {
        [
            "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
            "metadata": [
                "name": .string(name), "labels": .object([Self.label: isBuiltin ? "onstart" : "true"]),
            ],
            "spec": spec,
        ]
    }

    /// The priority of a group that this server serves.
    static func groupPriority(of group: String, versions: [String]) -> Int {
        if group == "apiregistration.k8s.io" { return .max }
        let priorities = BuiltinResources.shared.priorities
        return versions.compactMap { priorities[group.isEmpty ? $0 : group + "/" + $0]?.group }.max() ?? 1000
    }
}

extension LocalAPIService.Action {
    /// Carries it out on the APIService of this name.
    func perform(_ name: String, _ client: LocalClient) async throws(Status) {
        switch self {
        case .nothing: break
        case .create(let object): _ = try await client.create(Target(.apiServices), object, WriteOptions())
        case .update(let object): _ = try await client.update(Target(.apiServices, name: name), object, WriteOptions())
        case .delete: _ = try await client.delete(Target(.apiServices, name: name), DeletionOptions())
        }
    }
}
