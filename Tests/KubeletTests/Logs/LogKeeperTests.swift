import Host
import Logging
import Runtime
import Support
import Testing
import Wire

@testable import Kubelet

@Suite(.timeLimit(.minutes(1)))
struct LogKeeperTests {
    @Test(arguments: [
        ([], [], []),
        (["0.log.1"], [], ["0.log.1"]),
        (["0.log.3", "0.log.2.gz", "0.log.1.gz"], [], ["0.log.3"]),
        (["0.log.4", "0.log.3.gz", "0.log.2.gz", "0.log.1.gz"], ["0.log.1.gz"], ["0.log.4"]),
        (["0.log.1", "0.log.2", "0.log.3", "0.log.4", "0.log.5"], ["0.log.1", "0.log.2"], ["0.log.3", "0.log.4", "0.log.5"]),
        // What an interrupted run left.
        (["0.log.1", "0.log.1.gz", "0.log.2", "0.log.2.tmp"], ["0.log.1", "0.log.2.tmp"], ["0.log.2"]),
        (["1.log", "1.log.1", "0.logs"], [], []),
    ] as [([String], [String], [String])])
    func `old files are compressed, and the oldest go`(entries: [String], removed: [String], compressed: [String]) {
        let files = LogFiles(entries + ["0.log"], of: "0.log", limit: 5)
        #expect(files.removed == removed && files.compressed == compressed)
    }

    @Test func `a log is put aside under its time`() {
        let name = LogFiles.name(of: "0.log", putAsideAt: Timestamp(seconds: 1_700_000_000))
        #expect(name == "0.log.20231114-221320")
    }

    @Test func `the next look comes when half the room may be used up`() {
        var growth = LogGrowth()
        func note(_ size: Int64, _ second: Int64) -> Duration? {
            growth.note(size, at: Timestamp(seconds: second), limit: 1000)
        }
        #expect(note(100, 0) == nil)
        #expect(note(200, 10) == .seconds(40))
        #expect(note(201, 20) == .seconds(60))
        #expect(note(900, 21) == .seconds(1))
        // A clock that was set back says nothing.
        #expect(note(950, 1) == nil)
    }

    /// A log in a folder of its own; `looks` tells of each look at it.
    private static func withFolder(
        _ body: (_ log: String, _ runtime: FakeRuntime, _ keeper: LogKeeper, _ looks: AsyncStream<Void>) async throws
            -> Void
    ) async throws {
        let folder = "/tmp/k3s-log-keeper-\(UInt32.random(in: 0...UInt32.max))"
        try Files.makeDirectory(folder)
        defer { try? Files.remove(folder) }
        let runtime = FakeRuntime()
        runtime.change { state in
            state.containers["c1"] = CRI.ContainerStatus()
            state.containers["c1"]?.logPath = folder + "/0.log"
        }
        var limits = LogLimits()
        (limits.size, limits.files, limits.firstLook) = (1000, 3, .milliseconds(10))
        let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let (looks, input) = AsyncStream<Void>.makeStream()
        let keeper = LogKeeper(runtime: runtime, limits: limits, log: log) { _ in input.yield() }
        try await body(folder + "/0.log", runtime, keeper, looks)
    }

    @Test func `a log that is large enough is followed by a new one, and older ones become small`() async throws {
        try await Self.withFolder { log, runtime, keeper, _ in
            let line = Array(repeating: UInt8(ascii: "x"), count: 999)
            try Files.append(line, to: log)
            keeper.start(containerID: "c1", path: log)
            try await keeper.look(at: "c1")
            #expect(runtime.calls.isEmpty)
            // As if it had been put aside long ago.
            try Files.append(Array("old".utf8), to: log + ".20200101-000000")
            try Files.append([10], to: log)
            try await keeper.look(at: "c1")
            #expect(runtime.calls == ["reopen c1"])
            #expect(try Files.read(log).isEmpty)
            let names = try Files.list(Path.parent(of: log)).sorted()
            #expect(names.count == 3 && names[1] == "0.log.20200101-000000.gz")
            let packed = try Files.read(Path.join(Path.parent(of: log), names[1]))
            #expect(GzipDecoder.unpack(packed, limit: 100) == Array("old".utf8))
            #expect(try Files.read(Path.join(Path.parent(of: log), names[2])).count == 1000)
        }
    }

    @Test func `a runtime that does not begin a new file gets the old one back`() async throws {
        try await Self.withFolder { log, runtime, keeper, _ in
            try Files.append(Array(repeating: 10, count: 1000), to: log)
            runtime.change { $0.containers["c1"] = nil }
            keeper.start(containerID: "c1", path: log)
            await #expect(throws: Fault.self) { try await keeper.look(at: "c1") }
            #expect(try Files.list(Path.parent(of: log)) == ["0.log"])
        }
    }

    @Test func `the first write after a look leads to the next one`() async throws {
        try await Self.withFolder { log, runtime, keeper, looks in
            try Files.append([10], to: log)
            await withDiscardingTaskGroup { group in
                group.addTask { await keeper.run() }
                keeper.start(containerID: "c1", path: log)
                var looks = looks.makeAsyncIterator()
                await looks.next()
                #expect(runtime.calls.isEmpty)
                try? Files.append(Array(repeating: 10, count: 1000), to: log)
                await looks.next()
                #expect(runtime.calls == ["reopen c1"])
                // The new file is watched as the old one was.
                try? Files.append(Array(repeating: 10, count: 1000), to: log)
                await looks.next()
                #expect(runtime.calls == ["reopen c1", "reopen c1"])
                group.cancelAll()
            }
        }
    }
}
