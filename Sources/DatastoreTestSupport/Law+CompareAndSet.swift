import Datastore

extension Law {
    static let compareAndSet = [
        Law("every short sequence of wishes ends as the reference says", checkSmallWorlds),
        Law("a conflict tells what is there now", checkConflict),
        Law("many writers lose no update and share no revision", checkConcurrentWriters),
    ]

    /// What one step of a small world wishes; `stale` names a revision that never fits.
    private enum Wish: CaseIterable {
        case create, update, updateStale, delete, deleteStale

        func write(_ key: String, _ value: [UInt8], current: Entry?) -> Write {
            let here = current?.revision ?? 1
            return switch self {
            case .create: .create(key, value)
            case .update: .update(key, value, at: here)
            case .updateStale: .update(key, value, at: here + 1_000_000)
            case .delete: .delete(key, at: here)
            case .deleteStale: .delete(key, at: here + 1_000_000)
            }
        }
    }

    /// All worlds of three steps over two keys: 1,000 of them, side by side in one log.
    private static func checkSmallWorlds(_ driver: Driver) async throws {
        let steps = Wish.allCases.flatMap { wish in ["a", "a/b"].map { (wish, $0) } }
        try await driver.withLog { log in
            for first in steps.indices {
                try await withThrowingTaskGroup { group in
                    for second in steps.indices {
                        for third in steps.indices {
                            let world = "/\(first)-\(second)-\(third)/"
                            let wishes = [steps[first], steps[second], steps[third]]
                            group.addTask { try await checkWorld(world, wishes, log) }
                        }
                    }
                    try await group.waitForAll()
                }
            }
        }
    }

    private static func checkWorld(
        _ world: String, _ wishes: [(Wish, String)], _ log: any Datastore
    ) async throws {
        var model = ReferenceModel()
        for (step, (wish, name)) in wishes.enumerated() {
            let write = wish.write(world + name, [UInt8(step)], current: model.get(world + name))
            try await apply(write, to: log, &model, "step \(step) of \(world)")
            try require(try await log.get(world + name), equals: model.get(world + name), "get in \(world)")
        }
        let listing = try await log.list(ListQuery(prefix: world))
        let wanted = try model.list(ListQuery(prefix: world)).get()
        try require(listing.entries, equals: wanted.entries, "list of \(world)")
    }

    /// Writes to both, and compares what they answered.
    static func apply(
        _ write: Write, to log: any Datastore, _ model: inout ReferenceModel,
        _ what: @autoclosure () -> String
    ) async throws {
        let wanted = model.expect(write)
        let found = await result { () async throws(DatastoreError) in try await log.write(write) }
        switch (found, wanted) {
        case (.success(let revision), .success):
            try require(revision > model.revision, "\(what()): revision \(revision) does not grow")
            model.accept(write, at: revision)
        case (.failure(let refusal), .failure(let expected)) where refusal == expected:
            break
        default:
            throw LawBroken(description: "\(what()): found \(found), wanted \(wanted)")
        }
    }

    private static func checkConflict(_ driver: Driver) async throws {
        try await driver.withLog { log in
            try await require(
                .conflict(current: nil),
                from: { () async throws(DatastoreError) in
                    try await log.write(.update("/a", [1], at: 7))
                }, "an update of nothing")
            try await require(
                .conflict(current: nil),
                from: { () async throws(DatastoreError) in
                    try await log.write(.delete("/a", at: 7))
                }, "a delete of nothing")
            let first = try await log.write(.create("/a", [1]))
            let second = try await log.write(.update("/a", [2], at: first))
            let now = Entry(key: "/a", value: [2], revision: second, createdRevision: first)
            for stale in [Write.create("/a", [3]), .update("/a", [3], at: first), .delete("/a", at: first)] {
                try await require(
                    .conflict(current: now),
                    from: { () async throws(DatastoreError) in
                        try await log.write(stale)
                    }, "\(stale)")
            }
            try require(log.currentRevision, equals: second, "a refused write takes no visible revision")
        }
    }

    /// Each of many writers raises a shared counter, so that they collide, and keeps a key of its own.
    private static func checkConcurrentWriters(_ driver: Driver) async throws {
        let (writers, rounds) = (16, 12)
        try await driver.withLog { log in
            let revisions = try await withThrowingTaskGroup(of: [Revision].self) { group in
                for writer in 0..<writers {
                    group.addTask {
                        var revisions: [Revision] = []
                        for round in 0..<rounds {
                            revisions.append(try await raise("/shared", in: log))
                            revisions.append(try await log.write(.create("/own/\(writer)/\(round)", [])))
                        }
                        return revisions
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            try require(Set(revisions).count, equals: 2 * writers * rounds, "distinct revisions")
            try require(revisions.max() ?? 0, equals: log.currentRevision, "the newest revision")
            let counter = try await log.get("/shared")
            try require(
                counter?.value, equals: Array(repeating: 1, count: writers * rounds), "the counter, in ones")
            let changes = try await log.changes(after: 0)
            try require(
                changes.map(\.revision), equals: revisions.sorted(), "the log of what was acknowledged")
        }
    }

    /// Adds one byte to a value, again and again until nobody was faster.
    private static func raise(_ key: String, in log: any Datastore) async throws(DatastoreError) -> Revision {
        var current = try await log.get(key)
        while true {
            do throws(DatastoreError) {
                let value = (current?.value ?? []) + [1]
                return try await log.write(
                    current.map { .update(key, value, at: $0.revision) } ?? .create(key, value))
            } catch {
                guard case .conflict(let now) = error else { throw error }
                current = now
            }
        }
    }
}
