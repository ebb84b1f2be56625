import APIMachinery
import Client
import Host
import Support
import Synchronization
import Testing

@testable import APIServer

/// Keeps lines; may be made to fail, or to wait until it is let go on.
final class MemoryAuditSink: AuditSink {
    private let state = Mutex<(lines: [Value], isFailing: Bool)>(([], false))
    private let gate: Bell?

    init(isHeld: Bool = false, isFailing: Bool = false) {
        gate = isHeld ? Bell() : nil
        state.withLock { $0.isFailing = isFailing }
    }

    func release() { gate?.ring() }

    var events: [Value] { state.withLock { $0.lines } }

    func write(_ lines: [UInt8]) async throws(Fault) {
        await gate?.wait()
        guard !state.withLock(\.isFailing) else { throw Fault(.full, "no space") }
        let values = lines.split(separator: UInt8(ascii: "\n")).compactMap { try? Value(json: Array($0)) }
        state.withLock { $0.lines += values }
    }
}

/// Counts the events of each batch.
private final class BatchSink: AuditSink {
    let counts = Mutex<[Int]>([])
    let written = Bell()

    func write(_ lines: [UInt8]) async throws(Fault) {
        let count = lines.count { $0 == UInt8(ascii: "\n") }
        counts.withLock { $0.append(count) }
        written.ring()
    }
}

/// Takes its time with the first batch until it is cancelled, or with each.
private final class InterruptedSink: AuditSink {
    let begun = Bell()
    let written = Mutex(0)
    private let isStuck: Bool
    private let mustWait = Mutex(true)

    init(isStuck: Bool = false) { self.isStuck = isStuck }

    func write(_ lines: [UInt8]) async throws(Fault) {
        let waits = mustWait.withLock { mustWait in
            defer { mustWait = isStuck }
            return mustWait
        }
        if waits {
            begun.ring()
            do {
                try await Task.sleep(for: .seconds(3600))
            } catch {
                throw Fault(.unavailable, "interrupted")
            }
        }
        written.withLock { $0 += lines.count { $0 == UInt8(ascii: "\n") } }
    }
}

@Suite(.timeLimit(.minutes(5))) struct AuditLogTests {
    private static let moment = Timestamp(seconds: 1_800_000_000)

    private static func event(_ id: String) -> AuditEvent {
        AuditEvent(
            level: .metadata, id: id, uri: "/", access: AccessRequest(user: User(name: "ann"), verb: "get", .init(.widgets)),
            sourceIPs: [], userAgent: "", received: moment, stageTime: moment)
    }

    private static func log(
        _ sink: any AuditSink, _ mode: AuditMode, room: Int = 2, _ change: (inout AuditBackend) -> Void = { _ in }
    ) -> AuditLog {
        var backend = AuditBackend.log(sink)
        backend.mode = mode
        backend.bufferedEvents = room
        change(&backend)
        return AuditLog(backend, now: { .now })
    }

    @Test func `a full batch log drops what comes, and counts it`() async throws {
        let sink = MemoryAuditSink()
        let log = Self.log(sink, .batch)
        for id in ["a", "b", "c"] { log.append(Self.event(id)) }
        #expect(!log.mustWait)
        await log.close()
        #expect(sink.events.map { $0["auditID"] } == ["a", "b"])
        #expect(log.lost == 1)
    }

    @Test func `requests wait for room in a blocking log`() async throws {
        let sink = MemoryAuditSink(isHeld: true)
        let log = Self.log(sink, .blocking)
        log.append(Self.event("a"))
        #expect(!log.mustWait)
        log.append(Self.event("b"))
        #expect(log.mustWait)
        await withTaskGroup { group in
            group.addTask { await log.run() }
            group.addTask {
                #expect(await log.settle())
                #expect(!log.mustWait)
            }
            sink.release()
            await group.next()
            group.cancelAll()
        }
    }

    @Test(arguments: [true, false])
    func `a strict log lets through what is written, and nothing else`(isFailing: Bool) async throws {
        let log = Self.log(MemoryAuditSink(isFailing: isFailing), .blockingStrict)
        await withTaskGroup { group in
            group.addTask { await log.run() }
            group.addTask {
                log.append(Self.event("a"))
                #expect(await log.settle() == !isFailing)
            }
            await group.next()
            group.cancelAll()
        }
        #expect(log.lost == (isFailing ? 1 : 0))
    }

    @Test func `what was being written when the server stops is written once more`() async throws {
        let sink = InterruptedSink()
        let log = Self.log(sink, .batch)
        await withTaskGroup { group in
            group.addTask { await log.run() }
            log.append(Self.event("a"))
            await sink.begun.wait()
            log.append(Self.event("b"))
            group.cancelAll()
        }
        await log.close()
        #expect(sink.written.withLock(\.self) == 2)
        #expect(log.lost == 0)
    }

    @Test func `what a sink does not take in time is lost, and counted`() async throws {
        let log = Self.log(InterruptedSink(isStuck: true), .batch)
        log.append(Self.event("a"))
        await log.close(within: .milliseconds(10))
        #expect(log.lost == 1)
        log.append(Self.event("b"))
        #expect(log.lost == 2)
    }

    @Test func `an event waits for others, and a batch that is full does not`() async throws {
        let sink = BatchSink()
        let log = Self.log(sink, .batch, room: 10) {
            $0.batch.events = 2
            $0.batch.wait = .seconds(3600)
            $0.batch.perSecond = 1000
        }
        await withTaskGroup { group in
            group.addTask { await log.run() }
            for id in ["a", "b"] { log.append(Self.event(id)) }
            await sink.written.wait()
            log.append(Self.event("c"))
            group.cancelAll()
        }
        await log.close()
        #expect(sink.counts.withLock(\.self) == [2, 1])
    }

    @Test func `an event that is too long loses its objects and says so`() throws {
        var event = Self.event("a")
        event.requestObject = ["text": .string(String(repeating: "x", count: 1000))]
        #expect(try Value(json: Array(event.line(limit: 2000).dropLast()))["requestObject"] != nil)
        let short = try Value(json: Array(event.line(limit: 1000).dropLast()))
        #expect(short["requestObject"] == nil)
        #expect(short.at("annotations", "audit.k8s.io/truncated") == "true")
    }

    // MARK: Files

    @Test(arguments: [false, true])
    func `a file that has grown too large is put aside, and the oldest go`(compresses: Bool) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        var limits = AuditFile.Limits()
        limits.size = ByteCount(10)
        limits.backups = 2
        limits.compresses = compresses
        let clock = Mutex(Int64(1_800_000_000))
        let file = AuditFile(folder.path + "/logs/audit.log", limits) {
            Timestamp(seconds: clock.withLock { seconds in
                seconds += 1
                return seconds
            })
        }
        for letter in ["a", "b", "c", "d"] { try await file.write(Array(String(repeating: letter, count: 8).utf8)) }
        let names = try Files.list(folder.path + "/logs")
        let ending = compresses ? ".log.gz" : ".log"
        #expect(names == ["audit-2027-01-15T08-00-03.000\(ending)", "audit-2027-01-15T08-00-04.000\(ending)", "audit.log"])
        #expect(try Files.readText(folder.path + "/logs/audit.log") == "dddddddd")
        if !compresses { #expect(try Files.readText(folder.path + "/logs/" + names[1]) == "cccccccc") }
    }

    @Test func `files that are too old go, and those of others stay`() {
        var limits = AuditFile.Limits()
        limits.days = 1
        let names = AuditFileNames("/l/audit.log")
        let (old, new) = (Self.moment + .seconds(-90_000), Self.moment + .seconds(-80_000))
        let there = [names.backup(at: old), names.backup(at: old) + ".gz", names.backup(at: new), "audit.log", "audit-x.log"]
        #expect(names.expired(there, limits, at: Self.moment) == Array(there[...1]))
        #expect(AuditFileNames("audit").backup(at: Self.moment) == "audit-2027-01-15T08-00-00.000")
    }
}

extension GroupVersionResource {
    fileprivate static let widgets = Fixture.widgets
}

/// A folder that is gone after the test.
struct TemporaryFolder {
    let path: String

    init() throws {
        var random = SystemRandomNumberGenerator()
        path = "/tmp/audit-" + GeneratedName.uuid(using: &random)
        try Files.makeDirectory(path, mode: 0o700)
    }

    func remove() { try? Files.remove(path) }
}
