import API
import APIMachinery
import Client

/// The ConfigMap from which extension API servers learn whom to believe: the authority of client certificates, and that
/// of the front proxy (Kubernetes documentation, "Configure the Aggregation Layer").
enum ExtensionAuthentication {
    static let name = ObjectName(namespace: "kube-system", name: "extension-apiserver-authentication")

    /// What the map says. Pure.
    static func data(_ options: AggregationOptions?, clientAuthorities: [UInt8]) -> [String: String] {
        var data: [String: String] = [:]
        if !clientAuthorities.isEmpty { data["client-ca-file"] = String(decoding: clientAuthorities, as: UTF8.self) }
        guard let options else { return data }
        func list(_ texts: [String]) -> String { Value(texts).description }
        data["requestheader-client-ca-file"] = String(decoding: options.authoritiesPEM, as: UTF8.self)
        data["requestheader-allowed-names"] = list(options.allowedNames)
        data["requestheader-username-headers"] = list(["X-Remote-User"])
        data["requestheader-uid-headers"] = list(["X-Remote-Uid"])
        data["requestheader-group-headers"] = list(["X-Remote-Group"])
        data["requestheader-extra-headers-prefix"] = list(["X-Remote-Extra-"])
        return data
    }

    /// Writes the map, if it does not say so already.
    static func publish(_ data: [String: String], by client: LocalClient) async throws(Status) {
        guard var map = try await client.find(ConfigMap.self, name) else {
            var map = ConfigMap(namespace: name.namespace, name: name.name)
            map.data = data
            try await client.create(map)
            return
        }
        guard map.data != data else { return }
        map.data = data
        try await client.update(map)
    }
}
