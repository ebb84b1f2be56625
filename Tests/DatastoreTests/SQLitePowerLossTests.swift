import CSQLite
import DatastoreTestSupport
import Support
import Synchronization
import Testing

@testable import Datastore

@Suite struct SQLitePowerLossTests {
    /// The power goes in the middle of any call that changes a file, and takes any part of what was not
    /// synced.
    @Test(arguments: UInt64(0)..<150)
    func `what was acknowledged is there after a power failure`(seed: UInt64) async throws {
        try await Scratch.with { scratch in
            var random = SeededRandom(seed: seed)
            let disk = FaultyDisk(seed: seed)
            let life = Life()
            disk.plan { plan in
                plan.callsUntilPowerLoss = Int.random(in: 0..<700, using: &random)
                plan.whenPowerIsLost = { life.powerIsLost($0) }
            }
            var log = try SQLiteDatastore(path: scratch.path("state.db"), limits: .smallest, vfs: disk.name)
            for step in 0..<80 where !life.isOver {
                let write = life.nextWrite(&random)
                life.begins(write)
                life.acknowledged(try await log.write(write))
                if step % 16 == 9 {
                    let target = Revision.random(in: 0...log.currentRevision, using: &random)
                    life.compacts(upTo: target)
                    try await log.compact(upTo: target)
                }
                if step % 40 == 39 {
                    await log.close()
                    log = try SQLiteDatastore(
                        path: scratch.path("state.db"), limits: .smallest, vfs: disk.name)
                }
            }
            await log.close()
            guard let remains = life.remains else { return }
            for (path, content) in remains.files {
                try scratch.write("after" + path.dropFirst(scratch.path("state").count), content)
            }
            try await check(scratch.path("after.db"), remains)
        }
    }

    private func check(_ path: String, _ remains: Life.Remains) async throws {
        let log = try SQLiteDatastore(path: path)
        let revision = log.currentRevision
        #expect(revision >= remains.acknowledged, "acknowledged writes are lost")
        #expect(revision <= Revision(remains.writes.count), "writes appeared that nobody made")
        var wanted = ReplayedState()
        for (index, write) in remains.writes.prefix(Int(revision)).enumerated() {
            wanted.apply(write, at: Revision(index) + 1)
        }
        #expect(try await log.list(ListQuery(prefix: "")).entries == wanted.entries)
        #expect(log.compactedRevision <= remains.compaction)
        let changes = try await log.changes(after: log.compactedRevision)
        #expect(changes == wanted.changes.filter { $0.revision > log.compactedRevision })
        // And it is as good as new.
        #expect(try await log.write(.create("/after", [])) == revision + 1)
        await log.close()
    }
}

/// What happened in the life that a power failure ended.
private final class Life: Sendable {
    struct Remains {
        var files: [String: [UInt8]]
        var writes: [Write]
        var acknowledged: Revision
        var compaction: Revision
    }

    private struct State {
        var writes: [Write] = []
        var acknowledged: Revision = 0
        var compaction: Revision = 0
        var current = ReplayedState()
        var remains: Remains?
    }

    private let state = Mutex(State())

    var remains: Remains? { state.withLock { $0.remains } }
    var isOver: Bool { remains != nil }

    func begins(_ write: Write) { state.withLock { $0.writes.append(write) } }

    func acknowledged(_ revision: Revision) {
        state.withLock { state in
            state.acknowledged = revision
            if let write = state.writes.last { state.current.apply(write, at: revision) }
        }
    }

    func compacts(upTo revision: Revision) { state.withLock { $0.compaction = max($0.compaction, revision) } }

    func powerIsLost(_ files: [String: [UInt8]]) {
        state.withLock { state in
            state.remains = Remains(
                files: files, writes: state.writes, acknowledged: state.acknowledged,
                compaction: state.compaction)
        }
    }

    /// A write that will be accepted.
    func nextWrite(_ random: inout SeededRandom) -> Write {
        let key = "/\(Int.random(in: 0..<12, using: &random))"
        let value = [UInt8](
            repeating: UInt8.random(in: 0...255, using: &random),
            count: Int.random(in: 0..<2_000, using: &random))
        let entry = state.withLock { $0.current.entries.first { $0.key == key } }
        guard let entry else { return .create(key, value) }
        let deletes = Int.random(in: 0..<4, using: &random) == 0
        return deletes ? .delete(key, at: entry.revision) : .update(key, value, at: entry.revision)
    }
}

/// The state that accepted writes lead to.
private struct ReplayedState {
    private var current: [String: Entry] = [:]
    var changes: [Change] = []

    var entries: [Entry] { current.values.sorted { $0.key < $1.key } }

    mutating func apply(_ write: Write, at revision: Revision) {
        let previous = current[write.key]
        current[write.key] = write.value.map {
            Entry(
                key: write.key, value: $0, revision: revision,
                createdRevision: previous?.createdRevision ?? revision)
        }
        changes.append(
            Change(key: write.key, revision: revision, entry: current[write.key], previous: previous))
    }
}
