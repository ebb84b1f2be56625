import DatastoreTestSupport
import Support
import Testing

@testable import Datastore

@Suite struct SQLiteDamageTests {
    /// Flips bits all over a closed database. Each flip is found at opening or at reading, or changes
    /// nothing.
    @Test func `a flipped bit is never served as data`() async throws {
        try await Scratch.with { scratch in
            let path = scratch.path("state.db")
            let log = try SQLiteDatastore(path: path, limits: .smallest)
            for index in 0..<40 {
                let revision = try await log.write(
                    .create("/\(index)", [UInt8](repeating: UInt8(index), count: 700)))
                try await log.write(
                    .update("/\(index)", [UInt8](repeating: 255, count: 300 + index), at: revision))
            }
            let wanted = try await content(of: log)
            await log.close()
            let whole = try scratch.read("state.db")
            var random = SeededRandom(seed: 1)
            var found = 0
            for _ in 0..<300 {
                let offset = Int.random(in: 0..<whole.count, using: &random)
                let bit = UInt8.random(in: 0..<8, using: &random)
                var flipped = whole
                flipped[offset] ^= 1 << bit
                try scratch.write("state.db", flipped)
                switch try await contentOrDamage(path) {
                case nil: found += 1
                case let content: #expect(content == wanted, "bit \(bit) of byte \(offset) is flipped")
                }
            }
            #expect(found > 150)
        }
    }

    /// Damage that leaves every page well-formed, so that only the driver's own sums can find it.
    @Test(arguments: [
        "DELETE FROM current WHERE key = '/2'", "UPDATE current SET revision = 1 WHERE key = '/1'",
        "UPDATE current SET key = '/3x' WHERE key = '/3'", "INSERT INTO current VALUES ('/9', 1)",
        "UPDATE meta SET indexed = indexed + 1", "UPDATE meta SET compacted = 1", "DELETE FROM meta",
        "DELETE FROM log WHERE revision = 7", "UPDATE log SET value = x'00' WHERE revision = 7",
        "UPDATE log SET key = '/3' WHERE revision = 7", "UPDATE log SET previous = 1 WHERE revision = 7",
    ])
    func `a row that was changed behind the driver's back is found`(damage: String) async throws {
        try await Scratch.with { scratch in
            let path = scratch.path("state.db")
            let log = try SQLiteDatastore(path: path, limits: .smallest)
            for index in 1...4 {
                let revision = try await log.write(.create("/\(index)", [1]))
                try await log.write(.update("/\(index)", [2], at: revision))
            }
            await log.close()
            #expect(try await contentOrDamage(path) != nil)
            let inside = try Connection(path, flags: .createForTests)
            try inside.execute(damage)
            inside.close()
            #expect(try await contentOrDamage(path) == nil)
        }
    }

    private struct Content: Equatable {
        var listing: Listing
        var changes: [Change]
    }

    private func content(of log: SQLiteDatastore) async throws(DatastoreError) -> Content {
        Content(listing: try await log.list(ListQuery(prefix: "/")), changes: try await log.changes(after: 0))
    }

    /// `nil` when the damage was found.
    private func contentOrDamage(_ path: String) async throws -> Content? {
        let log: SQLiteDatastore
        do throws(Fault) {
            log = try SQLiteDatastore(path: path)
        } catch {
            try #require([.corrupt, .invalid, .unsupported].contains(error.code), "\(error)")
            return nil
        }
        do throws(DatastoreError) {
            let found = try await content(of: log)
            await log.close()
            return found
        } catch {
            await log.close()
            guard case .corrupt = error else { throw error }
            return nil
        }
    }

    @Test func `the sum of a row never changes its meaning`() {
        let row = Row(
            revision: 7, previous: 3, created: 1, key: "/registry/pods/a/b", value: Array("hello world".utf8))
        let deletion = Row(revision: 8, previous: 7, created: 1, key: "/registry/pods/a/b", value: nil)
        #expect(row.sum == 460_172_133)
        #expect(deletion.sum == 2_303_989_080)
    }

    @Test func `every field of a row is in its sum`() {
        let row = Row(revision: 7, previous: 3, created: 1, key: "/a", value: [1, 2, 3])
        var changed: [Row] = []
        for bit in 0..<63 {
            for path in [\Row.revision, \.previous, \.created] {
                var other = row
                other[keyPath: path] ^= 1 << bit
                changed.append(other)
            }
        }
        changed += [nil, [], [1, 2], [1, 2, 3, 0], [0, 2, 3], [3, 2, 1]].map { (value: [UInt8]?) in
            Row(revision: 7, previous: 3, created: 1, key: "/a", value: value)
        }
        changed += ["/", "/b", "/a\u{1}", "/a\u{0}"].map {
            Row(revision: 7, previous: 3, created: 1, key: $0, value: [1, 2, 3])
        }
        #expect(changed.allSatisfy { $0.sum != row.sum })
    }
}
