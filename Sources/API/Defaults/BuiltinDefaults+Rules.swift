import APIMachinery

// The rules that only code can say, except those of pods.
extension BuiltinDefaults {
    /// Keeps a field in step with the list that took its place (API conventions, "Making a singular field plural"): each
    /// is made of the other where it is absent, and where they differ the field counts, for clients that know no list.
    /// The list's elements are like the field, or objects that have it as `key`.
    static func match(_ field: String, withFirstOf list: String, key: String? = nil, in object: inout Value) {
        let first = object[list]?.array?.first
        let value = key.map { first?[$0] } ?? first
        guard !object[field].isUnset, let single = object[field] else {
            if let value { object[field] = value }
            return
        }
        if value != single { object[list] = [key.map { [$0: single] } ?? single] }
    }

    @Sendable static func completeService(_ service: inout Value) {
        guard var spec = service["spec"] else { return }
        let type = spec["type"]?.string ?? ""
        if spec["sessionAffinity"]?.string == "None" { spec["sessionAffinityConfig"] = nil }
        let isExternal = type == "LoadBalancer" || type == "NodePort"
        if isExternal || (type == "ClusterIP" && !spec["externalIPs"].isUnset),
            spec["externalTrafficPolicy"].isUnset
        {
            spec["externalTrafficPolicy"] = "Cluster"
        }
        if isExternal || type == "ClusterIP" { setIfAbsent("internalTrafficPolicy", "Cluster", in: &spec) }
        if type == "LoadBalancer" { setIfAbsent("allocateLoadBalancerNodePorts", true, in: &spec) }
        service["spec"] = spec
        guard type == "LoadBalancer", let points = service.at("status", "loadBalancer", "ingress")?.array
        else { return }
        service[path: ["status", "loadBalancer", "ingress"]] = .array(
            points.map { point in
                var point = point
                if !point["ip"].isUnset { setIfAbsent("ipMode", "VIP", in: &point) }
                return point
            })
    }

    /// The port itself, when no target is named. Decoding wrote the zero that Go always writes.
    @Sendable static func completeTargetPort(_ port: inout Value) {
        guard port["targetPort"].isUnset || port["targetPort"] == 0 else { return }
        port["targetPort"] = port["port"]
    }

    @Sendable static func labelNamespace(_ namespace: inout Value) {
        guard let name = namespace.at("metadata", "name"), !(name.string ?? "").isEmpty else { return }
        namespace[path: ["metadata", "labels", "kubernetes.io/metadata.name"]] = name
    }

    @Sendable static func completeLimits(_ item: inout Value) {
        guard item["type"]?.string == "Container" else { return }
        for (target, source) in [
            ("default", "max"), ("defaultRequest", "default"), ("defaultRequest", "min"),
        ] {
            for (name, amount) in item[source]?.fields ?? Fields() where item[path: [target, name]] == nil {
                item[path: [target, name]] = amount
            }
        }
    }

    @Sendable static func completeUpdateStrategy(_ set: inout Value) {
        var strategy = set.at("spec", "updateStrategy") ?? .emptyObject
        if strategy["type"].isUnset {
            strategy["type"] = "RollingUpdate"
            setIfAbsent("rollingUpdate", .emptyObject, in: &strategy)
        }
        if strategy["type"]?.string == "RollingUpdate", strategy["rollingUpdate"] != nil,
            strategy.at("rollingUpdate", "partition") == nil
        {
            strategy[path: ["rollingUpdate", "partition"]] = 0
        }
        set[path: ["spec", "updateStrategy"]] = strategy
    }

    /// Claims in templates say what they are, as objects do: tools that compare what they wrote with what is stored rely on it.
    @Sendable static func nameClaimTemplates(_ set: inout Value) {
        guard let templates = set.at("spec", "volumeClaimTemplates")?.array, !templates.isEmpty else { return }
        set[path: ["spec", "volumeClaimTemplates"]] = .array(
            templates.map { template in
                var named: Value = ["apiVersion": "v1", "kind": "PersistentVolumeClaim"]
                for (key, value) in template.fields ?? Fields() where key != "apiVersion" && key != "kind" {
                    named[key] = value
                }
                return named
            })
    }

    @Sendable static func completeNames(_ definition: inout Value) {
        let kind = definition.at("spec", "names", "kind")?.string ?? ""
        if definition.at("spec", "names", "singular").isUnset {
            definition[path: ["spec", "names", "singular"]] = .string(kind.lowercased())
        }
        if definition.at("spec", "names", "listKind").isUnset {
            definition[path: ["spec", "names", "listKind"]] = .string(kind + "List")
        }
        guard definition.at("status", "storedVersions").isUnset else { return }
        let stored = (definition.at("spec", "versions")?.array ?? []).filter { $0["storage"]?.bool == true }
        definition[path: ["status", "storedVersions"]] = .array(stored.compactMap { $0["name"] })
    }
}
