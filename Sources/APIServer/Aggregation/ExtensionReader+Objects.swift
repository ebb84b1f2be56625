public import APIMachinery
public import Client
import Wire

extension ExtensionReader: ForeignObjects {
    public func resources() -> (known: [CatalogEntry], unknown: [String]) {
        var (known, unknown, seen): ([CatalogEntry], [String], Set<String>) = ([], [], [])
        let servers = table.present.sorted { ($1.versionPriority, $0.name) < ($0.versionPriority, $1.name) }
        for server in servers {
            guard server.isAvailable, let offer = server.offer else {
                unknown.append(server.groupVersion)
                continue
            }
            for entry in offer.resources["resources"]?.array ?? [] {
                guard let name = entry["name"]?.string, !name.contains("/"),
                    seen.insert(name + "." + server.group).inserted
                else { continue }
                known.append(
                    CatalogEntry(
                        resource: GroupVersionResource(group: server.group, version: server.version, resource: name),
                        kind: GroupVersionKind(
                            group: server.group, version: server.version, kind: entry["kind"]?.string ?? ""),
                        isNamespaced: entry["namespaced"]?.bool ?? false,
                        verbs: (entry["verbs"]?.array ?? []).compactMap(\.string)))
            }
        }
        return (known, unknown)
    }

    public func list(_ resource: GroupVersionResource, namespace: String) async throws(Status) -> [Value] {
        try await send(.get, Target(resource, namespace: namespace))["items"]?.array ?? []
    }

    public func delete(_ target: Target) async throws(Status) {
        let options: Value = ["kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"]
        _ = try await send(.delete, target, options)
    }

    /// Asks the server of a target, when the user may.
    private func send(_ method: HTTPMethod, _ target: Target, _ body: Value? = nil) async throws(Status) -> Value {
        var steps = ["apis", target.resource.group, target.resource.version]
        if !target.namespace.isEmpty { steps += ["namespaces", target.namespace] }
        steps.append(target.resource.resource)
        if !target.name.isEmpty { steps.append(target.name) }
        let path = "/" + steps.map { PercentEncoding.encode($0) }.joined(separator: "/")
        try await authorize(RequestInfo(method: method.rawValue, path: path, isWatch: false))
        guard let server = table.server(forPath: path) else { throw Self.unknown }
        guard server.isAvailable else { throw Self.away }
        return try await caller.send(method, path, body, to: server, as: user)
    }
}
