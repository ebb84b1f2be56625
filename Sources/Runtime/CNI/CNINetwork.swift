import APIMachinery
import Host
import Support

/// A network as a list of plug-ins (CNI specification 1.0.0, section 1), and what each is told. Pure but for ``read(folder:)``.
///
/// containerd calls the plug-ins by itself; a runtime that knows nothing of them has it done by ``CNIPlugins``.
struct CNINetwork: Hashable, Sendable {
    /// The whole list, as it is kept with what it was used for.
    let configuration: Value

    private var name: String { configuration["name"]?.string ?? "" }
    private var version: String { configuration["cniVersion"]?.string ?? "0.2.0" }

    /// The plug-ins, in the order in which they add to a network.
    var plugins: [Value] { configuration["plugins"]?.array ?? [] }

    /// Takes a list, or the older form of one plug-in alone. `source` says where it is from.
    init(_ configuration: Value, source: String) throws(Fault) {
        if configuration["plugins"] == nil, configuration["type"]?.string != nil {
            self.configuration = [
                "name": configuration["name"] ?? "", "cniVersion": configuration["cniVersion"] ?? "0.2.0",
                "plugins": [configuration],
            ]
        } else {
            self.configuration = configuration
        }
        let types = plugins.map { $0["type"]?.string ?? "" }
        guard !name.isEmpty, !types.isEmpty, types.allSatisfy({ !$0.isEmpty && !$0.contains("/") }) else {
            throw Fault(.invalid, "\(source) describes no network of plug-ins")
        }
    }

    /// The network that a folder describes: of its files the first by name, as containerd takes it. Fails with `notFound`
    /// when there is none.
    static func read(folder: String) throws(Fault) -> CNINetwork {
        let names = (try? Files.list(folder)) ?? []
        let endings = [".conflist", ".conf", ".json"]
        guard let name = names.first(where: { name in endings.contains { name.hasSuffix($0) } }) else {
            throw Fault(.notFound, "no network is described in \(folder)")
        }
        let path = Path.join(folder, name)
        let bytes = try Files.read(path)
        let value: Value
        do { value = try Value(json: bytes) } catch {
            throw Fault(.invalid, "\(path) is no JSON", cause: error)
        }
        return try CNINetwork(value, source: path)
    }

    /// What a plug-in reads: its own entry, with the network's name and version, of the runtime's words those that it can
    /// take, and what came of the plug-ins before it (section 4, "Deriving execution configuration from plugin
    /// configuration").
    func request(for plugin: Value, capabilities: Fields, previous: Value?) -> Value {
        var request = plugin
        request["name"] = .string(name)
        request["cniVersion"] = .string(version)
        request["capabilities"] = nil
        var wanted = Fields()
        for (key, value) in plugin["capabilities"]?.fields ?? Fields() where value.bool == true {
            if let told = capabilities[key] { wanted[key] = told }
        }
        if !wanted.isEmpty { request["runtimeConfig"] = .object(wanted) }
        request["prevResult"] = previous
        return request
    }

    /// The addresses in what came of adding, in their order and without their prefixes.
    static func addresses(in result: Value?) -> [String] {
        (result?["ips"]?.array ?? []).compactMap { ip in
            ip["address"]?.string.map { address in String(address.prefix { $0 != "/" }) }
        }
    }
}

/// What is joined to a network.
struct CNIAttachment: Hashable, Sendable {
    var containerID: String
    /// The path of its network namespace; empty when that is gone, and only the addresses are given back.
    var namespace: String
    var interface = "eth0"
    /// `KEY=VALUE` each.
    var arguments: [String] = []
    /// By the names of the conventions: `portMappings`, `bandwidth`.
    var capabilities = Fields()

    /// The attachment of a pod, with the arguments that containerd and cri-dockerd give.
    init(sandbox id: String, _ pod: CRI.PodSandboxMetadata, namespace: String, capabilities: Fields) {
        containerID = id
        self.namespace = namespace
        self.capabilities = capabilities
        arguments = [
            "IgnoreUnknown=1", "K8S_POD_NAMESPACE=" + pod.namespace, "K8S_POD_NAME=" + pod.name,
            "K8S_POD_INFRA_CONTAINER_ID=" + id, "K8S_POD_UID=" + pod.uid,
        ]
    }

    /// What a plug-in is told by its environment (section 2, "Parameters").
    func environment(_ command: String, folders: [String]) -> [String: String] {
        [
            "CNI_COMMAND": command, "CNI_CONTAINERID": containerID, "CNI_NETNS": namespace, "CNI_IFNAME": interface,
            "CNI_ARGS": arguments.joined(separator: ";"), "CNI_PATH": folders.joined(separator: ":"),
        ]
    }

    /// What a sandbox asks of the plug-ins: its host ports, and the limits that its annotations set.
    static func capabilities(_ config: CRI.PodSandboxConfig) -> Fields {
        var fields = Fields()
        let ports = config.portMappings.filter { $0.hostPort > 0 }.map { port -> Value in
            let name =
                switch port.protocol {
                case .tcp: "tcp"
                case .udp: "udp"
                case .sctp: "sctp"
                }
            return [
                "hostPort": .integer(Int64(port.hostPort)), "containerPort": .integer(Int64(port.containerPort)),
                "protocol": .string(name), "hostIP": .string(port.hostIP),
            ]
        }
        if !ports.isEmpty { fields["portMappings"] = .array(ports) }
        var bandwidth = Fields()
        for direction in ["ingress", "egress"] {
            // In bits a second, where the annotation has them too.
            guard let text = config.annotations["kubernetes.io/\(direction)-bandwidth"],
                let rate = try? Quantity(text), rate.value > 0
            else { continue }
            bandwidth[direction + "Rate"] = .integer(rate.value)
            bandwidth[direction + "Burst"] = .integer(Int64(Int32.max))
        }
        if !bandwidth.isEmpty { fields["bandwidth"] = .object(bandwidth) }
        return fields
    }
}
