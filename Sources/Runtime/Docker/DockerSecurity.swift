import APIMachinery

/// How the interface's ways to confine a container are said to Docker.
enum DockerSecurity {
    /// `HostConfig.SecurityOpt`. `seccompProfile` is the content of the file that a local profile names: Docker takes no
    /// path. Docker's own profiles hold where nothing is said.
    static func options(
        seccomp: CRI.SecurityProfile?, seccompProfile: String?, appArmor: CRI.SecurityProfile?, seLinux: CRI.SELinuxOption?,
        forbidsNewPrivileges: Bool
    ) -> [String] {
        var options: [String] = []
        switch seccomp?.profileType {
        case .unconfined: options.append("seccomp=unconfined")
        case .localhost: if let seccompProfile { options.append("seccomp=" + seccompProfile) }
        case .runtimeDefault, nil: break
        }
        switch appArmor?.profileType {
        case .unconfined: options.append("apparmor=unconfined")
        case .localhost:
            let name = appArmor?.localhostRef ?? ""
            options.append("apparmor=" + (name.hasPrefix("localhost/") ? String(name.dropFirst(10)) : name))
        case .runtimeDefault, nil: break
        }
        if let seLinux {
            let parts = [("user", seLinux.user), ("role", seLinux.role), ("type", seLinux.type), ("level", seLinux.level)]
            for (key, value) in parts where !value.isEmpty { options.append("label=\(key):\(value)") }
        }
        if forbidsNewPrivileges { options.append("no-new-privileges") }
        return options
    }

    /// `Config.User`; `nil` takes the image's. A group needs a user, and is root's where none is named.
    static func user(_ uid: Int64?, name: String, group: Int64?) -> String? {
        var user = uid.map(String.init) ?? (name.isEmpty ? nil : name)
        if let group { user = (user ?? "0") + ":\(group)" }
        return user
    }

    /// The namespaces that a container shares with its sandbox or the node (`HostConfig`). Those of the sandbox itself:
    /// without `sandbox`.
    static func namespaces(_ options: CRI.NamespaceOption, sandbox: String?) -> Fields {
        var fields = Fields()
        let joined = sandbox.map { Value.string("container:" + $0) }
        if options.network == .node { fields["UTSMode"] = "host" }
        if let joined {
            fields["NetworkMode"] = joined
            fields["IpcMode"] = options.ipc == .node ? "host" : joined
        } else {
            // Docker makes no network of its own: that is the plug-ins'. Its containers join the sandbox's IPC later.
            fields["NetworkMode"] = options.network == .node ? "host" : "none"
            fields["IpcMode"] = options.ipc == .node ? "host" : "shareable"
        }
        switch options.pid {
        case .node: fields["PidMode"] = "host"
        case .pod: if let joined { fields["PidMode"] = joined }
        case .target: fields["PidMode"] = .string("container:" + options.targetID)
        case .container: break
        }
        return fields
    }
}
