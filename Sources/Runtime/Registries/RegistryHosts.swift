/// Turns ``Registries`` into containerd's own form: a folder for each registry with a `hosts.toml` in it.
struct RegistryHosts {
    var registries: Registries
    /// Whether a registry itself is never asked, only its mirrors (`--disable-default-registry-endpoint`).
    var isDefaultEndpointDisabled = false

    /// The content of each `hosts.toml` by the name of its folder.
    ///
    /// A registry has one if it has mirrors, or if its own host has TLS options.
    func files() -> [String: String] {
        var files: [String: String] = [:]
        for (name, mirror) in registries.mirrors {
            files[Self.folder(name)] = file(for: name, mirror)
        }
        for (host, options) in registries.configs where options.tls != nil && host != "*" {
            // Docker Hub's images are looked up under its name.
            let name = host == "registry-1.docker.io" ? "docker.io" : host
            if registries.mirrors[name] == nil {
                files[Self.folder(name)] = file(for: name, Registries.Mirror())
            }
        }
        return files
    }

    /// containerd asks for `_default` where no folder has the registry's name.
    private static func folder(_ registry: String) -> String { registry == "*" ? "_default" : registry }

    private func file(for registry: String, _ mirror: Registries.Mirror) -> String {
        var endpoints = mirror.endpoints.compactMap { RegistryEndpoint($0) }
        if let prefix = mirror.prefix { for index in endpoints.indices { endpoints[index].path += "/" + prefix } }
        var server = registry == "*" ? nil : RegistryEndpoint(registry: registry)
        if isDefaultEndpointDisabled, let last = endpoints.popLast() {
            // containerd always has a last resort: the last mirror takes the registry's place.
            server = last
        }
        var toml = TOML(comment: "Written by k3s from registries.yaml at each start; changes here are lost.")
        if let server {
            toml.set("server", .string(server.description))
            toml.set("capabilities", .strings(["pull", "resolve", "push"]))
            set(server, &toml)
        }
        // containerd 1.6 passes over a file without the table.
        if endpoints.isEmpty { toml.table("host") }
        for endpoint in endpoints {
            toml.table("host", endpoint.description)
            toml.set("capabilities", .strings(["pull", "resolve"]))
            set(endpoint, &toml)
        }
        return toml.text
    }

    private func set(_ endpoint: RegistryEndpoint, _ toml: inout TOML) {
        if endpoint.hasOwnPath { toml.set("override_path", .bool(true)) }
        guard let tls = registries.options(for: endpoint.host).tls else { return }
        if !tls.caFile.isEmpty { toml.set("ca", .strings([tls.caFile])) }
        if !tls.certFile.isEmpty || !tls.keyFile.isEmpty {
            toml.set("client", .list([.strings([tls.certFile, tls.keyFile])]))
        }
        if tls.insecureSkipVerify { toml.set("skip_verify", .bool(true)) }
    }

    /// The credentials by the host that they are for, `*` spread over all hosts that are known.
    func credentials() -> [String: Registries.Auth] {
        var hosts = Set(registries.configs.keys.filter { $0 != "*" }.map(Self.contacted))
        for (name, mirror) in registries.mirrors {
            hosts.formUnion(mirror.endpoints.compactMap { RegistryEndpoint($0)?.host })
            if name != "*", let own = RegistryEndpoint(registry: name) { hosts.insert(own.host) }
        }
        var credentials: [String: Registries.Auth] = [:]
        for host in hosts { credentials[host] = registries.options(for: host).auth }
        return credentials
    }

    private static func contacted(_ registry: String) -> String {
        registry == "docker.io" ? "registry-1.docker.io" : registry
    }
}
