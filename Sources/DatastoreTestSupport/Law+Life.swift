import Datastore

extension Law {
    static let life = [
        Law("a closed log refuses, and its subscriptions are silent", checkClose),
        Law("closing commits what waits, or refuses it", checkCloseUnderWrites),
        Law("a log opened again is the same log", checkReopen),
    ]

    private static func checkClose(_ driver: Driver) async throws {
        let log = try await driver.open(0)
        let recorder = Recorder()
        let subscription = try await log.subscribe(after: 0) { recorder.receive($0) }
        let revision = try await log.write(.create("/a", []))
        await log.close()
        await log.close()
        subscription.cancel()
        let refusals = [
            await result { () async throws(DatastoreError) in _ = try await log.get("/a") },
            await result { () async throws(DatastoreError) in _ = try await log.list(ListQuery(prefix: "")) },
            await result { () async throws(DatastoreError) in _ = try await log.write(.create("/b", [])) },
            await result { () async throws(DatastoreError) in _ = try await log.changes(after: 0) },
            await result { () async throws(DatastoreError) in _ = try await log.subscribe(after: 0) { _ in }
            },
            await result { () async throws(DatastoreError) in try await log.compact(upTo: 0) },
            await result { () async throws(DatastoreError) in _ = try await log.size() },
        ]
        for refusal in refusals {
            guard case .failure(.unavailable) = refusal else {
                throw LawBroken(description: "a closed log answered \(refusal)")
            }
        }
        try require(recorder.revisions, equals: [revision], "delivered")
    }

    private static func checkCloseUnderWrites(_ driver: Driver) async throws {
        let log = try await driver.open(0)
        let acknowledged = try await withThrowingTaskGroup(of: [Revision].self) { group in
            for writer in 0..<16 {
                group.addTask {
                    var revisions: [Revision] = []
                    do throws(DatastoreError) {
                        for round in 0..<1_000_000 {
                            revisions.append(try await log.write(.create("/\(writer)/\(round)", [])))
                        }
                    } catch {
                        guard case .unavailable = error else { throw error }
                    }
                    return revisions
                }
            }
            group.addTask {
                while log.currentRevision < 100 { await Task.yield() }
                await log.close()
                return []
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        guard driver.isDurable else { return }
        try await driver.withLog { log in
            let found = Set(try await log.changes(after: 0).map(\.revision))
            try require(found.isSuperset(of: acknowledged), "acknowledged writes are missing")
        }
    }

    private static func checkReopen(_ driver: Driver) async throws {
        guard driver.isDurable else { return }
        var model = ReferenceModel()
        for life in 0..<4 {
            try await driver.withLog { log in
                try await compareAll(log, model, "at the beginning of life \(life)")
                for round in 0..<5 {
                    let entry = model.get("/\(round)")
                    let write: Write =
                        if let entry, round == life {
                            .delete(entry.key, at: entry.revision)
                        } else if let entry {
                            .update(entry.key, [UInt8(life)], at: entry.revision)
                        } else { .create("/\(round)", [UInt8(life)]) }
                    try await apply(write, to: log, &model, "life \(life)")
                }
                // The newest change is a deletion, and forgotten: its revision must not be given again.
                if let entry = model.get("/4"), life == 2 {
                    try await apply(.delete("/4", at: entry.revision), to: log, &model, "life \(life)")
                    try await log.compact(upTo: log.currentRevision)
                    model.compact(upTo: model.revision)
                }
                try await compareAll(log, model, "at the end of life \(life)")
            }
        }
    }
}
