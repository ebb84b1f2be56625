import Addons
import Glibc
import Host
import Support
import Testing

/// What goes with a volume of type `hostPath`.
@Suite struct TemporaryFolderTests {
    @Test func `a folder goes with all that is in it, and nothing beside it`() async throws {
        let root = try makeTemporaryDirectory()
        for name in ["a", "a/b", "a/b/c", "a/d"] { mkdir(root + "/" + name, 0o755) }
        try await TemporaryFolders.remove("a/b", beneath: root)
        #expect(access(root + "/a/b", F_OK) != 0)
        #expect(access(root + "/a/d", F_OK) == 0)
        try await TemporaryFolders.remove("a/none", beneath: root)
        try await TemporaryFolders.remove("none/at/all", beneath: root)
        try await TemporaryFolders.remove("a", beneath: root)
        #expect(access(root + "/a", F_OK) != 0)
        try Files.remove(root)
    }

    @Test func `no link leads out`() async throws {
        let (root, other) = (try makeTemporaryDirectory(), try makeTemporaryDirectory())
        mkdir(other + "/kept", 0o755)
        symlink(other, root + "/link")
        await #expect(throws: Fault.self) { try await TemporaryFolders.remove("link/kept", beneath: root) }
        #expect(access(other + "/kept", F_OK) == 0)
        // The link itself may go.
        try await TemporaryFolders.remove("link", beneath: root)
        #expect(access(root + "/link", F_OK) != 0 && access(other + "/kept", F_OK) == 0)
        try Files.remove(root)
        try Files.remove(other)
    }
}
