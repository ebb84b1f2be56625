import APIMachinery
import Support

/// The container that holds a pod's namespaces, between the interface's words and Docker's.
enum DockerSandbox {
    /// Spared by the kernel as long as anything else can be killed (`pause` has next to nothing).
    static let oomScore: Int64 = -998

    /// The body of `POST /containers/create`. `handler` is the name of one of Docker's runtimes; empty for its usual one.
    static func creation(
        _ config: CRI.PodSandboxConfig, handler: String, image: String, leastOOMScore: Int64 = -1000
    ) -> Value {
        let security = config.linux.securityContext
        var labels = DockerLabels.joined(config.labels, annotations: config.annotations)
        labels[DockerLabels.type] = DockerLabels.sandbox
        labels[DockerLabels.containerName] = DockerName.sandbox
        if !handler.isEmpty { labels[DockerLabels.handler] = handler }
        var host = DockerSecurity.namespaces(security.namespaceOptions, sandbox: nil)
        host["UsernsMode"] = "host"
        host["OomScoreAdj"] = .integer(max(oomScore, leastOOMScore))
        host["CpuShares"] = 2
        host["CgroupParent"] = .string(DockerResources.parent(config.linux.cgroupParent))
        host["Sysctls"] = Value(config.linux.sysctls)
        host["Privileged"] = .bool(security.privileged)
        host["ReadonlyRootfs"] = .bool(security.readonlyRootfs)
        host["GroupAdd"] = Value(security.supplementalGroups.map(String.init))
        host["SecurityOpt"] = Value(
            DockerSecurity.options(
                seccomp: nil, seccompProfile: nil, appArmor: nil, seLinux: security.selinuxOptions,
                forbidsNewPrivileges: true))
        if !handler.isEmpty { host["Runtime"] = .string(handler) }
        var body: Value = [
            "Image": .string(image), "Labels": Value(labels), "HostConfig": .object(host),
            "Healthcheck": ["Test": ["NONE"]],
        ]
        if security.namespaceOptions.network != .node, !config.hostname.isEmpty {
            body["Hostname"] = .string(config.hostname)
        }
        if let user = DockerSecurity.user(security.runAsUser, name: "", group: security.runAsGroup) {
            body["User"] = .string(user)
        }
        return body
    }

    /// One entry of `GET /containers/json`; `nil` for a container whose name is no pod's.
    static func listed(_ entry: Value) -> CRI.PodSandbox? {
        guard let id = entry["Id"]?.string, let name = DockerTime.name(in: entry) else { return nil }
        var sandbox = CRI.PodSandbox()
        sandbox.id = id
        sandbox.metadata = name.sandboxMetadata
        sandbox.state = entry["State"]?.string == "running" ? .ready : .notReady
        sandbox.createdAt = DockerTime.nanoseconds(seconds: entry["Created"]?.integer)
        let labels = entry["Labels"]?.strings ?? [:]
        (sandbox.labels, sandbox.annotations) = DockerLabels.split(labels)
        sandbox.runtimeHandler = labels[DockerLabels.handler] ?? ""
        return sandbox
    }

    /// What `GET /containers/ID/json` tells, with the addresses that its network was given; `nil` for a container whose name
    /// is no pod's.
    static func status(_ inspected: Value, addresses: [String]) -> CRI.PodSandboxStatus? {
        guard let id = inspected["Id"]?.string, let name = inspected["Name"]?.string.flatMap({ DockerName($0) }) else {
            return nil
        }
        var status = CRI.PodSandboxStatus()
        status.id = id
        status.metadata = name.sandboxMetadata
        status.state = inspected.at("State", "Running")?.bool == true ? .ready : .notReady
        status.createdAt = DockerTime.nanoseconds(inspected["Created"])
        let labels = inspected.at("Config", "Labels")?.strings ?? [:]
        (status.labels, status.annotations) = DockerLabels.split(labels)
        status.runtimeHandler = labels[DockerLabels.handler] ?? ""
        let host = inspected["HostConfig"] ?? .emptyObject
        var options = CRI.NamespaceOption()
        options.network = host["NetworkMode"]?.string == "host" ? .node : .pod
        options.pid = host["PidMode"]?.string == "host" ? .node : .container
        options.ipc = host["IpcMode"]?.string == "host" ? .node : .pod
        status.linux.namespaces.options = options
        if options.network == .pod, status.state == .ready {
            status.network.ip = addresses.first ?? ""
            status.network.additionalIPs = addresses.dropFirst().map { address in
                var ip = CRI.PodIP()
                ip.ip = address
                return ip
            }
        }
        return status
    }

    /// The pod's `resolv.conf`, which takes the place of the one that Docker writes.
    static func resolver(_ dns: CRI.DNSConfig) -> String {
        var lines: [String] = []
        if !dns.searches.isEmpty { lines.append("search " + dns.searches.joined(separator: " ")) }
        lines += dns.servers.map { "nameserver " + $0 }
        if !dns.options.isEmpty { lines.append("options " + dns.options.joined(separator: " ")) }
        return lines.map { $0 + "\n" }.joined()
    }
}

/// Reads Docker's times and names.
enum DockerTime {
    /// Nanoseconds since 1970; 0 for what has not happened, which Docker says by the year 1.
    static func nanoseconds(_ value: Value?) -> Int64 {
        guard let time = value?.string.flatMap({ Timestamp($0) }), time.seconds > 0 else { return 0 }
        let (whole, isTooLarge) = time.seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return isTooLarge ? .max : whole.saturatingAdding(Int64(time.nanoseconds))
    }

    static func nanoseconds(seconds: Int64?) -> Int64 {
        guard let seconds, seconds > 0 else { return 0 }
        let (whole, isTooLarge) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return isTooLarge ? .max : whole
    }

    /// The name of a listed container; it may have further ones, by which others know it.
    static func name(in entry: Value) -> DockerName? {
        (entry["Names"]?.array ?? []).lazy.compactMap { $0.string.flatMap { DockerName($0) } }.first
    }
}

extension Int64 {
    fileprivate func saturatingAdding(_ other: Int64) -> Int64 {
        let (sum, isTooLarge) = addingReportingOverflow(other)
        return isTooLarge ? .max : sum
    }
}
