import Glibc
import Support
import Testing

@testable import Host

@Suite struct CgroupsTests {
    @Test func `a group is made, limited, entered, measured and removed`() async throws {
        let group = Cgroup("host-test-\(getpid())-\(UInt32.random(in: 0...UInt32.max))", in: try .detect())
        defer { try? group.remove() }
        #expect(!group.exists)
        let inner = group.child("inner")
        try inner.create()
        try inner.create()
        #expect(group.exists && inner.exists)
        #expect(try group.children() == ["inner"])

        try group.setProcessorShares(512)
        try inner.setProcessorQuota(Cgroup.ProcessorQuota(quota: .milliseconds(50)))
        try inner.setProcessorQuota(nil)
        try inner.setMemoryLimit(.mebibytes(64))
        try inner.setProcessLimit(100)

        let child = try await Command("sleep", ["60"]).start()
        try inner.add(process: child.pid)
        #expect(try inner.processes() == [child.pid])
        #expect(try group.processes().isEmpty)
        #expect(try group.processes(recursive: true) == [child.pid])
        let usage = try inner.usage()
        #expect(usage.processCount == 1)
        #expect(usage.memory.limit == .mebibytes(64))
        #expect(usage.memory.workingSet <= usage.memory.usage)
        #expect(try group.usage().memory.limit == nil)
        let fault = #expect(throws: Fault.self) { try group.remove() }
        #expect(fault?.code == .conflict)

        async let ended = child.wait()
        try await group.killAll()
        #expect(try await ended == .signalled(.kill))
        try group.remove()
        try group.remove()
        #expect(!group.exists)
        #expect(throws: Fault.self) { try group.usage() }
    }

    @Test func `one tree per controller, one for all, or both are told apart`() {
        func mount(_ path: String, _ type: String, _ options: String) -> MountPoint? {
            MountPoint(line: "1 0 0:1 / \(path) rw - \(type) x rw,\(options)")
        }
        let v1 = [mount("/c/cpu,cpuacct", "cgroup", "cpu,cpuacct"), mount("/c/memory", "cgroup", "memory")]
            .compactMap(\.self)
        let named = [mount("/c/systemd", "cgroup", "name=systemd")].compactMap(\.self)
        let v2 = [mount("/c/unified", "cgroup2", "nsdelegate")].compactMap(\.self)

        let old = CgroupHierarchy(mounts: v1 + named, unifiedControllers: "")
        #expect(old.version == .v1)
        #expect(old.roots == [.cpu: "/c/cpu,cpuacct", .cpuacct: "/c/cpu,cpuacct", .memory: "/c/memory"])
        #expect(old.trees == ["/c/cpu,cpuacct", "/c/memory"])
        #expect(old.otherRoots == ["/c/systemd"])

        let hybrid = CgroupHierarchy(mounts: v1 + v2, unifiedControllers: "hugetlb pids\n")
        #expect(hybrid.version == .v1)
        #expect(hybrid.roots[.pids] == "/c/unified")
        #expect(hybrid.trees.contains("/c/unified"))

        let new = CgroupHierarchy(mounts: v2, unifiedControllers: "cpuset cpu io memory pids rdma")
        #expect(new.version == .v2)
        #expect(new.roots[.cpuacct] == "/c/unified")
        #expect(new.trees == ["/c/unified"])
    }

    /// A folder stands in for the tree: this shows which files are written, and what is read from them.
    @Test func `a v2 group is limited and measured by its own files`() throws {
        try withTemporaryDirectory { root in
            let all: [CgroupHierarchy.Controller] = [.cpu, .cpuacct, .memory, .pids]
            let hierarchy = CgroupHierarchy(
                roots: Dictionary(uniqueKeysWithValues: all.map { ($0, root) }), unifiedRoot: root)
            let group = Cgroup("pods", in: hierarchy)
            try Files.write("", to: root + "/cgroup.subtree_control")
            try group.create()
            #expect(
                ["+cpu", "+memory", "+pids"].contains(try Files.readText(root + "/cgroup.subtree_control")))
            let files = [
                "cpu.weight": "", "cpu.max": "", "memory.max": "", "pids.max": "", "pids.current": "3\n",
                "cpu.stat": "usage_usec 1500\nuser_usec 1000\n", "memory.current": "8192\n",
                "memory.stat": "anon 4096\nfile 4096\ninactive_file 1024\npgfault 9\npgmajfault 2\n",
            ]
            for (name, text) in files { try Files.write(text, to: root + "/pods/" + name) }
            try group.setProcessorShares(1024)
            try group.setProcessorQuota(Cgroup.ProcessorQuota(quota: .milliseconds(50)))
            try group.setMemoryLimit(.mebibytes(1))
            try group.setProcessLimit(7)
            #expect(try Files.readText(root + "/pods/cpu.weight") == "100")
            #expect(try Files.readText(root + "/pods/cpu.max") == "50000 100000")
            #expect(try Files.readText(root + "/pods/memory.max") == "1048576")
            #expect(try Files.readText(root + "/pods/pids.max") == "7")
            let usage = try group.usage()
            #expect(usage.processorNanoseconds == 1_500_000)
            #expect(usage.processCount == 3)
            #expect(usage.memory.workingSet == ByteCount(8192 - 1024))
            #expect(usage.memory.residentSet == ByteCount(4096))
            #expect(usage.memory.limit == .mebibytes(1))
            #expect(usage.memory.majorPageFaults == 2)
        }
    }

    @Test(
        arguments: [(0, 1), (2, 1), (1024, 100), (262_144, 10_000), (300_000, 10_000)] as [(UInt64, UInt64)])
    func `shares become weights`(shares: UInt64, weight: UInt64) {
        #expect(Cgroup.weight(forShares: shares) == weight)
    }
}
