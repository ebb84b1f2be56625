import APIMachinery
import Datastore
import Logging
import Support
import Testing

@testable import APIServer

@Suite(.timeLimit(.minutes(5))) struct UpkeepTests {
    @Test(arguments: [(4999, 1000, nil), (5000, 1000, 4000), (9000, 0, 8000), (10, 0, nil)] as [(Revision, Revision, Revision?)])
    func `history is dropped when enough has gathered`(current: Revision, compacted: Revision, target: Revision?) {
        #expect(HistoryKeeper.target(current: current, compacted: compacted, HistoryKeeper.Limits()) == target)
    }

    @Test func `many writes leave a bounded history`() async throws {
        let fixture = try await Fixture(
            datastore: MemoryDatastore(history: HistoryLimit(changes: 1_000_000, bytes: 256 << 20)))
        let keeper = HistoryKeeper(
            log: fixture.log, datastore: fixture.datastore, report: Logger(label: "test"),
            limits: HistoryKeeper.Limits(kept: 10, gathered: 50))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await keeper.run() }
            try await fixture.create("a")
            for number in 0..<200 { try await fixture.update("a") { $0["spec"] = .integer(Int64(number)) } }
            while fixture.datastore.currentRevision - fixture.datastore.compactedRevision >= 60 {
                try Task.checkCancellation()
                await Task.yield()
            }
            group.cancelAll()
        }
    }

    /// Memory is given back once for each burst, of which the start is one, and not for less than a burst.
    @Test func `memory is given back after much was answered or written`() async throws {
        let fixture = try await Fixture()
        let (returns, returned) = AsyncStream.makeStream(of: Void.self)
        let limits = MemoryKeeper.Limits(bytes: 100, writes: 10, calm: .milliseconds(1))
        let keeper = MemoryKeeper(limits) { returned.yield() }
        var given = returns.makeAsyncIterator()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await keeper.run(following: fixture.log) }
            await given.next()
            keeper.note(bytes: 60)
            keeper.note(bytes: 40)
            await given.next()
            keeper.note(bytes: 99)
            for number in 0..<10 { try await fixture.create("a\(number)") }
            await given.next()
            group.cancelAll()
        }
        returned.finish()
        #expect(await given.next() == nil)
    }

    @Test func `an event is as old as it was last seen`() throws {
        var event: Value = [
            "metadata": ["creationTimestamp": "2026-11-21T00:00:00Z"], "lastTimestamp": "2026-11-21T01:00:00Z",
        ]
        let now = try #require(Timestamp("2026-11-21T02:00:00Z"))
        #expect(EventExpiry.lastSeen(event, before: now) == Timestamp("2026-11-21T01:00:00Z"))
        // Nobody makes an event that stays.
        event["lastTimestamp"] = "9999-12-31T23:59:59Z"
        #expect(EventExpiry.lastSeen(event, before: now) == Timestamp("2026-11-21T00:00:00Z"))
    }
}
