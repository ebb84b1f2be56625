import APIMachinery
import Datastore
import Synchronization
import Testing

@testable import APIServer

/// What many watches of one resource do once between them, and what none of them holds up.
@Suite struct SharedWorkTests {
    private static func object(_ name: String, node: String, at revision: Revision, size: Int = 0) throws -> StoredObject {
        let value: Value = [
            "metadata": ["name": .string(name), "namespace": "ns"],
            "spec": ["filling": .string(String(repeating: "x", count: size)), "node": .string(node)],
        ]
        return try StoredObject(logged: value.json, revision: revision)
    }

    /// Selects by `spec.node` and tells of each look into an object.
    private static func filter(_ node: String, _ look: @escaping @Sendable () -> Void) -> ObjectFilter {
        var filter = ObjectFilter()
        filter.fields = [
            ObjectFilter.Term(field: "spec.node", value: node, isNegated: false) { object in
                look()
                return object.field("spec.node")
            }
        ]
        return filter
    }

    @Test func `however many watches select by a field, each version of an object is read once`() throws {
        let cache = ResourceCache(Fixture.widgets, objects: [], revision: 1)
        let looks = Mutex(0)
        let watchers = (0..<20).map { index in
            CacheWatcher(filter: Self.filter("n\(index)") { looks.withLock { $0 += 1 } }, wake: {})
        }
        for watcher in watchers { try cache.add(watcher, after: 1) }
        let first = try Self.object("a", node: "n3", at: 2)
        cache.apply(CacheChange(old: nil, new: first, revision: 2))
        #expect(looks.withLock(\.self) == 1)
        cache.apply(CacheChange(old: first, new: try Self.object("a", node: "n4", at: 3), revision: 3))
        #expect(looks.withLock(\.self) == 3)
        #expect(Collector().drain(watchers[3]) == ["ADDED a@2", "DELETED a@3"])
        #expect(Collector().drain(watchers[4]) == ["ADDED a@3"])
        #expect(Collector().drain(watchers[5]) == [])
    }

    @Test func `a change is shown to those watches whose one field it is about, as it was or is`() throws {
        var table = WatcherTable()
        func watcher(_ filter: ObjectFilter) -> CacheWatcher { CacheWatcher(filter: filter, wake: {}) }
        let (three, four) = (watcher(Self.filter("n3") {}), watcher(Self.filter("n4") {}))
        let (five, all) = (watcher(Self.filter("n5") {}), watcher(ObjectFilter()))
        let (named, other) = (watcher(ObjectFilter(name: "a")), watcher(ObjectFilter(name: "b")))
        for watcher in [three, four, five, all, named, other] { table.add(watcher) }
        let moved = CacheChange(
            old: try Self.object("a", node: "n3", at: 2), new: try Self.object("a", node: "n4", at: 3), revision: 3)
        let concerned = Set(table.concerned(by: moved).map { ObjectIdentifier($0) })
        #expect(concerned == Set([three, four, all, named].map { ObjectIdentifier($0) }))
        #expect(table.count == 6 && table.all.count == 6)
        for watcher in [three, three, named, all] { table.remove(watcher) }
        #expect(table.concerned(by: moved).map { ObjectIdentifier($0) } == [ObjectIdentifier(four)])
        #expect(table.count == 3)
    }

    @Test func `while a watch looks through what is there others read and write, and nothing is lost`() throws {
        let present = try Self.object("a", node: "n", at: 1)
        let cache = ResourceCache(Fixture.widgets, objects: [present], revision: 1)
        let later = CacheChange(old: nil, new: try Self.object("b", node: "n", at: 2), revision: 2)
        let isFirst = Mutex(true)
        let filter = Self.filter("n") {
            guard isFirst.withLock({ isFirst in defer { isFirst = false }; return isFirst }) else { return }
            cache.apply(later)
            #expect(cache.list(namespace: nil).count == 2)
        }
        let watcher = CacheWatcher(filter: filter, wake: {})
        try cache.add(watcher, after: nil)
        #expect(Collector().drain(watcher) == ["ADDED a@1", "ADDED b@2"])
    }

    @Test func `what is deleted counts in the ring as much as what is written`() throws {
        var limits = ResourceCache.Limits()
        limits.ringBytes = 10_000
        let objects = try (1...20).map { try Self.object("w\($0)", node: "n", at: Revision($0), size: 4000) }
        let cache = ResourceCache(Fixture.widgets, objects: objects, revision: 20, limits: limits)
        for (index, object) in objects.enumerated() {
            cache.apply(CacheChange(old: object, new: nil, revision: 21 + Revision(index)))
        }
        #expect(cache.ringFloor == 38)
    }

    @Test func `the ring holds no frame, however many were sent`() throws {
        let cache = ResourceCache(Fixture.widgets, objects: [], revision: 1)
        let change = CacheChange(old: nil, new: try Self.object("a", node: "n", at: 2), revision: 2)
        let live = CacheWatcher(filter: ObjectFilter(), wake: {})
        try cache.add(live, after: 1)
        cache.apply(change)
        let late = CacheWatcher(filter: ObjectFilter(), wake: {})
        try cache.add(late, after: 1)
        let (first, second) = (try #require(live.take()?.first), try #require(late.take()?.first))
        #expect(first.share != nil && second.share == nil)
        #expect(first.frame == second.frame)
    }
}
