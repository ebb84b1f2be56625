import CSQLite
import DatastoreTestSupport
import Support
import Testing

@testable import Datastore

/// What the driver promises while it runs, beyond the laws.
@Suite struct SQLiteRunningTests {
    @Test func `a full disk refuses writes, serves reads, and recovers when there is room`() async throws {
        try await Scratch.with { scratch in
            let disk = FaultyDisk(seed: 1)
            let log = try SQLiteDatastore(path: scratch.path("state.db"), limits: .smallest, vfs: disk.name)
            let first = try await log.write(.create("/a", [1]))
            disk.plan { $0.writeFailure = SQLITE_FULL }
            for _ in 0..<20 {
                await #expect(throws: DatastoreError.full) {
                    try await log.write(.update("/a", [2], at: first))
                }
            }
            await #expect(throws: DatastoreError.full) { try await log.compact(upTo: first) }
            #expect(try await log.get("/a")?.value == [1])
            #expect(try await log.changes(after: 0).count == 1)
            #expect(log.currentRevision == first)
            disk.plan { $0.writeFailure = nil }
            let second = try await log.write(.update("/a", [2], at: first))
            #expect(second == first + 1)
            try await log.compact(upTo: second)
            await log.close()
            let again = try SQLiteDatastore(path: scratch.path("state.db"))
            #expect(try await again.get("/a")?.value == [2])
            await again.close()
        }
    }

    @Test func `after a failed fsync nothing is written, and opening again recovers`() async throws {
        try await Scratch.with { scratch in
            let disk = FaultyDisk(seed: 1)
            let log = try SQLiteDatastore(path: scratch.path("state.db"), limits: .smallest, vfs: disk.name)
            let first = try await log.write(.create("/a", [1]))
            disk.plan { $0.syncFailure = SQLITE_IOERR | (4 << 8) }
            for _ in 0..<2 {
                guard case .failure(.unavailable) = await outcome(log, .update("/a", [2], at: first)) else {
                    Issue.record("a write was acknowledged, or refused for another reason")
                    continue
                }
                // The disk may well claim to be healthy again: it has forgotten what it lost.
                disk.plan { $0.syncFailure = nil }
            }
            #expect(try await log.get("/a")?.value == [1])
            await log.close()
            let again = try SQLiteDatastore(path: scratch.path("state.db"))
            #expect(try await again.get("/a")?.createdRevision == first)
            await again.close()
        }
    }

    private func outcome(_ log: SQLiteDatastore, _ write: Write) async -> Result<Revision, DatastoreError> {
        do throws(DatastoreError) { return .success(try await log.write(write)) } catch {
            return .failure(error)
        }
    }

    @Test func `writers who wait share one fsync`() async throws {
        try await Scratch.with { scratch in
            let disk = FaultyDisk(seed: 1)
            let log = try SQLiteDatastore(path: scratch.path("state.db"), limits: .init(), vfs: disk.name)
            let before = disk.syncs
            try await withThrowingTaskGroup { group in
                for writer in 0..<200 { group.addTask { try await log.write(.create("/\(writer)", [])) } }
                try await group.waitForAll()
            }
            #expect(disk.syncs - before < 100)
            let middle = disk.syncs
            for writer in 0..<10 { try await log.write(.create("/alone/\(writer)", [])) }
            #expect(disk.syncs - middle == 10, "a lone writer costs one fsync")
            await log.close()
        }
    }

    @Test func `a size limit refuses growth and accepts deletions`() async throws {
        try await Scratch.with { scratch in
            let log = try SQLiteDatastore(path: scratch.path("state.db"), sizeLimit: .kibibytes(400))
            let value = [UInt8](repeating: 1, count: 10_000)
            var revisions: [Revision] = []
            while case .success(let revision) = await outcome(log, .create("/\(revisions.count)", value)) {
                revisions.append(revision)
            }
            #expect((10..<60).contains(revisions.count))
            await #expect(throws: DatastoreError.full) { try await log.write(.create("/x", value)) }
            for (index, revision) in revisions.enumerated() {
                try await log.write(.delete("/\(index)", at: revision))
            }
            try await log.compact(upTo: log.currentRevision)
            try await log.write(.create("/x", value))
            await log.close()
        }
    }

    @Test func `the write-ahead log stays small however much is written`() async throws {
        try await Scratch.with { scratch in
            let log = try SQLiteDatastore(path: scratch.path("state.db"), limits: .smallest)
            var revision = try await log.write(.create("/a", []))
            for round in 0..<300 {
                revision = try await log.write(
                    .update("/a", [UInt8](repeating: UInt8(round & 255), count: 1_000), at: revision))
                #expect(scratch.size("state.db-wal") < 40 * 4_120)
            }
            try await log.compact(upTo: revision)
            #expect(scratch.size("state.db-wal") == 0)
            await log.close()
        }
    }

    @Test func `the file shrinks when what it held is deleted and compacted`() async throws {
        try await Scratch.with { scratch in
            let log = try SQLiteDatastore(path: scratch.path("state.db"))
            let value = [UInt8](repeating: 1, count: 3_000)
            for round in 0..<3 {
                let revisions = try await withThrowingTaskGroup(of: (Int, Revision).self) { group in
                    for index in 0..<500 {
                        group.addTask { (index, try await log.write(.create("/\(index)", value))) }
                    }
                    return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
                }
                #expect(try await log.size().bytes > 1_500_000)
                for (index, revision) in revisions where index % 50 != round {
                    try await log.write(.delete("/\(index)", at: revision))
                }
                try await log.compact(upTo: log.currentRevision)
                #expect(scratch.size("state.db") < 700_000)
                for entry in try await log.list(ListQuery(prefix: "/")).entries {
                    try await log.write(.delete(entry.key, at: entry.revision))
                }
            }
            await log.close()
        }
    }

    @Test func `a compaction that was cut off goes on at the next start`() async throws {
        try await Scratch.with { scratch in
            let disk = FaultyDisk(seed: 1)
            let path = scratch.path("state.db")
            let log = try SQLiteDatastore(path: path, limits: .smallest, vfs: disk.name)
            var revision = try await log.write(.create("/a", []))
            for _ in 0..<40 { revision = try await log.write(.update("/a", [], at: revision)) }
            // The promise is stored, and then closing comes before the work is done.
            async let compaction: Void? = try? log.compact(upTo: revision)
            while log.compactedRevision == 0 { await Task.yield() }
            await log.close()
            _ = await compaction
            let again = try SQLiteDatastore(path: path)
            try await again.compact(upTo: revision)
            await again.close()
            let inside = try Connection(path, flags: .createForTests)
            #expect(try inside.column("SELECT count(*) FROM log") == ["1"])
            inside.close()
        }
    }
}
