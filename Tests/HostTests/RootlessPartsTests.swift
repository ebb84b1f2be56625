import Glibc
import Support
import Synchronization
import Testing

@testable import Host

/// What a program needs that works in namespaces of its own.
@Suite struct RootlessPartsTests {
    // MARK: Namespaces

    @Test func `a child begins in namespaces of its own, as soon as its ids are written`() async throws {
        let (reading, writing) = try Descriptor.pipe()
        var command = Command(
            "/bin/sh", ["-c", "echo $$ $(id -u) $(ls /sys/class/net | wc -l) $(cat /proc/1/comm)"])
        command.namespaces = [.users, .mounts, .network, .processes, .hostName, .communication, .cgroups]
        command.output = .descriptor(writing)
        command.parentDeathSignal = .kill
        let first = Mutex<Int32>(0)
        let child = try await command.start(recording: { (identity) async throws(Fault) in
            first.withLock { $0 = identity.pid }
            // Nothing runs yet, so that there is time for what takes time.
            try await BlockingWork.run { () throws(Fault) in
                for file in ["uid_map", "gid_map"] {
                    try Files.writeInPlace("0 100000 1000\n", to: "/proc/\(identity.pid)/\(file)")
                }
            }
        })
        #expect(try await child.wait().isSuccess)
        #expect(first.withLock { $0 } == child.pid)
        let words = String(decoding: try reading.read(upTo: 100), as: UTF8.self).split(separator: " ")
        #expect(words.first == "1", "it is the first of its processes")
        #expect(words.last == "sh\n", "its /proc tells of them")
        // Root of the machine is nobody there.
        #expect(words.dropFirst().first == "65534")
    }

    @Test(arguments: [
        ("         0          0 4294967295\n", false), ("0 1000 1\n1 100000 65536\n", true), ("", true),
        ("0 0 65536\n", true),
    ])
    func `a user namespace is told by its ids`(map: String, isOwn: Bool) {
        #expect(UserNamespace.isOwn(idMap: map) == isOwn)
    }

    // MARK: Programs that say when they are ready

    @Test func `a program is waited for until it says that it is ready`() async throws {
        let child = try await Command("/bin/sh", ["-c", "echo 1 >&3; exec sleep 60"]).startUntilReady()
        #expect(child.identity?.isRunning == true)
        try child.send(.kill)
        #expect(try await child.wait() == .signalled(.kill))
    }

    @Test(arguments: ["exit 3", "exec 3>&-; exec sleep 60"])
    func `one that is silent is a fault, and gone`(script: String) async throws {
        let fault = await #expect(throws: Fault.self) {
            try await Command("/bin/sh", ["-c", script]).startUntilReady()
        }
        #expect(fault?.summary.hasPrefix("/bin/sh did not come so far as to work") == true)
    }

    // MARK: Sockets of another namespace

    /// With a lender that works in this namespace, and its end.
    private func withLender(_ body: (Descriptor) async throws -> Void) async throws {
        let (lender, borrower) = try HostSockets.pair()
        let lending = Task { try await HostSockets.lend(over: lender) }
        do { try await body(borrower) } catch {
            lending.cancel()
            throw error
        }
        lending.cancel()
        _ = await lending.result
    }

    private func port(of socket: Descriptor) throws -> UInt16 {
        var (name, length) = (sockaddr_in(), socklen_t(MemoryLayout<sockaddr_in>.size))
        let result = withUnsafeMutablePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getsockname(socket.number, $0, &length)
            }
        }
        try #require(result == 0)
        return UInt16(bigEndian: name.sin_port)
    }

    @Test func `a socket is lent once, and its port is free again afterwards`() async throws {
        try await withLender { borrower in
            let free = LentPort(.tcp, .v4(0x7f00_0001), 0)
            let socket = try await HostSockets.borrow(free, over: borrower)
            let taken = LentPort(.tcp, .v4(0x7f00_0001), try port(of: socket))
            let fault = await #expect(throws: Fault.self) {
                try await HostSockets.borrow(taken, over: borrower)
            }
            #expect(fault?.code == .conflict && fault?.summary.contains("127.0.0.1:\(taken.port)") == true)
            // Two wait for their answers at once, and each gets its own.
            async let one = HostSockets.borrow(free, over: borrower)
            async let two = HostSockets.borrow(LentPort(.udp, .v4(0x7f00_0001), 0), over: borrower)
            var (kind, length) = (Int32(0), socklen_t(MemoryLayout<Int32>.size))
            for (socket, wanted) in [(try await one, SOCK_STREAM), (try await two, SOCK_DGRAM)] {
                getsockopt(socket.number, SOL_SOCKET, SO_TYPE, &kind, &length)
                #expect(kind == Int32(wanted.rawValue))
            }
            socket.stopListening()
            #expect(try await socket.accept() == nil)
            withExtendedLifetime(socket) {}
        }
    }

    @Test func `connections of a lent socket are accepted`() async throws {
        try await withLender { borrower in
            let socket = try await HostSockets.borrow(LentPort(.tcp, .v4(0x7f00_0001), 0), over: borrower)
            async let accepted = socket.accept()
            let caller = try NetworkNamespace.current().connect(toLoopback: try port(of: socket))
            let connection = try #require(try await accepted)
            #expect(write(caller, "x", 1) == 1)
            var byte = UInt8(0)
            #expect(read(connection, &byte, 1) == 1 && byte == UInt8(ascii: "x"))
            close(caller)
            close(connection)
        }
    }

    @Test func `an address of somebody else, and a lender that is gone, are told`() async throws {
        try await withLender { borrower in
            let foreign = LentPort(.tcp, .v4(0xc000_0201), 0)
            let fault = await #expect(throws: Fault.self) {
                try await HostSockets.borrow(foreign, over: borrower)
            }
            #expect(fault?.code == .invalid)
        }
        var ends: (lender: Descriptor, borrower: Descriptor)? = try HostSockets.pair()
        let borrower = try #require(ends?.borrower)
        ends = nil
        let fault = await #expect(throws: Fault.self) {
            try await HostSockets.borrow(LentPort(.tcp, .v4(0), 0), over: borrower)
        }
        #expect(fault?.summary.contains("sockets of the host") == true)
    }

    @Test(arguments: [
        ("tcp 0.0.0.0 6443", true), ("udp :: 53", true), ("tcp 0.0.0.0 65536", false),
        ("sctp 0.0.0.0 1", false),
        ("tcp 0.0.0.0", false), ("", false), ("tcp localhost 80", false),
    ])
    func `ports are read as they are printed`(text: String, isOne: Bool) {
        #expect(LentPort(text)?.description == (isOne ? text : nil))
    }

    // MARK: Control groups

    @Test(
        arguments: [
            ("0::/user.slice/user-1000.slice/k3s.service\n", "/user.slice/user-1000.slice/k3s.service"),
            ("12:cpu,cpuacct:/a\n1:name=systemd:/b\n0::/\n", "/"), ("4:memory:/a\n", nil), ("", nil),
        ] as [(String, String?)])
    func `the group of cgroup v2 is found`(text: String, path: String?) {
        #expect(CgroupDelegation.path(in: text) == path)
    }

    @Test func `a group is emptied into one below, and hands its controllers down`() async throws {
        let root = try #require(try Mounts.all().first { $0.type == "cgroup2" }?.path)
        let directory = "\(root)/host-test-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        try Files.makeDirectory(directory)
        let child = try await Command("sleep", ["60"]).start()
        try Files.writeInPlace("\(child.pid)", to: directory + "/cgroup.procs")
        let words = try Files.readText(directory + "/cgroup.controllers").split(
            whereSeparator: \.isWhitespace)
        let controllers = Set(words.map(String.init))
        try CgroupDelegation(directory: directory, controllers: controllers, isWritable: true).evacuate(
            into: "below")
        #expect(try Files.readText(directory + "/cgroup.procs").isEmpty)
        #expect(try Files.readText(directory + "/below/cgroup.procs") == "\(child.pid)\n")
        let handed = try Files.readText(directory + "/cgroup.subtree_control").split(
            whereSeparator: \.isWhitespace)
        #expect(Set(handed.map(String.init)) == controllers)
        try child.send(.kill)
        _ = try await child.wait()
        #expect(rmdir(directory + "/below") == 0 && rmdir(directory) == 0)
    }

    // MARK: Files

    @Test func `names may be taken away and added in a directory that was copied up`() throws {
        try withMountNamespace { directory in
            try Files.makeDirectory(directory + "/etc/inner")
            try Files.write("text", to: directory + "/etc/file")
            try Files.makeSymbolicLink(at: directory + "/etc/link", to: "../beside")
            try Files.write("beside", to: directory + "/beside")
            try Files.makeSymbolicLink(at: directory + "/alias", to: "etc")
            try Mounts.copyUp(directory + "/etc")
            try Mounts.copyUp(directory + "/alias")
            try Mounts.copyUp(directory + "/nowhere")
            #expect(try Files.list(directory + "/etc") == [Mounts.original, "file", "inner", "link"])
            #expect(try Files.readText(directory + "/etc/file") == "text")
            #expect(try Files.readText(directory + "/etc/link") == "beside")
            try Files.write("new", to: directory + "/etc/inner/new")
            try Files.remove(directory + "/etc/file")
            try Files.write("other", to: directory + "/etc/added")
            try Mounts.unmount(directory + "/etc", lazy: true)
            #expect(try Files.list(directory + "/etc") == ["file", "inner", "link"])
            #expect(try Files.list(directory + "/etc/inner") == ["new"])
        }
    }
}
