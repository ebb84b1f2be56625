import API
import APIMachinery
import Host
import Support
import Testing

@testable import Kubelet

@Suite struct AtomicFolderTests {
    private static func payload(_ texts: [String: String], mode: FileMode = 0o644) -> Payload {
        Payload(files: texts.mapValues { Payload.File(bytes: Array($0.utf8), mode: mode) })
    }

    /// Names that the kubelet keeps for itself.
    private static func bookkeeping(_ path: String) throws -> [String] {
        try Files.list(path).filter { $0.hasPrefix("..") }
    }

    @Test func `files appear through links, in the layout users know`() async throws {
        try await VolumeWorld.run { world in
            let folder = AtomicFolder(path: world.root, ownership: nil)
            let now = Timestamp(seconds: 1_795_000_000)
            #expect(try folder.write(Self.payload(["key": "1", "dir/inner": "2"]), at: now))
            #expect(try world.content(world.root) == ["key": "1", "dir/inner": "2"])
            #expect(try Files.target(ofLink: world.root + "/key") == "..data/key")
            #expect(try Files.target(ofLink: world.root + "/dir") == "..data/dir")
            let data = try Files.target(ofLink: world.root + "/..data")
            #expect(data.hasPrefix("..2026_11_18_11_06_40."), "\(data)")
            #expect(try Files.status(of: world.root + "/key").mode == 0o644)
        }
    }

    @Test func `equal content writes nothing`() async throws {
        try await VolumeWorld.run { world in
            let folder = AtomicFolder(path: world.root, ownership: nil)
            try folder.write(Self.payload(["key": "1"]))
            let before = try Files.target(ofLink: world.root + "/..data")
            let modified = try Files.status(of: world.root).modified
            #expect(try !folder.write(Self.payload(["key": "1"])))
            #expect(try Files.target(ofLink: world.root + "/..data") == before)
            #expect(try Files.status(of: world.root).modified == modified)
            #expect(try folder.write(Self.payload(["key": "1"], mode: 0o600)), "a mode is content too")
        }
    }

    @Test func `a reader that entered the old content keeps it whole`() async throws {
        try await VolumeWorld.run { world in
            let folder = AtomicFolder(path: world.root, ownership: nil)
            try folder.write(Self.payload(["a": "old", "b": "old"]))
            let old = try Files.resolve(world.root + "/..data")
            let reader = try Files.reference("a", beneath: old)
            #expect(try folder.write(Self.payload(["a": "new", "c": "new"])))
            #expect(try Files.readText(reader.procPath) == "old")
            #expect(try world.content(world.root) == ["a": "new", "c": "new"])
            #expect(!Files.exists(old), "the old content is not kept")
            #expect(try Self.bookkeeping(world.root).count == 2)
        }
    }

    /// What a kubelet that was killed may leave behind.
    private static let wreckage: [(name: String, make: @Sendable (String) throws -> Void)] = [
        (
            "a folder half filled",
            { root in
                try Files.makeDirectory(root + "/..2026_01_01_00_00_00.7")
                try Files.append([1], to: root + "/..2026_01_01_00_00_00.7/key")
            }
        ),
        (
            "links without data",
            { root in try Files.makeSymbolicLink(at: root + "/other", to: "..data/other") }
        ),
        (
            "a link not yet renamed",
            { root in
                try Files.makeSymbolicLink(at: root + "/..data_tmp", to: "..2026_01_01_00_00_00.7")
            }
        ),
        (
            "data that leads nowhere",
            { root in
                if Files.exists(root + "/..data") { try Files.remove(Files.resolve(root + "/..data")) }
            }
        ),
        (
            "a torn file",
            { root in
                if Files.exists(root + "/key") { try Files.writeInPlace("", to: root + "/key") }
            }
        ),
        ("a link lost", { root in try Files.remove(root + "/key") }),
    ]

    @Test(arguments: wreckage.indices, [true, false])
    func `after a crash the next write completes or undoes`(index: Int, isFirst: Bool) async throws {
        try await VolumeWorld.run { world in
            let folder = AtomicFolder(path: world.root, ownership: nil)
            if !isFirst { try folder.write(Self.payload(["key": "1", "gone": "2"])) }
            try Self.wreckage[index].make(world.root)
            try folder.write(Self.payload(["key": "1"]))
            #expect(try world.content(world.root) == ["key": "1"], "\(Self.wreckage[index].name)")
            #expect(try Self.bookkeeping(world.root).count == 2)
            #expect(try Files.list(world.root).count == 3)
        }
    }

    @Test(arguments: ["../up", "a/../b", "/abs", "..data", "a//b", "a/./b", "", "..2026"])
    func `paths that lead astray are refused`(path: String) async throws {
        try await VolumeWorld.run { world in
            let folder = AtomicFolder(path: world.root, ownership: nil)
            #expect(throws: Fault.self) { try folder.write(Self.payload([path: "x"])) }
            let left = try world.content(world.root)
            #expect(left == [:])
        }
    }

    @Test func `with fsGroup the group may read, and passes itself on`() async throws {
        try await VolumeWorld.run { world in
            var pod = try world.pod("[]", more: "{securityContext: {fsGroup: 2000}}")
            pod.metadata.uid = "x"
            let folder = AtomicFolder(
                path: world.root, ownership: VolumeOwnership(pod, isReadOnly: true))
            try folder.write(Self.payload(["d/key": "1"], mode: 0o400))
            let file = try Files.status(of: world.root + "/d/key")
            #expect(file.mode == 0o440 && file.owner.group == 2000)
            for path in ["", "/..data", "/d"] {
                let status = try Files.status(of: world.root + path)
                #expect(status.mode == 0o2755 && status.owner.group == 2000, "\(path) \(status.mode)")
            }
            #expect(try !folder.write(Self.payload(["d/key": "1"], mode: 0o400)))
        }
    }
}
