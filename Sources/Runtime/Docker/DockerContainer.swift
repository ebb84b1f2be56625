import APIMachinery
import Support

/// A container of a pod, between the interface's words and Docker's.
struct DockerContainer: Sendable {
    var sandbox: String
    var config: CRI.ContainerConfig
    var sandboxConfig: CRI.PodSandboxConfig
    /// The content of the seccomp profile that it names, where it names one.
    var seccompProfile: String?
    /// Of the sandbox.
    var handler = ""
    var version = DockerVersion.least
    var leastOOMScore: Int64 = -1000

    /// The body of `POST /containers/create`.
    var creation: Value {
        var labels = DockerLabels.joined(config.labels, annotations: config.annotations)
        labels[DockerLabels.type] = DockerLabels.container
        labels[DockerLabels.sandboxID] = sandbox
        labels[DockerLabels.logPath] = logPath
        var body: Value = [
            "Image": .string(config.image.image), "Labels": Value(labels), "HostConfig": .object(host),
            "Env": .array(config.envs.map { .string($0.key + "=" + String(decoding: $0.value, as: UTF8.self)) }),
            "OpenStdin": .bool(config.stdin), "StdinOnce": .bool(config.stdinOnce), "Tty": .bool(config.tty),
            // The kubelet's probes are the only ones.
            "Healthcheck": ["Test": ["NONE"]],
        ]
        if !config.command.isEmpty { body["Entrypoint"] = Value(config.command) }
        if !config.args.isEmpty { body["Cmd"] = Value(config.args) }
        if !config.workingDir.isEmpty { body["WorkingDir"] = .string(config.workingDir) }
        if let signal = config.stopSignal.name { body["StopSignal"] = .string(signal) }
        let security = config.linux.securityContext
        if let user = DockerSecurity.user(security.runAsUser, name: security.runAsUsername, group: security.runAsGroup) {
            body["User"] = .string(user)
        }
        return body
    }

    /// Where the kubelet looks for the log; empty when it wants none.
    var logPath: String {
        guard !config.logPath.isEmpty, !sandboxConfig.logDirectory.isEmpty else { return "" }
        return sandboxConfig.logDirectory + "/" + config.logPath
    }

    private var host: Fields {
        let security = config.linux.securityContext
        var host = DockerSecurity.namespaces(security.namespaceOptions, sandbox: sandbox)
        for (key, value) in DockerResources.fields(config.linux.resources) { host[key] = value }
        host["OomScoreAdj"] = .integer(max(config.linux.resources.oomScoreAdj, leastOOMScore))
        host["CgroupParent"] = .string(DockerResources.parent(sandboxConfig.linux.cgroupParent))
        host["Privileged"] = .bool(security.privileged)
        host["ReadonlyRootfs"] = .bool(security.readonlyRootfs)
        host["CapAdd"] = Value(security.capabilities?.addCapabilities ?? [])
        host["CapDrop"] = Value(security.capabilities?.dropCapabilities ?? [])
        host["GroupAdd"] = Value(security.supplementalGroups.map(String.init))
        host["SecurityOpt"] = Value(
            DockerSecurity.options(
                seccomp: security.seccomp, seccompProfile: seccompProfile, appArmor: security.apparmor,
                seLinux: security.selinuxOptions, forbidsNewPrivileges: security.noNewPrivs))
        if !security.privileged {
            // Empty lists too: without one, Docker's own hold.
            host["MaskedPaths"] = Value(security.maskedPaths)
            host["ReadonlyPaths"] = Value(security.readonlyPaths)
        }
        // A Docker that maps users does not map those of pods.
        host["UsernsMode"] = "host"
        host["Devices"] = .array(config.devices.map(Self.device))
        host["Mounts"] = .array(config.mounts.filter { !$0.selinuxRelabel }.map { Self.mount($0, version) })
        host["Binds"] = Value(config.mounts.filter(\.selinuxRelabel).map(Self.bind))
        if !config.cdiDevices.isEmpty {
            host["DeviceRequests"] = [["Driver": "cdi", "DeviceIDs": Value(config.cdiDevices.map(\.name))]]
        }
        if !handler.isEmpty { host["Runtime"] = .string(handler) }
        return host
    }

    private static func device(_ device: CRI.Device) -> Value {
        [
            "PathOnHost": .string(device.hostPath), "PathInContainer": .string(device.containerPath),
            "CgroupPermissions": .string(device.permissions),
        ]
    }

    /// An object and not a text, since a path may have a colon.
    private static func mount(_ mount: CRI.Mount, _ version: DockerVersion) -> Value {
        var options: Value = ["Propagation": .string(propagation(mount))]
        // From this version on Docker makes what is mounted below read-only, too, unless it is told not to; Kubernetes does
        // not promise that (KEP 3857).
        if mount.readonly, version >= .readsOnlyRecursively, !mount.recursiveReadOnly {
            options["ReadOnlyNonRecursive"] = true
        }
        return [
            "Type": "bind", "Source": .string(mount.hostPath), "Target": .string(mount.containerPath),
            "ReadOnly": .bool(mount.readonly), "BindOptions": options,
        ]
    }

    /// The other form, which alone can ask for a new SELinux label.
    private static func bind(_ mount: CRI.Mount) -> String {
        let options = (mount.readonly ? ["ro"] : []) + ["Z", propagation(mount)]
        return "\(mount.hostPath):\(mount.containerPath):" + options.joined(separator: ",")
    }

    private static func propagation(_ mount: CRI.Mount) -> String {
        switch mount.propagation {
        case .private: "rprivate"
        case .hostToContainer: "rslave"
        case .bidirectional: "rshared"
        }
    }
}
