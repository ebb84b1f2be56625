import Support
import Testing

@testable import Host

@Suite struct CountersTests {
    @Test func `what devices did is told in two forms`() {
        let unified = Cgroup.traffic(unified: "8:0 rbytes=4096 wbytes=512 rios=2 wios=1 dbytes=9 dios=9\n8:16 \n")
        #expect(unified["8:0"]?.readBytes == 4096 && unified["8:0"]?.writtenBytes == 512)
        #expect(unified["8:0"]?.reads == 2 && unified["8:0"]?.writes == 1 && unified["8:16"]?.reads == 0)
        let parts = Cgroup.traffic(
            bytes: "8:0 Read 4096\n8:0 Write 512\n8:0 Sync 1\nTotal 4608\n", operations: "8:0 Read 2\n8:0 Write 1\nTotal 3\n")
        #expect(parts == ["8:0": unified["8:0"]])
    }

    @Test func `a group of this machine is counted`() async throws {
        let group = Cgroup("/k3s-counters-\(UInt32.random(in: 0...UInt32.max))", in: try CgroupHierarchy.detect())
        try group.create()
        var command = Command("/bin/sleep", ["1000"])
        command.parentDeathSignal = .kill
        let process = try await command.start()
        try group.add(process: process.pid)
        let counters = group.counters()
        try process.send(.kill)
        _ = try await process.wait()
        try group.remove()
        #expect(counters.threads == 1 && counters.memoryKills == 0)
        #expect(counters.cacheBytes != nil && counters.mappedFileBytes != nil && counters.periods != nil)
        #expect(counters.userNanoseconds.map { $0 % 1000 } == 0 && counters.systemNanoseconds != nil)
        #expect(counters.throttledPeriods == 0 && counters.throttledNanoseconds == 0)
        #expect(group.counters() == Cgroup.Counters(), "a group that is gone has none")
    }

    @Test func `interfaces are counted`() throws {
        let counters = InterfaceCounters.parse(
            """
            Inter-|   Receive                                                |  Transmit
             face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
                lo: 1640 14 0 0 0 0 0 0 1640 14 0 0 0 0 0 0
            eth0.5@x:       100       2    3    4    0     0          0         0       50       6    7    8    0     0       0          0
              odd: 1 2
            """)
        #expect(counters.map(\.name) == ["lo", "eth0.5@x"])
        let last = try #require(counters.last)
        #expect(last.received.bytes == 100 && last.received.packets == 2)
        #expect(last.received.errors == 3 && last.received.dropped == 4)
        #expect(last.sent.bytes == 50 && last.sent.packets == 6 && last.sent.errors == 7 && last.sent.dropped == 8)
        #expect(throws: Fault.self) { try InterfaceCounters.read(process: .max) }
        #expect(try InterfaceCounters.read().allSatisfy { $0.name != "lo" })
    }
}
