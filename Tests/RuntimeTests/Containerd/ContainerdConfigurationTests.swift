import Host
import Support
import Testing

@testable import Runtime

@Suite struct ContainerdConfigurationTests {
    private func configuration(_ major: Int, _ minor: Int) -> ContainerdConfiguration {
        var options = ContainerdOptions()
        options.restrictsOOMScore = true
        var auth = Registries.Auth()
        auth.username = "node"
        auth.password = "secret"
        options.registries.configs["registry.example:5000"] = Registries.HostOptions(auth: auth)
        return ContainerdConfiguration(
            version: ContainerdVersion(major: major, minor: minor), layout: ContainerdLayout(),
            options: options,
            runc: "/usr/sbin/runc", cniFolders: ["/usr/lib/cni", "/opt/cni/bin"])
    }

    @Test func `systemd makes the groups of every runtime, or of none`() {
        var options = ContainerdOptions()
        options.usesSystemdCgroups = true
        for major in [1, 2] {
            let text = ContainerdConfiguration(
                version: ContainerdVersion(major: major, minor: 0), layout: ContainerdLayout(), options: options,
                runc: "/usr/sbin/runc", cniFolders: []
            ).text
            #expect(text.contains("SystemdCgroup = true") && !text.contains("SystemdCgroup = false"))
        }
    }

    @Test(arguments: [(false, false, nil), (true, false, false), (true, true, true)] as [(Bool, Bool, Bool?)])
    func `in a user namespace there is no AppArmor, and maybe no control group`(
        isWithin: Bool, hasNone: Bool, isDisabled: Bool?
    ) {
        var options = ContainerdOptions()
        (options.isInUserNamespace, options.hasNoCgroups) = (isWithin, hasNone)
        for (major, plugin) in [(1, "io.containerd.grpc.v1.cri"), (2, "io.containerd.cri.v1.runtime")] {
            let text = ContainerdConfiguration(
                version: ContainerdVersion(major: major, minor: 0), layout: ContainerdLayout(), options: options,
                runc: "/usr/sbin/runc", cniFolders: []
            ).text
            // Of the plug-in that makes containers.
            let section = text.split(separator: "[plugins.").first { $0.hasPrefix("\"\(plugin)\"]\n") } ?? ""
            #expect(section.contains("disable_apparmor = true\n") == isWithin)
            #expect(section.contains("disable_cgroup = \(isDisabled ?? false)\n") == (isDisabled != nil))
        }
    }

    @Test func `containerd 1 reads version 2`() {
        #expect(
            configuration(1, 6).text == #"""
                # Written by k3s at each start; changes here are lost. Add files to \#
                /var/lib/rancher/k3s/agent/etc/containerd/config.toml.d.
                version = 2
                root = "/var/lib/rancher/k3s/agent/containerd"
                state = "/run/k3s/containerd"
                imports = ["/var/lib/rancher/k3s/agent/etc/containerd/config.toml.d/*.toml"]

                [grpc]
                address = "/run/k3s/containerd/containerd.sock"

                [plugins."io.containerd.gc.v1.scheduler"]
                pause_threshold = 0.0001
                deletion_threshold = 1
                schedule_delay = "1s"

                [plugins."io.containerd.grpc.v1.cri"]
                stream_server_address = "127.0.0.1"
                stream_server_port = "10010"
                enable_selinux = false
                enable_unprivileged_ports = true
                enable_unprivileged_icmp = true
                restrict_oom_score_adj = true
                sandbox_image = "rancher/mirrored-pause:3.10.2"
                stats_collect_period = 60

                [plugins."io.containerd.grpc.v1.cri".cni]
                bin_dir = "/usr/lib/cni"
                conf_dir = "/var/lib/rancher/k3s/agent/etc/cni/net.d"

                [plugins."io.containerd.grpc.v1.cri".containerd]
                snapshotter = "overlayfs"
                default_runtime_name = "runc"

                [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
                runtime_type = "io.containerd.runc.v2"

                [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
                BinaryName = "/usr/sbin/runc"
                SystemdCgroup = false

                [plugins."io.containerd.grpc.v1.cri".registry]
                config_path = "/var/lib/rancher/k3s/agent/etc/containerd/certs.d"

                [plugins."io.containerd.grpc.v1.cri".registry.configs."registry.example:5000".auth]
                username = "node"
                password = "secret"

                """#)
    }

    @Test func `containerd 2 reads version 3`() {
        let text = configuration(2, 1).text
        for line in [
            "version = 3", #"[plugins."io.containerd.cri.v1.images".pinned_images]"#,
            #"sandbox = "rancher/mirrored-pause:3.10.2""#, #"bin_dirs = ["/usr/lib/cni", "/opt/cni/bin"]"#,
            #"[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]"#,
            #"[plugins."io.containerd.cri.v1.images".registry]"#,
        ] {
            #expect(text.contains(line + "\n"), "\(line)")
        }
        #expect(text.contains("/config-v3.toml.d/*.toml"))
        #expect(configuration(2, 0).text.contains("bin_dir = \"/usr/lib/cni\"\n"))
    }

    @Test(
        arguments: [
            ("containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1+deb12u3\n", (1, 6)),
            (
                "containerd github.com/containerd/containerd v1.7.27 05044ec0a9a75232cad458027ca83437aae3f4da",
                (1, 7)
            ),
            ("containerd github.com/containerd/containerd/v2 v2.1.4-k3s1 abc", (2, 1)),
            ("containerd containerd.io 2.0-rc1", (2, 0)),
        ] as [(String, (Int, Int))])
    func `every builder's version is read`(output: String, version: (Int, Int)) {
        #expect(ContainerdVersion(output: output) == ContainerdVersion(major: version.0, minor: version.1))
    }

    @Test(arguments: ["", "containerd", "containerd a b", "runc version 1.1.5 x"])
    func `what is no version is none`(output: String) {
        #expect(ContainerdVersion(output: output) == nil)
    }

    @Test func `values are written as TOML wants them`() {
        var toml = TOML(comment: "test")
        toml.set("a.b", .string("quote \" slash \\ line\n bell \u{7}"))
        toml.table("x y", "z")
        toml.set("real", .real(0.0001))
        #expect(
            toml.text == #"""
                # test
                "a.b" = "quote \" slash \\ line\n bell \u0007"

                ["x y".z]
                real = 0.0001

                """#)
    }

    @Test func `a template may build on our text`() throws {
        let template = ContainerdTemplate(
            "first\n{{ template \"base\" . }}\n[more]\n{{- template \"base\" . -}}")
        #expect(try template.render(base: "BASE", path: "t") == "first\nBASE\n[more]\nBASE")
        #expect(try ContainerdTemplate("plain").render(base: "BASE", path: "t") == "plain")
    }

    @Test func `a template that does more is refused with its place`() {
        let template = ContainerdTemplate("a {{ if .IsRunningInUserNS }} b {{ end }}")
        let fault = #expect(throws: Fault.self) { try template.render(base: "", path: "/x/config.toml.tmpl") }
        #expect(fault?.summary == "/x/config.toml.tmpl: {{ if .IsRunningInUserNS }} is not supported in it")
    }

    @Test func `containerd's environment is its own`() {
        let launch = ContainerdLaunch(
            layout: ContainerdLayout(),
            programs: ContainerdPrograms(
                containerd: "/usr/bin/containerd", shim: "/usr/bin/shim", runc: "/opt/runc/runc", ctr: nil,
                cniFolders: []),
            environment: [
                "PATH": "/usr/bin", "NOTIFY_SOCKET": "/run/s", "CONTAINERD_HTTP_PROXY": "http://p",
                "HOME": "/root",
                "CONTAINERD_LOG_LEVEL": "debug", "HTTP_PROXY": "http://other",
            ])
        #expect(
            launch.command.environment
                == ["PATH": "/usr/bin:/opt/runc", "HTTP_PROXY": "http://p", "HOME": "/root"])
        #expect(launch.command.arguments.suffix(2) == ["--log-level", "debug"])
    }
}
