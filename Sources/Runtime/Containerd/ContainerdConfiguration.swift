/// Writes containerd's configuration file.
///
/// Pure: text from facts. Where the languages of containerd 1 and 2 differ, each has its function. No plugin
/// is switched off: those that a node does not use were measured to cost neither memory nor time.
struct ContainerdConfiguration {
    var version: ContainerdVersion
    var layout: ContainerdLayout
    var options: ContainerdOptions
    /// The executable that makes containers.
    var runc: String
    /// The folders of the network plugins, in the order in which they are looked through.
    var cniFolders: [String]

    /// The whole file.
    var text: String {
        var toml = TOML(
            comment: "Written by k3s at each start; changes here are lost. Add files to \(dropInFolder).")
        toml.set("version", .integer(version.configurationVersion))
        toml.set("root", .string(layout.root))
        toml.set("state", .string(layout.state))
        toml.set("imports", .strings([dropInFolder + "/*.toml"]))
        toml.table("grpc")
        toml.set("address", .string(layout.socket))
        addCollection(&toml)
        if let socket = SnapshotterCheck.sockets[options.snapshotter] {
            toml.table("proxy_plugins", options.snapshotter)
            toml.set("type", .string("snapshot"))
            toml.set("address", .string(socket))
        }
        if version.configurationVersion == 2 { addVersion2(&toml) } else { addVersion3(&toml) }
        return toml.text
    }

    /// Where a person adds to it.
    var dropInFolder: String {
        layout.configuration + (version.configurationVersion == 2 ? "/config.toml.d" : "/config-v3.toml.d")
    }

    /// The template that replaces it, if there is one.
    var templateFile: String {
        layout.configuration
            + (version.configurationVersion == 2 ? "/config.toml.tmpl" : "/config-v3.toml.tmpl")
    }

    /// By default the collector wakes some twenty times a second for ever, at an interval it computes from
    /// how long the last collection took: measured as nine tenths of containerd's work at rest. With so small
    /// a share of time the interval is minutes, and a deletion starts a collection by itself.
    private func addCollection(_ toml: inout TOML) {
        toml.table("plugins", "io.containerd.gc.v1.scheduler")
        toml.set("pause_threshold", .real(0.0001))
        toml.set("deletion_threshold", .integer(1))
        toml.set("schedule_delay", .string("1s"))
    }

    private func addVersion2(_ toml: inout TOML) {
        let cri = "io.containerd.grpc.v1.cri"
        toml.table("plugins", cri)
        addStreaming(&toml)
        addSecurity(&toml)
        toml.set("sandbox_image", .string(options.pauseImage))
        toml.set("stats_collect_period", .integer(Int(options.layerStatisticsInterval.wholeSeconds)))
        toml.table("plugins", cri, "cni")
        toml.set("bin_dir", .string(cniFolders.first ?? "/opt/cni/bin"))
        toml.set("conf_dir", .string(layout.cniConfiguration))
        toml.table("plugins", cri, "containerd")
        addSnapshotter(&toml)
        toml.set("default_runtime_name", .string(options.defaultRuntime))
        addRuntime(&toml, cri)
        addRegistries(&toml, cri)
    }

    private func addVersion3(_ toml: inout TOML) {
        let (images, runtime) = ("io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime")
        toml.table("plugins", images)
        addSnapshotter(&toml)
        toml.set("stats_collect_period", .integer(Int(options.layerStatisticsInterval.wholeSeconds)))
        toml.table("plugins", images, "pinned_images")
        toml.set("sandbox", .string(options.pauseImage))
        addRegistries(&toml, images)
        toml.table("plugins", runtime)
        addSecurity(&toml)
        toml.table("plugins", runtime, "cni")
        // The list came with 2.1, and the single folder is on its way out.
        if version < ContainerdVersion(major: 2, minor: 1) {
            toml.set("bin_dir", .string(cniFolders.first ?? "/opt/cni/bin"))
        } else {
            toml.set("bin_dirs", .strings(cniFolders))
        }
        toml.set("conf_dir", .string(layout.cniConfiguration))
        toml.table("plugins", runtime, "containerd")
        toml.set("default_runtime_name", .string(options.defaultRuntime))
        addRuntime(&toml, runtime)
        toml.table("plugins", "io.containerd.grpc.v1.cri")
        addStreaming(&toml)
    }

    private func addSnapshotter(_ toml: inout TOML) {
        toml.set("snapshotter", .string(options.snapshotter))
        // What is pulled when it is read must know from where.
        if options.snapshotter == "stargz" { toml.set("disable_snapshot_annotations", .bool(false)) }
    }

    private func addStreaming(_ toml: inout TOML) {
        toml.set("stream_server_address", .string("127.0.0.1"))
        toml.set("stream_server_port", .string(String(options.streamPort)))
    }

    private func addSecurity(_ toml: inout TOML) {
        toml.set("enable_selinux", .bool(options.isSELinuxEnabled))
        // As k3s: a container without privileges may listen on port 80 and send pings in its own network.
        toml.set("enable_unprivileged_ports", .bool(true))
        toml.set("enable_unprivileged_icmp", .bool(true))
        toml.set("restrict_oom_score_adj", .bool(options.restrictsOOMScore))
        guard options.isInUserNamespace else { return }
        toml.set("disable_apparmor", .bool(true))
        toml.set("disable_cgroup", .bool(options.hasNoCgroups))
    }

    private func addRuntime(_ toml: inout TOML, _ plugin: String) {
        toml.table("plugins", plugin, "containerd", "runtimes", "runc")
        toml.set("runtime_type", .string("io.containerd.runc.v2"))
        toml.table("plugins", plugin, "containerd", "runtimes", "runc", "options")
        toml.set("BinaryName", .string(runc))
        toml.set("SystemdCgroup", .bool(options.usesSystemdCgroups))
        for runtime in options.extraRuntimes {
            toml.table("plugins", plugin, "containerd", "runtimes", runtime.name)
            toml.set("runtime_type", .string(runtime.type))
            toml.table("plugins", plugin, "containerd", "runtimes", runtime.name, "options")
            toml.set("BinaryName", .string(runtime.program))
            toml.set("SystemdCgroup", .bool(options.usesSystemdCgroups))
        }
    }

    private func addRegistries(_ toml: inout TOML, _ plugin: String) {
        toml.table("plugins", plugin, "registry")
        toml.set("config_path", .string(layout.registryFolder))
        let hosts = RegistryHosts(registries: options.registries)
        for (host, auth) in hosts.credentials().sorted(by: { $0.key < $1.key }) {
            toml.table("plugins", plugin, "registry", "configs", host, "auth")
            for (key, value) in [
                ("username", auth.username), ("password", auth.password), ("auth", auth.auth),
                ("identitytoken", auth.identityToken),
            ] where !value.isEmpty {
                toml.set(key, .string(value))
            }
        }
    }
}
