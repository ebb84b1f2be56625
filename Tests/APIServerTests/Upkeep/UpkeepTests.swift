import APIMachinery
import Datastore
import Logging
import Support
import Testing

@testable import APIServer

@Suite(.timeLimit(.minutes(1))) struct UpkeepTests {
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

    @Test func `an event is as old as it was last seen`() {
        let event: Value = [
            "metadata": ["creationTimestamp": "2026-11-21T00:00:00Z"], "lastTimestamp": "2026-11-21T01:00:00Z",
        ]
        #expect(EventExpiry.lastSeen(event, orElse: .now) == Timestamp("2026-11-21T01:00:00Z"))
    }
}
