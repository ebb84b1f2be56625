import DatastoreTestSupport
import Glibc
import Support
import Testing

@testable import Datastore

/// What a person meets who starts the server on a file that cannot be used.
@Suite struct SQLiteOpeningTests {
    private func refusal(_ path: String) -> Fault? {
        do throws(Fault) {
            _ = try SQLiteDatastore(path: path)
            return nil
        } catch {
            return error
        }
    }

    @Test func `a new database is private to its owner`() async throws {
        try await Scratch.with { scratch in
            let log = try SQLiteDatastore(path: scratch.path("state.db"))
            try await log.write(.create("/a", [1]))
            for name in scratch.names { #expect(scratch.mode(name) == 0o600, "\(name)") }
            await log.close()
            #expect(scratch.names == ["state.db"])
        }
    }

    @Test func `a database that was readable to others is so no more`() async throws {
        try await Scratch.with { scratch in
            await (try SQLiteDatastore(path: scratch.path("state.db"))).close()
            chmod(scratch.path("state.db"), 0o644)
            await (try SQLiteDatastore(path: scratch.path("state.db"))).close()
            #expect(scratch.mode("state.db") == 0o600)
        }
    }

    @Test func `a missing directory is named, not made`() async throws {
        try await Scratch.with { scratch in
            let fault = refusal(scratch.path("missing/state.db"))
            #expect(fault?.code == .notFound)
            #expect(scratch.names == [])
        }
    }

    @Test func `a file that is no database is refused and not changed`() async throws {
        try await Scratch.with { scratch in
            for content in ["hello", String(repeating: "not a database. ", count: 1_000)] {
                try scratch.write("state.db", Array(content.utf8))
                chmod(scratch.path("state.db"), 0o640)
                #expect(refusal(scratch.path("state.db"))?.code == .invalid)
                #expect(try scratch.read("state.db") == Array(content.utf8))
                #expect(scratch.mode("state.db") == 0o640)
                #expect(scratch.names == ["state.db"])
            }
            mkdir(scratch.path("directory.db"), 0o700)
            #expect(refusal(scratch.path("directory.db")) != nil)
            rmdir(scratch.path("directory.db"))
        }
    }

    @Test func `an empty file is a new database`() async throws {
        try await Scratch.with { scratch in
            try scratch.write("state.db", [])
            let log = try SQLiteDatastore(path: scratch.path("state.db"))
            try await log.write(.create("/a", [1]))
            await log.close()
        }
    }

    @Test(arguments: [true, false])
    func `the database of a k3s that ran before is refused and not touched`(isInLog: Bool) async throws {
        try await Scratch.with { scratch in
            let path = scratch.path("state.db")
            let kine = try Connection(path, flags: .createForTests)
            try kine.execute("PRAGMA journal_mode = WAL")
            if isInLog { kine.watchLog() }
            try kine.execute(
                "CREATE TABLE kine (id INTEGER PRIMARY KEY AUTOINCREMENT, name INTEGER, value BLOB)")
            try kine.execute("INSERT INTO kine (name, value) VALUES ('/registry/health', 'x')")
            if isInLog {
                for name in ["state.db", "state.db-wal"] {
                    try scratch.copy(name, to: "copy" + name.dropFirst(5))
                }
                kine.close()
                for name in ["state.db", "state.db-wal"] {
                    try scratch.copy("copy" + name.dropFirst(5), to: name)
                }
            } else {
                kine.close()
            }
            let (names, before) = (scratch.names, try scratch.read("state.db"))
            let fault = try #require(refusal(path))
            #expect(fault.code == .unsupported)
            #expect(fault.summary.contains("kine"))
            #expect(scratch.names == names)
            #expect(try scratch.read("state.db") == before)
        }
    }

    @Test func `the database of another program is refused`() async throws {
        try await Scratch.with { scratch in
            let other = try Connection(scratch.path("state.db"), flags: .createForTests)
            try other.execute("CREATE TABLE addresses (name TEXT)")
            other.close()
            #expect(refusal(scratch.path("state.db"))?.code == .invalid)
        }
    }

    @Test func `a database of a newer version is refused`() async throws {
        try await Scratch.with { scratch in
            await (try SQLiteDatastore(path: scratch.path("state.db"))).close()
            let connection = try Connection(scratch.path("state.db"), flags: .createForTests)
            try connection.execute("PRAGMA user_version = 2")
            connection.close()
            #expect(refusal(scratch.path("state.db"))?.code == .unsupported)
        }
    }

    @Test func `a database can be opened once at a time, and again after it is closed`() async throws {
        try await Scratch.with { scratch in
            let log = try SQLiteDatastore(path: scratch.path("state.db"))
            #expect(refusal(scratch.path("state.db"))?.code == .unavailable)
            try await log.write(.create("/a", [1]))
            await log.close()
            await (try SQLiteDatastore(path: scratch.path("state.db"))).close()
        }
    }

    @Test func `a database that was cut short is damaged`() async throws {
        try await Scratch.with { scratch in
            let log = try SQLiteDatastore(path: scratch.path("state.db"))
            for index in 0..<100 {
                try await log.write(.create("/\(index)", [UInt8](repeating: 1, count: 2_000)))
            }
            await log.close()
            let content = try scratch.read("state.db")
            for length in [content.count - 1, content.count / 2, 4096, 200] {
                try scratch.write("state.db", Array(content[..<length]))
                #expect(refusal(scratch.path("state.db"))?.code == .corrupt, "\(length) bytes")
            }
        }
    }
}
