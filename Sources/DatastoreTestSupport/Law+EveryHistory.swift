import Datastore
import Support

extension Law {
    /// Seeded histories of everything at once, each answer compared with the reference.
    static let everyHistory = Law("whatever happens, every answer is the reference's") { driver in
        for seed in UInt64(0)..<12 {
            do {
                try await checkHistory(seed, driver)
            } catch {
                throw LawBroken(description: "seed \(seed): \(error)")
            }
        }
    }

    private static func checkHistory(_ seed: UInt64, _ driver: Driver) async throws {
        var random = SeededRandom(seed: seed)
        var model = ReferenceModel()
        let place = Int(seed) + 1
        var log = try await driver.open(place)
        do {
            for step in 0..<250 {
                switch Int.random(in: 0..<100, using: &random) {
                case 0..<70:
                    let write = randomWrite(&random, model)
                    try await apply(write, to: log, &model, "step \(step)")
                case 70..<85:
                    try await compareList(randomQuery(&random, model), log, model)
                case 85..<93:
                    let after = Revision.random(in: 0...(model.revision + 1), using: &random)
                    let found = await result { () async throws(DatastoreError) in
                        try await log.changes(after: after)
                    }
                    try require(found, equals: model.changes(after: after), "the changes after \(after)")
                case 93..<96:
                    let target = Revision.random(in: 0...model.revision, using: &random)
                    try await log.compact(upTo: target)
                    model.compact(upTo: target)
                default:
                    guard driver.isDurable else { continue }
                    await log.close()
                    log = try await driver.open(place)
                    try require(log.compactedRevision, equals: model.compacted, "compacted after re-opening")
                }
            }
            try await compareAll(log, model, "at the end")
        } catch {
            await log.close()
            throw error
        }
        await log.close()
    }

    private static func randomWrite(_ random: inout SeededRandom, _ model: ReferenceModel) -> Write {
        let key = randomKey(&random)
        let revision = model.get(key)?.revision
        let isRight = Int.random(in: 0..<8, using: &random) > 0
        let value = [UInt8](
            repeating: UInt8.random(in: 0...255, using: &random),
            count: Int.random(in: 0..<40, using: &random))
        switch (revision, Int.random(in: 0..<3, using: &random)) {
        case (nil, _) where isRight, (_, _) where !isRight && revision != nil: return .create(key, value)
        case (let revision, 0): return .delete(key, at: revision ?? 1)
        case (let revision, _): return .update(key, value, at: revision ?? 1)
        }
    }

    private static func randomKey(_ random: inout SeededRandom) -> String {
        let kind = ["pods", "pods/a", "nodes"].randomElement(using: &random) ?? ""
        return "/\(kind)/\(Int.random(in: 0..<7, using: &random))"
    }

    private static func randomQuery(_ random: inout SeededRandom, _ model: ReferenceModel) -> ListQuery {
        ListQuery(
            prefix: ["", "/", "/pods", "/pods/", "/pods/a/", "/x"].randomElement(using: &random) ?? "",
            after: Bool.random(using: &random) ? randomKey(&random) : nil,
            limit: Bool.random(using: &random) ? Int.random(in: 1..<8, using: &random) : nil,
            at: Bool.random(using: &random)
                ? Revision.random(in: 0...(model.revision + 1), using: &random) : nil)
    }

    private static func compareList(
        _ query: ListQuery, _ log: any Datastore, _ model: ReferenceModel
    ) async throws {
        let found = await result { () async throws(DatastoreError) in try await log.list(query) }
        try require(found, equals: model.list(query), "\(query)")
    }
}
