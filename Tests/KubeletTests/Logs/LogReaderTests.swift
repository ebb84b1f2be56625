import Glibc
import Host
import Support
import Synchronization
import Testing

@testable import Kubelet

/// A log in a folder of its own, written as containerd does: it keeps the file open and begins a new one when told.
final class WrittenLog: Sendable {
    let folder: String
    var path: String { Path.join(folder, "0.log") }
    private let file: Mutex<Descriptor>

    init() throws {
        var template = Array("/tmp/k3s-logs-XXXXXX".utf8CString)
        folder = try #require(mkdtemp(&template)).withMemoryRebound(to: CChar.self, capacity: 1) { String(cString: $0) }
        file = Mutex(try Files.openForAppending(Path.join(folder, "0.log")))
    }

    deinit { try? Files.remove(folder) }

    func write(_ text: String, tag: String = "F") {
        let line = "2026-01-02T03:04:05.000000001Z stdout \(tag) \(text)\n"
        file.withLock { file in
            let count = line.utf8.withContiguousStorageIfAvailable { Glibc.write(file.number, $0.baseAddress, $0.count) }
            #expect(count == line.utf8.count)
        }
    }

    /// The kubelet's half of a rotation.
    func rename() throws { try Files.rename(path, to: path + ".20260102-030405") }

    /// The runtime's half: a new file, and what is `late` still goes to the old one before it closes.
    func reopen(late: String) throws {
        let next = try Files.openForAppending(path)
        write(late)
        file.withLock { $0 = next }
    }
}

/// What a reader has sent, and a way to wait for it.
final class Received: Sendable {
    private let state = Mutex<(text: String, waiters: [(String, CheckedContinuation<Void, Never>)])>(("", []))

    var text: String { state.withLock { $0.text } }

    func add(_ bytes: [UInt8]) {
        let woken = state.withLock { state in
            state.text += String(decoding: bytes, as: UTF8.self)
            let woken = state.waiters.filter { state.text.contains($0.0) }
            state.waiters.removeAll { state.text.contains($0.0) }
            return woken
        }
        for (_, waiter) in woken { waiter.resume() }
    }

    func wait(for text: String) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.text.contains(text) { return true }
                state.waiters.append((text, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }
}

@Suite struct LogReaderTests {
    /// Follows a log while `body` writes it and says when the container has ended.
    private func follow(
        _ log: WrittenLog, _ options: LogOptions = LogOptions(),
        _ body: @escaping @Sendable (Received, _ end: @escaping @Sendable () -> Void) async throws -> Void
    ) async throws -> String {
        let received = Received()
        let (ends, end) = AsyncStream.makeStream(of: Void.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                let reader = LogReader(path: log.path, options: options)
                try await reader.follow(until: { for await _ in ends {} }) { received.add($0) }
            }
            try await body(received) { end.finish() }
            try await group.waitForAll()
        }
        return received.text
    }

    @Test func `what is there is read, in parts of bounded size`() async throws {
        let log = try WrittenLog()
        let text = String(repeating: "x", count: 8000)
        for _ in 0..<100 { log.write(text) }
        let sizes = Mutex<[Int]>([])
        try await LogReader(path: log.path, options: LogOptions()).read { part in sizes.withLock { $0.append(part.count) } }
        #expect(sizes.withLock { $0.reduce(0, +) } == 100 * 8001)
        #expect(sizes.withLock { $0.max() ?? 0 } <= LogCursor.chunkSize)
    }

    @Test func `a followed log is read as it is written, until the container ends`() async throws {
        let log = try WrittenLog()
        log.write("one")
        let text = try await follow(log) { received, end in
            await received.wait(for: "one\n")
            log.write("two", tag: "P")
            await received.wait(for: "two")
            log.write("three")
            end()
        }
        #expect(text == "one\ntwothree\n")
    }

    @Test func `a followed log survives its rotation, and no late line is lost`() async throws {
        let log = try WrittenLog()
        log.write("one")
        let text = try await follow(log) { received, end in
            await received.wait(for: "one\n")
            try log.rename()
            log.write("two")
            await received.wait(for: "two\n")
            try log.reopen(late: "three")
            log.write("four")
            await received.wait(for: "four\n")
            try log.rename()
            try log.reopen(late: "five")
            log.write("six")
            end()
        }
        #expect(text == "one\ntwo\nthree\nfour\nfive\nsix\n")
    }

    @Test func `a log that is emptied in place is read from its beginning`() async throws {
        let log = try WrittenLog()
        log.write("one")
        log.write("two")
        let text = try await follow(log) { received, end in
            await received.wait(for: "two\n")
            #expect(truncate(log.path, 0) == 0)
            log.write("three")
            await received.wait(for: "three\n")
            end()
        }
        #expect(text == "one\ntwo\nthree\n")
    }

    @Test func `following begins with the last lines, and ends when enough was read`() async throws {
        let log = try WrittenLog()
        for number in 0..<10 { log.write("line \(number)") }
        let options = LogFormatterTests.options {
            $0.tailLines = 2
            $0.limitBytes = 20
        }
        let text = try await follow(log, options) { received, _ in
            await received.wait(for: "line 9\n")
            log.write("and more of it")
        }
        #expect(text == "line 8\nline 9\nand mo")
    }

    @Test func `following can be given up`() async throws {
        let log = try WrittenLog()
        log.write("one")
        let received = Received()
        let task = Task {
            try await LogReader(path: log.path, options: LogOptions()).follow(
                until: { try? await Task.sleep(for: .seconds(3600)) }, { received.add($0) })
        }
        await received.wait(for: "one\n")
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test func `a log that is not there is a fault`() async throws {
        let reader = LogReader(path: "/tmp/no-such-folder/0.log", options: LogOptions())
        await #expect(throws: Fault.self) { try await reader.read { _ in } }
    }
}
