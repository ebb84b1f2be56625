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
            guard let (group, version) = Self.builtin[groupVersion] else { return nil }
            (groupPriority, versionPriority) = (group, version)
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
        // One that somebody else made counts as it is: he answers for that version.
        guard isOurs, present["spec"] != wanted.spec else { return .nothing }
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

    /// Priority of group and version, as Kubernetes orders what it brings along.
    private static let builtin: [String: (Int, Int)] = [
        "v1": (18_000, 1), "admissionregistration.k8s.io/v1": (16_700, 15), "apiextensions.k8s.io/v1": (16_700, 15),
        "apps/v1": (17_800, 15), "authentication.k8s.io/v1": (17_700, 15), "authorization.k8s.io/v1": (17_600, 15),
        "autoscaling/v1": (17_500, 15), "autoscaling/v2": (17_500, 30), "batch/v1": (17_400, 15),
        "certificates.k8s.io/v1": (17_300, 15), "coordination.k8s.io/v1": (16_500, 15),
        "discovery.k8s.io/v1": (16_200, 15), "events.k8s.io/v1": (17_750, 15),
        "flowcontrol.apiserver.k8s.io/v1": (16_100, 21), "networking.k8s.io/v1": (17_200, 15),
        "node.k8s.io/v1": (16_300, 15), "policy/v1": (17_100, 15), "rbac.authorization.k8s.io/v1": (17_000, 15),
        "resource.k8s.io/v1": (16_200, 21), "scheduling.k8s.io/v1": (16_600, 15), "storage.k8s.io/v1": (16_800, 15),
    ]

    /// The priority of a group that this server serves.
    static func groupPriority(of group: String, versions: [String]) -> Int {
        if group == "apiregistration.k8s.io" { return .max }
        return versions.compactMap { builtin[group.isEmpty ? $0 : group + "/" + $0]?.0 }.max() ?? 1000
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
