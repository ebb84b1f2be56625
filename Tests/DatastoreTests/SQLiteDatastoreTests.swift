import DatastoreTestSupport
import Testing

@testable import Datastore

@Suite struct SQLiteDatastoreTests {
    @Test(arguments: Law.all)
    func `the SQLite driver keeps the law`(law: Law) async throws {
        try await Scratch.with { scratch in
            try await checkDatastore(
                law, Driver(isDurable: true) { try SQLiteDatastore(path: scratch.path("\($0).db")) })
        }
    }

    /// The same laws where indexing, checkpoints and steps of compaction come every few writes.
    @Test(arguments: Law.all)
    func `the SQLite driver keeps the law with the smallest limits`(law: Law) async throws {
        try await Scratch.with { scratch in
            let driver = Driver(isDurable: true) {
                try SQLiteDatastore(path: scratch.path("\($0).db"), limits: .smallest)
            }
            try await checkDatastore(law, driver)
        }
    }
}

extension SQLiteLog.Limits {
    static let smallest = SQLiteLog.Limits(
        unindexedKeys: 3, logPages: 4, sweepRows: 2, vacuumPages: 2, cacheKibibytes: 16)
}
