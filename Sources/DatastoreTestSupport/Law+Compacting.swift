import Datastore
import Support

extension Law {
    static let compacting = [
        Law("compaction forgets history and nothing else", checkCompaction),
        Law("compaction lets writers and subscriptions go on", checkCompactionUnderWrites),
        Law("compacting gives the space of the past back", checkSpace),
    ]

    private static func checkCompaction(_ driver: Driver) async throws {
        try await driver.withLog { log in
            var model = ReferenceModel()
            for round in 0..<6 {
                for name in 0..<6 {
                    let found = model.get("/\(name)")
                    let write: Write =
                        switch (found, (round + name) % 4) {
                        case (let entry?, 3): .delete(entry.key, at: entry.revision)
                        case (let entry?, _): .update(entry.key, [UInt8(round)], at: entry.revision)
                        case (nil, _): .create("/\(name)", [UInt8(round)])
                        }
                    try await apply(write, to: log, &model, "round \(round)")
                }
            }
            for target in stride(from: Revision(0), through: model.revision, by: 3) + [4, model.revision] {
                try await log.compact(upTo: target)
                model.compact(upTo: target)
                try require(log.compactedRevision, equals: model.compacted, "compacted up to \(target)")
                try await compareAll(log, model, "after compaction up to \(target)")
            }
            try await apply(.create("/new", []), to: log, &model, "a write after everything was compacted")
            try await compareAll(log, model, "after everything was compacted")
        }
    }

    /// Compares every answer at every revision.
    static func compareAll(_ log: any Datastore, _ model: ReferenceModel, _ what: String) async throws {
        for revision in 0...(model.revision + 1) {
            let query = ListQuery(prefix: "/", at: revision)
            let listing = await result { () async throws(DatastoreError) in try await log.list(query) }
            try require(listing, equals: model.list(query), "the list at \(revision) \(what)")
            let changes = await result { () async throws(DatastoreError) in
                try await log.changes(after: revision)
            }
            try require(
                changes, equals: model.changes(after: revision), "the changes after \(revision) \(what)")
        }
        try require(log.currentRevision, equals: model.revision, "the current revision \(what)")
    }

    static func result<T>(
        _ call: () async throws(DatastoreError) -> T
    ) async -> Result<T, DatastoreError> {
        do throws(DatastoreError) { return .success(try await call()) } catch { return .failure(error) }
    }

    private static func checkCompactionUnderWrites(_ driver: Driver) async throws {
        try await driver.withLog { log in
            let recorder = Recorder()
            _ = try await log.subscribe(after: 0) { recorder.receive($0) }
            let written = try await withThrowingTaskGroup(of: Int.self) { group in
                for writer in 0..<8 {
                    group.addTask {
                        var revision: Revision = 0
                        for round in 0..<40 {
                            let (key, value) = ("/\(writer)", [UInt8(round)])
                            revision = try await log.write(
                                revision == 0 ? .create(key, value) : .update(key, value, at: revision))
                        }
                        return 40
                    }
                }
                group.addTask {
                    for _ in 0..<10 { try await log.compact(upTo: log.currentRevision) }
                    return 0
                }
                return try await group.reduce(0, +)
            }
            try require(recorder.revisions.count, equals: written, "changes delivered")
            try require(recorder.revisions, equals: recorder.revisions.sorted(), "order of delivery")
            let entries = try await log.list(ListQuery(prefix: "/")).entries
            try require(entries.map(\.value), equals: Array(repeating: [39], count: 8), "the last values")
            try require(
                recorder.changes.allSatisfy {
                    $0.previous?.value ?? [255] == [($0.entry?.value.first ?? 0) &- 1]
                },
                "a change lost its previous version")
        }
    }

    private static func checkSpace(_ driver: Driver) async throws {
        try await driver.withLog { log in
            let value = [UInt8](repeating: 7, count: 20_000)
            let kept = try await log.write(.create("/kept", value))
            for round in 0..<100 {
                let revision = try await log.write(.create("/gone/\(round)", value))
                try await log.write(.delete("/gone/\(round)", at: revision))
            }
            let before = try await log.size()
            try await log.compact(upTo: log.currentRevision)
            let after = try await log.size()
            try require(
                after.bytes < 1_500_000 && after < before, "\(before) before, \(after) after compaction")
            try require(try await log.get("/kept")?.revision, equals: kept, "the kept entry")
        }
    }
}
