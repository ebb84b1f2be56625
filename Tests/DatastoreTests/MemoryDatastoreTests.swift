import Datastore
import DatastoreTestSupport
import Testing

@Suite struct MemoryDatastoreTests {
    private let driver = Driver(isDurable: false) { _ in MemoryDatastore() }

    @Test(arguments: Law.all)
    func `the memory driver keeps the law`(law: Law) async throws {
        try await checkDatastore(law, driver)
    }

    @Test func `a log may begin above every revision given out before`() async throws {
        let log = MemoryDatastore(startingAt: 1_000)
        #expect(log.currentRevision == 1_000)
        #expect(try await log.write(.create("/a", [])) == 1_001)
        await #expect(throws: DatastoreError.compacted(oldest: 1_000)) { try await log.changes(after: 999) }
        #expect(try await log.changes(after: 1_000).map(\.revision) == [1_001])
    }

    @Test func `history is bounded in number, and the state is not`() async throws {
        let log = MemoryDatastore(history: HistoryLimit(changes: 10))
        for index in 0..<100 { try await log.write(.create("/\(index)", [])) }
        #expect(log.compactedRevision == 90)
        #expect(try await log.changes(after: 90).count == 10)
        await #expect(throws: DatastoreError.compacted(oldest: 90)) { try await log.changes(after: 89) }
        #expect(try await log.list(ListQuery(prefix: "/")).entries.count == 100)
    }

    @Test func `history is bounded in bytes, but always holds the newest change`() async throws {
        let log = MemoryDatastore(history: HistoryLimit(bytes: 1_000))
        for index in 0..<10 { try await log.write(.create("/\(index)", [UInt8](repeating: 0, count: 300))) }
        #expect(log.compactedRevision == 7)
        try await log.write(.create("/large", [UInt8](repeating: 0, count: 5_000)))
        #expect(log.compactedRevision == 10)
        #expect(try await log.changes(after: 10).count == 1)
    }
}
