import Host
import Support
import Testing

@testable import Runtime

@Suite struct ProcessTests {
    @Test func `pauses grow to a bound, and a good run forgives`() {
        var policy = RestartPolicy()
        let pauses = (0..<9).map { _ in policy.ended(after: .seconds(1)) }
        #expect(
            pauses == [.zero]
                + [100, 200, 400, 800, 1600, 3200, 6400, 10_000].map { Duration.milliseconds($0) })
        #expect(policy.ended(after: .seconds(30)) == .zero)
        #expect(policy.ended(after: .seconds(1)) == .milliseconds(100))
    }

    @Test func `a process is found again by its record, and only itself`() throws {
        let path = "/tmp/k3s-record-test-\(UInt64.random(in: 0...UInt64.max))"
        defer { try? Files.remove(path) }
        let own = try #require(ProcessIdentity(pid: Machine.processID))
        let record = ProcessRecord(identity: own, bootID: try Machine.bootID(), fingerprint: "f")
        #expect(ProcessRecord(json: record.json) == record)
        var timed = record
        timed.begun = Timestamp(seconds: 1_700_000_000, nanoseconds: 123_456_789)
        #expect(ProcessRecord(json: timed.json) == timed)
        try Files.write(record.json, to: path)
        #expect(ProcessRecord.running(at: path) == record)

        var other = record
        other.identity = ProcessIdentity(pid: own.pid, startTime: own.startTime + 1)
        try Files.write(other.json, to: path)
        #expect(ProcessRecord.running(at: path) == nil)
        other = record
        other.bootID = "another boot"
        try Files.write(other.json, to: path)
        #expect(ProcessRecord.running(at: path) == nil)
        try Files.write("{}", to: path)
        #expect(ProcessRecord.running(at: path) == nil)
    }

    @Test func `a fingerprint changes with the program and with what it is given`() throws {
        let path = "/tmp/k3s-fingerprint-test-\(UInt64.random(in: 0...UInt64.max))"
        defer { try? Files.remove(path) }
        try Files.write("one", to: path)
        let first = try ProcessRecord.fingerprint(executable: path, ["a", "b"])
        #expect(try ProcessRecord.fingerprint(executable: path, ["a", "b"]) == first)
        #expect(try ProcessRecord.fingerprint(executable: path, ["ab", ""]) != first)
        try Files.write("two", to: path)
        #expect(try ProcessRecord.fingerprint(executable: path, ["a", "b"]) != first)
    }

    @Test func `a full log begins anew and keeps the two before`() throws {
        let folder = "/tmp/k3s-log-test-\(UInt64.random(in: 0...UInt64.max))"
        try Files.makeDirectory(folder)
        defer { try? Files.remove(folder) }
        let log = BoundedLog(path: folder + "/log", limit: ByteCount(10))
        func write(_ text: String) throws {
            try Files.append(Array(text.utf8), to: log.path)
            try log.rotateIfNeeded()
        }
        try write("short")
        #expect(try Files.list(folder) == ["log"])
        for text in ["-and-long", "second-one", "third-one-", "4"] { try write(text) }
        #expect(try Files.readText(folder + "/log") == "4")
        #expect(try Files.readText(folder + "/log.1") == "third-one-")
        #expect(try Files.readText(folder + "/log.2") == "second-one")
        #expect(try Files.list(folder).count == 3)
    }

    @Test func `what is missing is named with its package`() throws {
        let folder = "/tmp/k3s-programs-test-\(UInt64.random(in: 0...UInt64.max))"
        try Files.makeDirectory(folder)
        defer { try? Files.remove(folder) }
        func find() throws(Fault) -> ContainerdPrograms {
            try ContainerdPrograms.find(in: [folder], cni: [folder])
        }
        func install(_ names: String...) throws {
            for name in names { try Files.write("", to: "\(folder)/\(name)", mode: 0o755) }
        }
        #expect(
            #expect(throws: Fault.self) { try find() }?.remedy?.contains("apt-get install containerd)")
                == true)
        try install("containerd", "containerd-shim-runc-v2")
        #expect(#expect(throws: Fault.self) { try find() }?.remedy?.contains("apt-get install runc)") == true)
        try install("runc", "bridge", "host-local")
        let fault = #expect(throws: Fault.self) { try find() }
        #expect(fault?.remedy?.contains("apt-get install containernetworking-plugins)") == true)
        try install("loopback")
        #expect(try find().cniFolders == [folder])
        #expect(try find().ctr == nil)
    }
}
