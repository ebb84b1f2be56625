import API
import APIMachinery
import Glibc
import Host
import Runtime
import Support
import Testing

@testable import Kubelet

/// Paths that pods name: types of hostPaths, parts of volumes, ownership.
@Suite struct PathTests {
    @Test(arguments: [
        ("", "none", true), ("Directory", "dir", true), ("Directory", "file", false),
        ("Directory", "none", false),
        ("DirectoryOrCreate", "dir", true), ("DirectoryOrCreate", "new/deep", true),
        ("DirectoryOrCreate", "file", false), ("File", "file", true), ("File", "dir", false),
        ("FileOrCreate", "file", true), ("FileOrCreate", "fresh", true), ("FileOrCreate", "dir", false),
        ("FileOrCreate", "none/fresh", false), ("Socket", "socket", true), ("Socket", "file", false),
        ("CharDevice", "/dev/null", true), ("CharDevice", "file", false), ("BlockDevice", "/dev/null", false),
        ("Directory", "link", true),
    ])
    func `a hostPath is of the type that was asked for`(type: String, path: String, isFine: Bool) async throws
    {
        try await VolumeWorld.run { world in
            try Files.makeDirectory(world.root + "/dir")
            try Files.append([], to: world.root + "/file")
            try Files.makeSymbolicLink(at: world.root + "/link", to: "dir")
            _ = mknod(world.root + "/socket", S_IFSOCK | 0o600, 0)
            var source = HostPathVolumeSource()
            source.path = path.hasPrefix("/") ? path : world.root + "/" + path
            source.type = type
            if isFine {
                try HostPathCheck.prepare(source)
                if type.hasPrefix("FileOr") { #expect(try Files.status(of: source.path).kind == .regular) }
                if type.hasPrefix("DirectoryOr") { #expect(try Files.status(of: source.path).mode == 0o755) }
            } else {
                let fault = #expect(throws: Fault.self) { try HostPathCheck.prepare(source) }
                #expect(fault?.code == .notFound)
            }
        }
    }

    @Test(arguments: ["../secret", "up/secret", "abs/secret", "/etc", "a/../../secret", "loop"])
    func `a subPath never leads out of its volume`(path: String) async throws {
        try await VolumeWorld.run { world in
            let volume = world.root + "/volume"
            try Files.makeDirectory(volume)
            try Files.append([], to: world.root + "/secret")
            try Files.makeSymbolicLink(at: volume + "/up", to: "..")
            try Files.makeSymbolicLink(at: volume + "/abs", to: world.root)
            try Files.makeSymbolicLink(at: volume + "/loop", to: "loop")
            let target = world.root + "/target/0"
            let part = SubPath(path: path, volume: volume, target: target)
            let fault = #expect(throws: Fault.self) { try part.bind() }
            #expect(fault?.code == .denied || fault?.code == .invalid)
            #expect(try !Mounts.isMountPoint(target))
        }
    }

    @Test func `a subPath is made with the volume's mode, and links within the volume are followed`()
        async throws
    {
        try await VolumeWorld.run { world in
            let (volume, target) = (world.root + "/volume", world.root + "/target")
            try Files.makeDirectory(volume, mode: 0o2775)
            try SubPath(path: "a/b", volume: volume, target: target + "/0").bind()
            #expect(try Files.status(of: volume + "/a/b").mode == 0o2775)
            try Files.append([65], to: target + "/0/file")
            #expect(try Files.readText(volume + "/a/b/file") == "A")

            try Files.makeSymbolicLink(at: volume + "/link", to: "a/b/file")
            try SubPath(path: "link", volume: volume, target: target + "/1").bind()
            #expect(try Files.readText(target + "/1") == "A")
        }
    }

    @Test func `a part that was replaced is bound anew, one that was not stays`() async throws {
        try await VolumeWorld.run { world in
            let (volume, target) = (world.root + "/volume", world.root + "/target")
            try Files.makeDirectory(volume)
            try Files.append([65], to: volume + "/key")
            let part = SubPath(path: "key", volume: volume, target: target)
            try part.bind()
            let mounts = try Mounts.all().filter { $0.path == target }.map(\.id)
            try part.bind()
            #expect(try Mounts.all().filter { $0.path == target }.map(\.id) == mounts)

            try Files.append([66], to: volume + "/next")
            try Files.rename(volume + "/next", to: volume + "/key")
            try part.bind()
            #expect(try Files.readText(target) == "B")
            #expect(try Mounts.all().filter { $0.path == target }.count == 1)
        }
    }

    @Test func `fsGroup changes a tree, and with OnRootMismatch only once`() async throws {
        try await VolumeWorld.run { world in
            let pod = try world.pod("[]", more: "{securityContext: {fsGroup: 2000}}")
            let ownership = try #require(VolumeOwnership(pod, isReadOnly: false))
            let tree = world.root + "/tree"
            try Files.makeDirectory(tree + "/dir", mode: 0o700)
            try Files.append([], to: tree + "/dir/file", mode: 0o600)
            try Files.append([], to: world.root + "/outside", mode: 0o600)
            try Files.makeSymbolicLink(at: tree + "/link", to: "../outside")

            try ownership.applyToTree(tree, onlyOnMismatch: true)
            #expect(try Files.status(of: tree).mode == 0o2770)
            #expect(try Files.status(of: tree + "/dir").mode == 0o2770)
            let file = try Files.status(of: tree + "/dir/file")
            #expect(file.mode == 0o660 && file.owner == FileOwner(user: 0, group: 2000))
            let outside = try Files.status(of: world.root + "/outside")
            #expect(outside.mode == 0o600 && outside.owner.group == 0, "a link is not followed")

            try Files.append([], to: tree + "/late")
            try Files.setMode(0o600, of: tree + "/late")
            try ownership.applyToTree(tree, onlyOnMismatch: true)
            #expect(try Files.status(of: tree + "/late").mode == 0o600)
            try ownership.applyToTree(tree, onlyOnMismatch: false)
            #expect(try Files.status(of: tree + "/late").mode == 0o660)
        }
    }

    @Test func `mounts of a container are told as the runtime wants them`() async throws {
        try await VolumeWorld.run { world in
            world.configMap("conf", [:])
            let pod = try world.pod("[{name: e, emptyDir: {}}, {name: c, configMap: {name: conf}}]")
            let volumes = try await world.volumes.mount(pod)
            func mounts(_ text: String) throws -> [CRI.Mount] {
                var container = Container(name: "main")
                container.value["volumeMounts"] = try YAML.document(text)
                return try world.volumes.mounts(
                    of: container, in: pod, volumes, environment: ["POD": "web-0"])
            }
            let plain = try mounts(
                """
                - {name: e, mountPath: /e, mountPropagation: HostToContainer}
                - {name: e, mountPath: relative, readOnly: true}
                - {name: c, mountPath: /c}
                - {name: e, mountPath: /x, subPathExpr: logs/$(POD)}
                """)
            let empty = try #require(volumes.path(of: "e"))
            var first = CRI.Mount(empty, at: "/e", propagation: .hostToContainer)
            first.selinuxRelabel = true
            #expect(plain[0] == first)
            #expect(plain[1] == CRI.Mount(empty, at: "/relative", readonly: true))
            #expect(plain[2].readonly, "what is made from objects is never written by containers")
            #expect(plain[3].hostPath == world.layout.pod(pod.metadata.uid) + "/volume-subpaths/e/main/3")
            #expect(Files.exists(empty + "/logs/web-0"))
            for wrong in ["subPathExpr: $(NONE)", "subPath: ../x", "mountPropagation: Sideways"] {
                let fault = #expect(throws: Fault.self) { try mounts("[{name: e, mountPath: /e, \(wrong)}]") }
                #expect(fault?.code == .invalid)
            }
        }
    }
}

extension Container {
    init(name: String) {
        self.init()
        self.name = name
    }
}
