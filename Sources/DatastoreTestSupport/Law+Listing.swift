import Datastore

extension Law {
    static let listing = [
        Law("keys are their bytes, and lists are in the order of bytes", checkByteOrder),
        Law("pages of one revision make up the whole of it, whatever is written between them", checkPaging),
        Law("a value is given back byte for byte, whatever its length", checkValues),
    ]

    /// Keys that are told apart, or put in order, differently by characters, by UTF-16 and by bytes.
    private static let awkwardKeys = [
        "/", "/a", "/a/", "/a/b", "/a0", "/a-b", "/ab", "/A", "/é", "/e\u{301}", "/z", "/\u{FFFD}",
        "/\u{1F600}",
        "/a\u{0}b", "/a\u{0}", "/ß", "/ss", "//", "/a/\u{7F}", "/a/\u{80}", "b", "/a%b", "/a_b", "/a'b",
        "/a\"b",
    ]

    private static func checkByteOrder(_ driver: Driver) async throws {
        try await driver.withLog { log in
            var model = ReferenceModel()
            for (index, key) in awkwardKeys.enumerated() {
                try await apply(
                    .create(key, [UInt8(index)]), to: log, &model, "create \(key.debugDescription)")
            }
            for key in awkwardKeys {
                try require(
                    try await log.get(key)?.value, equals: model.get(key)?.value,
                    "get \(key.debugDescription)")
            }
            for prefix in awkwardKeys + [""] {
                for after in awkwardKeys.map(Optional.some) + [nil] {
                    for limit in [nil, 1, 3] {
                        let query = ListQuery(prefix: prefix, after: after, limit: limit)
                        let found = try await log.list(query)
                        let wanted = try model.list(query).get()
                        try require(
                            found.entries.map(\.value), equals: wanted.entries.map(\.value), "\(query)")
                        try require(found.hasMore, equals: wanted.hasMore, "more after \(query)")
                    }
                }
            }
        }
    }

    private static func checkPaging(_ driver: Driver) async throws {
        try await driver.withLog { log in
            for index in 0..<40 { try await log.write(.create("/a/\(index)", [UInt8(index)])) }
            let whole = try await log.list(ListQuery(prefix: "/a/"))
            for limit in [1, 7, 39, 40, 41] {
                var entries: [Entry] = []
                var hasMore = true
                while hasMore {
                    let query = ListQuery(
                        prefix: "/a/", after: entries.last?.key, limit: limit, at: whole.revision)
                    let page = try await log.list(query)
                    try require(page.revision, equals: whole.revision, "the revision of a page")
                    entries += page.entries
                    hasMore = page.hasMore
                    try await disturb(log, limit)
                }
                try require(entries, equals: whole.entries, "pages of \(limit)")
            }
        }
    }

    /// Creates, updates and deletes keys among those that are being listed.
    private static func disturb(_ log: any Datastore, _ seed: Int) async throws {
        let entries = try await log.list(ListQuery(prefix: "/a/")).entries
        let victim = entries[(seed * 7) % entries.count]
        try await log.write(.delete(victim.key, at: victim.revision))
        let other = entries[(seed * 7 + 1) % entries.count]
        try await log.write(.update(other.key, [255], at: other.revision))
        try await log.write(.create("/a/new-\(log.currentRevision)", []))
    }

    private static func checkValues(_ driver: Driver) async throws {
        try await driver.withLog { log in
            for length in [0, 1, 7, 8, 9, 1000, 4096, 100_000, 1_500_000] {
                let value = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ length) }
                try await log.write(.create("/\(length)", value))
                try require(
                    try await log.get("/\(length)")?.value == value, "a value of \(length) bytes differs")
            }
        }
    }
}
