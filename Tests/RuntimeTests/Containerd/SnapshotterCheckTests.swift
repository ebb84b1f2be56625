import Host
import Logging
import Support
import Testing

@testable import Runtime

@Suite struct SnapshotterCheckTests {
    private static func with(_ body: (String) throws -> Void) throws {
        let folder = "/tmp/k3s-snapshotter-\(UInt32.random(in: 0...UInt32.max))"
        try Files.makeDirectory(folder)
        defer { try? Files.remove(folder) }
        try body(folder)
    }

    private static func summary(_ check: SnapshotterCheck, _ name: String, _ root: String) -> String? {
        do throws(Fault) { try check.check(name, root: root) } catch { return error.summary }
        return nil
    }

    @Test func `layers are tried where they will be`() throws {
        try Self.with { folder in
            // Memory can hold layers; what overlays lie on cannot.
            let memory = folder + "/memory"
            try Files.makeDirectory(memory)
            try Mounts.mountMemory(at: memory)
            defer { try? Mounts.unmountAll(below: memory) }
            #expect(Self.summary(SnapshotterCheck(), "overlayfs", memory + "/root") == nil)
            #expect(try Files.list(memory + "/root").isEmpty)
            #expect(Self.summary(SnapshotterCheck(), "native", memory + "/other") == nil)
            #expect(Files.exists(memory + "/other"))
        }
    }

    @Test func `where layers cannot be, k3s' own words say so`() {
        // No file can be made there, so nothing can be mounted.
        let summary = Self.summary(SnapshotterCheck(), "overlayfs", "/proc/k3s")
        #expect(summary != nil)
        let memory = "/dev/shm/k3s-no-btrfs-\(UInt32.random(in: 0...UInt32.max))"
        defer { try? Files.remove(memory) }
        let words = Self.summary(SnapshotterCheck(), "btrfs", memory)
        #expect(words?.hasPrefix("\"btrfs\" snapshotter cannot be enabled for \"/dev/shm/k3s-no-btrfs") == true)
        #expect(words?.hasSuffix("(tmpfs) must be a btrfs filesystem to be used with the btrfs snapshotter") == true)
    }

    @Test func `programs of their own must be there, and listen`() throws {
        try Self.with { folder in
            var check = SnapshotterCheck()
            check.path = folder + "/bin"
            check.sockets = ["stargz": folder + "/s.sock", "fuse-overlayfs": folder + "/f.sock"]
            #expect(
                Self.summary(check, "fuse-overlayfs", folder + "/root")
                    == "\"fuse-overlayfs\" snapshotter cannot be enabled for \"\(folder)/root\", try using \"native\": "
                    + "exec: \"fuse-overlayfs\": executable file not found in $PATH")
            try Files.makeDirectory(folder + "/bin")
            try Files.write("", to: folder + "/bin/fuse-overlayfs", mode: 0o755)
            #expect(Self.summary(check, "fuse-overlayfs", folder + "/root")?.contains("nothing listens on") == true)
            #expect(
                Self.summary(check, "stargz", folder + "/root")?.contains("try using \"overlayfs\" or \"native\": nothing")
                    == true)
            for name in ["s.sock", "f.sock"] { try Files.write("", to: folder + "/" + name, mode: 0o600) }
            #expect(Self.summary(check, "fuse-overlayfs", folder + "/root") == nil)
            #expect(Self.summary(check, "stargz", folder + "/root") == nil)
        }
    }
}

@Suite struct ExtraRuntimeTests {
    @Test func `runtimes are found by their programs, and one of them may be everybody's`() throws {
        let folder = "/tmp/k3s-runtimes-\(UInt32.random(in: 0...UInt32.max))"
        defer { try? Files.remove(folder) }
        try Files.makeDirectory(folder + "/b")
        for name in ["crun", "containerd-shim-spin-v2", "nvidia-container-runtime"] {
            try Files.write("", to: folder + "/b/" + name, mode: name.hasPrefix("nvidia") ? 0o644 : 0o755)
        }
        let found = ExtraRuntime.find(in: [folder + "/a", folder + "/b"])
        #expect(found.map(\.name) == ["crun", "spin"])
        #expect(found.map(\.type) == ["io.containerd.runc.v2", "io.containerd.spin.v2"])
        #expect(found.first?.program == folder + "/b/crun")
        var options = ContainerdOptions()
        try options.take(found, default: nil)
        #expect(options.defaultRuntime == "runc" && options.extraRuntimes == found)
        try options.take(found, default: "crun")
        #expect(options.defaultRuntime == "crun")
        try options.take(found, default: "runc")
        #expect(options.defaultRuntime == "runc")
        let fault = #expect(throws: Fault.self) { try options.take(found, default: "nvidia") }
        #expect(fault?.summary == "default runtime nvidia was not found")
    }

    @Test(arguments: [1, 2]) func `containerd is told of them`(major: Int) {
        var options = ContainerdOptions()
        options.extraRuntimes = [
            ExtraRuntime(name: "nvidia-cdi", type: "io.containerd.runc.v2", program: "/opt/nvidia")
        ]
        options.snapshotter = "stargz"
        let text = ContainerdConfiguration(
            version: ContainerdVersion(major: major, minor: 0), layout: ContainerdLayout(), options: options,
            runc: "/usr/sbin/runc", cniFolders: []
        ).text
        let plugin = major == 1 ? "io.containerd.grpc.v1.cri" : "io.containerd.cri.v1.runtime"
        #expect(
            text.contains(
                """
                [plugins."\(plugin)".containerd.runtimes.nvidia-cdi]
                runtime_type = "io.containerd.runc.v2"

                [plugins."\(plugin)".containerd.runtimes.nvidia-cdi.options]
                BinaryName = "/opt/nvidia"
                SystemdCgroup = false

                """))
        #expect(
            text.contains(
                """
                [proxy_plugins.stargz]
                type = "snapshot"
                address = "/run/containerd-stargz-grpc/containerd-stargz-grpc.sock"

                """))
        #expect(text.contains("snapshotter = \"stargz\"\ndisable_snapshot_annotations = false\n"))
    }
}
