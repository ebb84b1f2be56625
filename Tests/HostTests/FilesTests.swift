import Glibc
import Support
import Testing

@testable import Host

@Suite struct FilesTests {
    @Test func `what is written is read, with its mode and owner`() throws {
        try withTemporaryDirectory { directory in
            let path = directory + "/secret"
            try Files.write("first", to: path)
            try Files.write("second", to: path, mode: 0o640, owner: FileOwner(user: 12, group: 34))
            #expect(try Files.readText(path) == "second")
            let status = try Files.status(of: path)
            #expect(status.mode == 0o640)
            #expect(status.owner == FileOwner(user: 12, group: 34))
            #expect(status.size == ByteCount(6))
            #expect(try Files.list(directory) == ["secret"], "no temporary file is left")
        }
    }

    @Test func `the beginning and the end of a file are read alone`() throws {
        try withTemporaryDirectory { directory in
            let path = directory + "/log"
            try Files.write("0123456789", to: path)
            #expect(try Files.readBeginning(path, 3) == Array("012".utf8))
            #expect(try Files.readEnd(path, 3) == Array("789".utf8))
            #expect(try Files.readEnd(path, 20) == Array("0123456789".utf8))
        }
    }

    @Test func `a failed write leaves the old content and nothing else`() throws {
        try withTemporaryDirectory { directory in
            // A directory that is not empty cannot be renamed over.
            try Files.makeDirectory(directory + "/taken/inside")
            #expect(throws: Fault.self) { try Files.write("text", to: directory + "/taken") }
            #expect(try Files.list(directory) == ["taken"])
        }
    }

    @Test func `a symbolic link is replaced by a write, not followed`() throws {
        try withTemporaryDirectory { directory in
            try Files.write("precious", to: directory + "/target")
            try Files.makeSymbolicLink(at: directory + "/link", to: "target")
            #expect(try Files.target(ofLink: directory + "/link") == "target")
            try Files.write("new", to: directory + "/link")
            #expect(try Files.readText(directory + "/target") == "precious")
            #expect(try Files.status(of: directory + "/link", followingLinks: false).kind == .regular)
        }
    }

    @Test func `a directory cannot be made where the system makes none`() {
        #expect(throws: Fault.self) { try Files.makeDirectory("/proc/nowhere/a") }
    }

    @Test func `directories are made all the way, with the mode that was asked for`() throws {
        try withTemporaryDirectory { directory in
            let before = umask(0o077)
            defer { umask(before) }
            try Files.makeDirectory(directory + "/a/b/c", mode: 0o755)
            try Files.makeDirectory(directory + "/a/b/c", mode: 0o700)
            #expect(try Files.status(of: directory + "/a/b/c").mode == 0o755)
            try Files.write("", to: directory + "/file")
            let fault = #expect(throws: Fault.self) { try Files.makeDirectory(directory + "/file") }
            #expect(fault?.errno == Errno(ENOTDIR))
        }
    }

    @Test func `a fault says what was tried, and its code what to do about it`() {
        let fault = #expect(throws: Fault.self) { try Files.readText("/nowhere/at/all") }
        #expect(fault?.code == .notFound)
        #expect(fault?.summary == "cannot read /nowhere/at/all: No such file or directory")
    }

    @Test func `a file beyond the limit is refused`() throws {
        try withTemporaryDirectory { directory in
            try Files.write([UInt8](repeating: 7, count: 1025), to: directory + "/large")
            let fault = #expect(throws: Fault.self) {
                try Files.read(directory + "/large", limit: .kibibytes(1))
            }
            #expect(fault?.code == .full)
            #expect(try Files.read(directory + "/large", limit: .kibibytes(2)).count == 1025)
        }
    }

    @Test func `removal takes a tree and never follows a link out of it`() throws {
        try withTemporaryDirectory { directory in
            try Files.makeDirectory(directory + "/outside")
            try Files.write("precious", to: directory + "/outside/file")
            try Files.makeDirectory(directory + "/tree/deep/er")
            try Files.makeSymbolicLink(at: directory + "/tree/deep/link", to: directory + "/outside")
            try Files.write("x", to: directory + "/tree/deep/er/file", mode: 0)
            try Files.remove(directory + "/tree")
            try Files.remove(directory + "/tree")
            try Files.remove(directory + "/no/such/parent")
            #expect(try Files.list(directory) == ["outside"])
            #expect(try Files.readText(directory + "/outside/file") == "precious")
        }
    }

    @Test func `removal stops at what is mounted below, even from the same file system`() throws {
        try withMountNamespace { directory in
            try Files.makeDirectory(directory + "/volume")
            try Files.write("precious", to: directory + "/volume/data")
            try Files.makeDirectory(directory + "/pod/mounted")
            try Mounts.bind(directory + "/volume", at: directory + "/pod/mounted")
            let fault = #expect(throws: Fault.self) { try Files.remove(directory + "/pod") }
            #expect(fault?.code == .conflict)
            #expect(try Files.readText(directory + "/volume/data") == "precious")
            try Mounts.unmount(directory + "/pod/mounted")
            try Files.remove(directory + "/pod")
        }
    }

    @Test func `free space is known`() throws {
        let space = try Files.space(at: "/")
        #expect(space.total > space.available)
        #expect(space.free >= space.available)
        #expect(space.inodes >= space.freeInodes)
    }

    @Test func `a lock has one holder, and is free when he is gone`() throws {
        try withTemporaryDirectory { directory in
            let path = directory + "/lock"
            var lock: LockFile? = try LockFile(path)
            let fault = #expect(throws: Fault.self) { try LockFile(path) }
            #expect(fault?.code == .conflict)
            #expect(fault?.summary == "\(path) is locked by another process (pid \(getpid()))")
            withExtendedLifetime(lock) {}
            lock = nil
            _ = try LockFile(path)
        }
    }

    @Test(arguments: [
        ("/a/b", "/a", "b"), ("/a/b/", "/a", "b"), ("/a", "/", "a"), ("a", ".", "a"), ("/", "/", "/"),
        ("//a", "/", "a"),
    ])
    func `a path has a parent and a name`(path: String, parent: String, name: String) {
        #expect(Path.parent(of: path) == parent)
        #expect(Path.name(of: path) == name)
    }

    @Test func `paths are joined with one slash, and a prefix of a name is not a parent`() {
        #expect(Path.join("/a", "b") == "/a/b")
        #expect(Path.join("/a/", "/b") == "/a/b")
        #expect(Path.isInside("/a/b", "/a"))
        #expect(!Path.isInside("/ab", "/a"))
        for (path, cleaned) in [
            ("/", "/"), ("", "/"), ("/a/./b//c/", "/a/b/c"), ("/../../a", "/a"), ("/a/../..", "/"), ("/a/..b/...", "/a/..b/..."),
        ] {
            #expect(Path.cleaned(path) == cleaned)
        }
    }
}
