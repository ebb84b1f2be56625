import Datastore
import DatastoreTestSupport
import Glibc
import Support
import Testing

@Suite(.serialized) struct SQLiteCrashTests {
    /// Kills a writing process again and again, on one database, and looks for what it had acknowledged.
    @Test func `every acknowledged write survives kill -9`() async throws {
        try await Scratch.with { scratch in
            let path = scratch.path("state.db")
            var random = SeededRandom(seed: 9)
            var newest: Revision = 0
            for life in 0..<12 {
                var child = try Child(path)
                let said = try child.lines(killAfter: Int.random(in: 1..<400, using: &random))
                let log = try SQLiteDatastore(path: path)
                try #require(
                    said.first == "open \(newest)", "life \(life) began elsewhere: \(said.first ?? "silent")")
                var last: [String: (revision: Revision, round: Int)] = [:]
                for line in said.dropFirst() {
                    let words = line.split(separator: " ").map(String.init)
                    let revision = try #require(Revision(words[0]))
                    #expect(revision > newest, "revision \(revision) was given before")
                    last[words[1]] = (revision, try #require(Int(words[2])))
                }
                for (key, acknowledged) in last {
                    let entry = try #require(try await log.get(key))
                    let round = try #require(Int(String(decoding: entry.value, as: UTF8.self)))
                    #expect(entry.revision >= acknowledged.revision && round >= acknowledged.round, "\(key)")
                    // One more may have been committed whose acknowledgement was not heard.
                    #expect(round <= acknowledged.round + 1)
                }
                newest = log.currentRevision
                await log.close()
            }
            #expect(newest > 0)
        }
    }

    @Test func `a database in use by another process is refused, and left to it`() async throws {
        try await Scratch.with { scratch in
            let path = scratch.path("state.db")
            var child = try Child(path)
            try #require(child.line() == "open 0")
            do throws(Fault) {
                _ = try SQLiteDatastore(path: path)
                Issue.record("two processes have the database open")
            } catch {
                #expect(error.code == .unavailable)
                #expect(error.summary.contains("in use"))
            }
            let before = child.count
            _ = try child.lines(killAfter: before + 200)
            let log = try SQLiteDatastore(path: path)
            #expect(log.currentRevision >= 200)
            await log.close()
        }
    }
}

/// A running `DatastoreCrashWriter`.
private struct Child {
    private let process: pid_t
    private let output: Int32
    private var rest: [UInt8] = []
    /// Lines read so far.
    private(set) var count = 0

    init(_ database: String) throws {
        var pipes: [Int32] = [0, 0]
        try #require(pipe(&pipes) == 0)
        for end in pipes { try #require(fcntl(end, F_SETFD, FD_CLOEXEC) == 0) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, pipes[1], STDOUT_FILENO)
        defer { posix_spawn_file_actions_destroy(&actions) }
        let program = try Self.program()
        var arguments = [strdup(program), strdup(database), nil]
        defer { for argument in arguments { free(argument) } }
        var process = pid_t()
        let code = posix_spawn(&process, program, &actions, nil, &arguments, environ)
        close(pipes[1])
        try #require(code == 0, "\(program) could not be started: \(String(cString: strerror(code)))")
        self.process = process
        output = pipes[0]
    }

    /// It is built beside the test program.
    private static func program() throws -> String {
        var path = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &path, path.count)
        let own = String(decoding: path.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let directories = [own, CommandLine.arguments[0]].compactMap { path in
            path.lastIndex(of: "/").map { String(path[..<$0]) }
        }
        let candidates = directories.map { $0 + "/DatastoreCrashWriter" }
        return try #require(candidates.first { access($0, X_OK) == 0 }, "not found: \(candidates)")
    }

    /// The next whole line, or `nil` at the end.
    mutating func line() -> String? {
        while true {
            if let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: rest[..<end], as: UTF8.self)
                rest.removeFirst(end + 1)
                count += 1
                return line
            }
            var buffer = [UInt8](repeating: 0, count: 4096)
            let read = Glibc.read(output, &buffer, buffer.count)
            guard read > 0 else { return nil }
            rest += buffer[..<read]
        }
    }

    /// Reads lines, kills the process after some of them, and reads what it still said.
    mutating func lines(killAfter limit: Int) throws -> [String] {
        var lines: [String] = []
        while let line = line() {
            lines.append(line)
            if count == limit { try #require(kill(process, SIGKILL) == 0) }
        }
        close(output)
        var status: Int32 = 0
        waitpid(process, &status, 0)
        return lines
    }
}
