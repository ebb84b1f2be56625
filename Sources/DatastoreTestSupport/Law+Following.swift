import Datastore

extension Law {
    static let following = [
        Law("a subscription has no gap and no repetition, wherever it begins", checkSubscriptions),
        Law(
            "a sink has seen a write before it returns, and before its revision is current",
            checkReadYourWrites),
        Law("a cancelled subscription is silent, and the others go on", checkCancel),
        Law("what lies in the future is refused", checkFuture),
    ]

    private static func checkSubscriptions(_ driver: Driver) async throws {
        try await driver.withLog { log in
            let recorders = Shared<[(after: Revision, Recorder)]>([])
            try await withThrowingTaskGroup { group in
                for writer in 0..<8 {
                    group.addTask {
                        for round in 0..<60 {
                            try await log.write(.create("/\(writer)/\(round)", [UInt8(round)]))
                        }
                    }
                }
                for _ in 0..<8 {
                    group.addTask {
                        for _ in 0..<4 {
                            let recorder = Recorder()
                            let after = log.currentRevision / 2
                            _ = try await log.subscribe(after: after) { recorder.receive($0) }
                            recorders.change { $0.append((after, recorder)) }
                        }
                    }
                }
                try await group.waitForAll()
            }
            // A late one, whose past is long.
            let late = Recorder()
            _ = try await log.subscribe(after: 0) { late.receive($0) }
            recorders.change { $0.append((0, late)) }
            try await log.write(.create("/last", []))
            let all = try await log.changes(after: 0)
            for (after, recorder) in recorders.value {
                try require(!recorder.wasConcurrent, "a sink was called concurrently")
                try require(
                    recorder.revisions, equals: all.map(\.revision).filter { $0 > after },
                    "delivered after \(after)")
                try require(
                    recorder.changes == all.filter { $0.revision > after }, "delivered changes differ")
            }
        }
    }

    private static func checkReadYourWrites(_ driver: Driver) async throws {
        try await driver.withLog { log in
            let seen = Shared<Revision>(0)
            let early = Shared(false)
            _ = try await log.subscribe(after: 0) { changes in
                let newest = changes.last?.revision ?? 0
                if log.currentRevision >= newest { early.change { $0 = true } }
                seen.change { $0 = newest }
            }
            try await withThrowingTaskGroup { group in
                for writer in 0..<8 {
                    group.addTask {
                        for round in 0..<25 {
                            let revision = try await log.write(.create("/\(writer)/\(round)", []))
                            let known = seen.value
                            try require(
                                known >= revision, "write \(revision) returned before the sink knew it")
                            try require(
                                log.currentRevision >= revision, "\(revision) returned, and is not current")
                        }
                    }
                }
                try await group.waitForAll()
            }
            try require(!early.value, "a revision was current before the sink knew it")
        }
    }

    private static func checkCancel(_ driver: Driver) async throws {
        try await driver.withLog { log in
            let (ended, running) = (Recorder(), Recorder())
            let subscription = try await log.subscribe(after: 0) { ended.receive($0) }
            _ = try await log.subscribe(after: 0) { running.receive($0) }
            let first = try await log.write(.create("/a", []))
            subscription.cancel()
            let second = try await log.write(.update("/a", [1], at: first))
            subscription.cancel()
            let third = try await log.write(.delete("/a", at: second))
            try require(ended.revisions, equals: [first], "the cancelled subscription")
            try require(running.revisions, equals: [first, second, third], "the other subscription")
        }
    }

    private static func checkFuture(_ driver: Driver) async throws {
        try await driver.withLog { log in
            let now = try await log.write(.create("/a", []))
            let refusal = DatastoreError.future(current: now)
            try await require(
                refusal,
                from: { () async throws(DatastoreError) in
                    _ = try await log.list(ListQuery(prefix: "/", at: now + 1))
                }, "a list")
            try await require(
                refusal,
                from: { () async throws(DatastoreError) in
                    _ = try await log.changes(after: now + 1)
                }, "the changes")
            try await require(
                refusal,
                from: { () async throws(DatastoreError) in
                    _ = try await log.subscribe(after: now + 1) { _ in }
                }, "a subscription")
            try await require(
                refusal,
                from: { () async throws(DatastoreError) in
                    try await log.compact(upTo: now + 1)
                }, "a compaction")
            try require(try await log.changes(after: now), equals: [], "the changes after now")
        }
    }
}
