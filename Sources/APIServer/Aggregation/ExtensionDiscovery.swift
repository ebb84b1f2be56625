import APIMachinery

/// Adds what other servers answer for to this server's own discovery documents. Pure.
struct ExtensionDiscovery {
    private let servers: [String: [ExtensionServer]]

    init(_ servers: [ExtensionServer]) {
        self.servers = Dictionary(grouping: servers.filter { !$0.group.isEmpty }, by: \.group)
    }

    // MARK: A document for each group and version

    /// `APIGroupList`: all groups, the most important first.
    func groupList(_ local: Value) -> Value {
        let own = local["groups"]?.array ?? []
        var groups: [(name: String, value: Value)] = own.map {
            let name = $0["name"]?.string ?? ""
            return (name, servers[name] == nil ? $0 : group(name, $0))
        }
        for name in servers.keys where !groups.contains(where: { $0.name == name }) {
            groups.append((name, group(name, nil)))
        }
        var list = local
        list["groups"] = .array(inOrder(groups, versions: Self.versions))
        return list
    }

    /// `APIGroup`; `nil` when no other server has to do with the group. `local` is the group as this server has it.
    func groupDocument(_ name: String, _ local: Value?) -> Value? {
        guard servers[name] != nil else { return nil }
        var document = group(name, local)
        document["kind"] = "APIGroup"
        document["apiVersion"] = "v1"
        return document
    }

    private func group(_ name: String, _ local: Value?) -> Value {
        let versions = merged(name, local.map(Self.versions) ?? [])
        let entries: [Value] = versions.map {
            ["groupVersion": .string(name + "/" + $0), "version": .string($0)]
        }
        var group = local ?? .emptyObject
        group["name"] = .string(name)
        group["versions"] = .array(entries)
        group["preferredVersion"] = entries.first ?? .emptyObject
        return group
    }

    private static func versions(_ group: Value) -> [String] {
        (group["versions"]?.array ?? []).compactMap { $0["version"]?.string }
    }

    // MARK: One document for all

    /// `APIGroupDiscoveryList` (KEP-3352).
    func aggregated(_ local: Value) -> Value {
        func name(_ item: Value) -> String { item.at("metadata", "name")?.string ?? "" }
        var items = (local["items"]?.array ?? []).map { (name: name($0), value: $0) }
        for (group, servers) in servers {
            let index = items.firstIndex { $0.name == group }
            let own = index.map { items[$0].value["versions"]?.array ?? [] } ?? []
            let versions = merged(group, own.compactMap { $0["version"]?.string }).compactMap { version in
                servers.first { $0.version == version }.map(Self.discovery)
                    ?? own.first { $0["version"]?.string == version }
            }
            let item: Value = ["metadata": ["name": .string(group)], "versions": .array(versions)]
            if let index { items[index].value = item } else { items.append((group, item)) }
        }
        var list = local
        list["items"] = .array(inOrder(items, versions: Self.versions))
        return list
    }

    /// `APIVersionDiscovery`: what the server said last, and whether that still holds.
    private static func discovery(_ server: ExtensionServer) -> Value {
        let entries = server.offer?.resources["resources"]?.array ?? []
        var resources: [(name: String, value: Value)] = []
        for entry in entries {
            let parts = (entry["name"]?.string ?? "").split(separator: "/", maxSplits: 1).map(String.init)
            guard let name = parts.first else { continue }
            guard parts.count == 2 else {
                resources.append((name, resource(entry, name, server)))
                continue
            }
            guard let index = resources.firstIndex(where: { $0.name == name }) else { continue }
            let subresources = resources[index].value["subresources"]?.array ?? []
            let subresource: Value = [
                "subresource": .string(parts[1]), "responseKind": kind(entry, server), "verbs": entry["verbs"] ?? [],
            ]
            resources[index].value["subresources"] = .array(subresources + [subresource])
        }
        return [
            "version": .string(server.version),
            "freshness": server.isAvailable && server.offer != nil ? "Current" : "Stale",
            "resources": .array(resources.map(\.value)),
        ]
    }

    private static func resource(_ entry: Value, _ name: String, _ server: ExtensionServer) -> Value {
        var resource: Value = [
            "resource": .string(name), "responseKind": kind(entry, server),
            "scope": entry["namespaced"]?.bool == true ? "Namespaced" : "Cluster",
            "singularResource": entry["singularName"] ?? "", "verbs": entry["verbs"] ?? [],
        ]
        for key in ["shortNames", "categories"] { resource[key] = entry[key] }
        return resource
    }

    private static func kind(_ entry: Value, _ server: ExtensionServer) -> Value {
        func text(_ key: String, _ fallback: String) -> Value {
            let text = entry[key]?.string ?? ""
            return .string(text.isEmpty ? fallback : text)
        }
        return [
            "group": text("group", server.group), "version": text("version", server.version),
            "kind": entry["kind"] ?? "",
        ]
    }

    // MARK: Order

    /// The versions of a group, the preferred one first: by priority, then by Kubernetes' rule.
    private func merged(_ group: String, _ local: [String]) -> [String] {
        let others = servers[group] ?? []
        var priorities: [String: Int] = [:]
        for version in local {
            let own = LocalAPIService(group: group, version: version, isBuiltin: true)
            priorities[version] = own?.versionPriority ?? 100
        }
        for server in others { priorities[server.version] = server.versionPriority }
        return priorities.keys.sorted {
            let (a, b) = (priorities[$0] ?? 0, priorities[$1] ?? 0)
            return a == b ? VersionPriority($0) > VersionPriority($1) : a > b
        }
    }

    /// The most important groups first; of equals, by name.
    private func inOrder(_ groups: [(name: String, value: Value)], versions: (Value) -> [String]) -> [Value] {
        groups.map { group in
            let own = LocalAPIService.groupPriority(of: group.name, versions: versions(group.value))
            let others = (servers[group.name] ?? []).map(\.groupPriority)
            // A group of others' alone has their priority, not what would be ours.
            let isOthers = Set(versions(group.value)).isSubset(of: Set((servers[group.name] ?? []).map(\.version)))
            let priority = (isOthers && !others.isEmpty ? others : others + [own]).max() ?? 0
            return (priority: priority, name: group.name, value: group.value)
        }
        .sorted { ($1.priority, $0.name) < ($0.priority, $1.name) }
        .map(\.value)
    }
}
