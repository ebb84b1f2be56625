import DatastoreTestSupport
import Glibc
import Testing

@testable import Datastore

@Suite struct SQLiteDatastoreTests {
    @Test(arguments: Law.all)
    func `the SQLite driver keeps the law`(law: Law) async throws {
        try await Scratch.with { scratch in
            try await checkDatastore(law, Driver(isDurable: true) { try SQLiteDatastore(path: scratch.path("\($0).db")) })
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

/// A directory that lives as long as a test.
struct Scratch {
    let directory: String

    static func with(_ body: (Scratch) async throws -> Void) async throws {
        var template = Array("/tmp/datastore-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let directory = template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
        let scratch = Scratch(directory: directory)
        defer { scratch.remove() }
        try await body(scratch)
    }

    func path(_ name: String) -> String { directory + "/" + name }

    var names: [String] {
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    private func remove() {
        for name in names { unlink(path(name)) }
        rmdir(directory)
    }
}
