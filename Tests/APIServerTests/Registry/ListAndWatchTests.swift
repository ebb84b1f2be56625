import APIMachinery
import Client
import Datastore
import Support
import Synchronization
import Testing

@testable import APIServer

@Suite struct ListAndWatchTests {
    private func names(_ page: ResourceStore.Page?) -> [String] { (page?.items ?? []).map(\.name) }

    @Test func `pages show one state, however much is written between them`() async throws {
        let fixture = try await Fixture()
        for name in ["a", "b", "c", "d", "e"] { try await fixture.create(name) }
        var request = ResourceStore.ListRequest(limit: 2)
        let first = try #require(try fixture.store.listPresent(request))
        #expect(names(first) == ["a", "b"])
        #expect(first.remaining == 3)
        _ = try await fixture.delete("c")
        try await fixture.create("bb")

        request.continuation = first.continuation
        #expect(try fixture.store.listPresent(request) == nil)
        let second = try await fixture.store.listPast(request)
        #expect(names(second) == ["c", "d"])
        #expect(second.revision == first.revision)
        request.continuation = second.continuation
        let third = try await fixture.store.listPast(request)
        #expect(names(third) == ["e"])
        #expect(third.continuation == nil)
    }

    @Test func `a page whose state is gone says how to go on`() async throws {
        let fixture = try await Fixture()
        for name in ["a", "b", "c"] { try await fixture.create(name) }
        var request = ResourceStore.ListRequest(limit: 1)
        let first = try #require(try fixture.store.listPresent(request))
        try await fixture.create("d")
        try await fixture.datastore.compact(upTo: fixture.datastore.currentRevision)
        request.continuation = first.continuation
        let status = await #expect(throws: Status.self) { try await fixture.store.listPast(request) }
        #expect(status?.code == 410)
        request.continuation = try #require(ContinueToken(status?.continueToken ?? ""))
        #expect(names(try fixture.store.listPresent(request)) == ["b"])
    }

    @Test func `a list that takes too long goes on with a newer state, though nothing was written`() async throws {
        let clock = Mutex(Timestamp(seconds: 1_000_000))
        let fixture = try await Fixture(now: { clock.withLock(\.self) })
        for name in ["a", "b", "c"] { try await fixture.create(name) }
        var request = ResourceStore.ListRequest(limit: 1)
        let first = try #require(try fixture.store.listPresent(request))
        request.continuation = try #require(ContinueToken(first.continuation?.text ?? ""))
        clock.withLock { $0 = $0 + ContinueToken.lifetime }
        let second = try #require(try fixture.store.listPresent(request))
        #expect(names(second) == ["b"])
        clock.withLock { $0 = $0 + .seconds(1) }
        request.continuation = second.continuation
        #expect(try fixture.store.listPresent(request) == nil, "the age is the first page's")
        let status = await #expect(throws: Status.self) { try await fixture.store.listPast(request) }
        #expect(status?.code == 410)
        request.continuation = try #require(ContinueToken(status?.continueToken ?? ""))
        let rest = try #require(try fixture.store.listPresent(request))
        #expect(names(rest) == ["c"])
        #expect(rest.revision > first.revision)
    }

    @Test func `a state of the future is refused, and told to come again`() async throws {
        let fixture = try await Fixture()
        let request = ResourceStore.ListRequest(version: .notOlderThan(7))
        let status = #expect(throws: Status.self) { try fixture.store.listPresent(request) }
        #expect(status?.code == 504)
        #expect(status?.details?.retryAfterSeconds == 1)
    }

    @Test func `a filter selects by namespace, name and labels`() async throws {
        let fixture = try await Fixture()
        try await fixture.create("a", ["metadata": ["labels": ["x": "1"]]])
        try await fixture.create("b")
        var request = ResourceStore.ListRequest()
        request.filter.matches = { $0.labels["x"] == "1" }
        #expect(names(try fixture.store.listPresent(request)) == ["a"])
        request.filter = ObjectFilter(namespace: "other")
        #expect(names(try fixture.store.listPresent(request)) == [])
        request.filter = ObjectFilter(namespace: "ns", name: "b")
        #expect(names(try fixture.store.listPresent(request)) == ["b"])
    }

    // MARK: Watching

    private func watcher(_ filter: ObjectFilter = ObjectFilter(), pending: Int = 100) -> CacheWatcher {
        var limits = CacheWatcher.Limits()
        limits.pendingEvents = pending
        return CacheWatcher(filter: filter, limits: limits, wake: {})
    }

    @Test func `a watch from a revision sees exactly what came after`() async throws {
        let fixture = try await Fixture()
        try await fixture.create("a")
        try await fixture.create("b")
        let watcher = watcher()
        try await fixture.store.watch(watcher, after: 1)
        try await fixture.update("a") { $0["spec"] = 1 }
        _ = try await fixture.delete("b")
        #expect(Collector().drain(watcher) == ["ADDED b@2", "MODIFIED a@3", "DELETED b@4"])
    }

    @Test func `a watch from a revision of the future waits for it, and shows what follows`() async throws {
        let fixture = try await Fixture()
        try await fixture.create("a")
        let watcher = watcher()
        try await fixture.store.watch(watcher, after: 3)
        for name in ["b", "c"] { try await fixture.create(name) }
        #expect(Collector().drain(watcher) == [])
        try await fixture.create("d")
        #expect(Collector().drain(watcher) == ["ADDED d@4"])
    }

    @Test func `a change that came from the history is not told again by the cache`() throws {
        let cache = ResourceCache(Fixture.widgets, objects: [], revision: 2)
        let watcher = watcher()
        let change = { (revision: Revision) throws in
            let value: Value = ["metadata": ["name": .string("w\(revision)"), "namespace": "ns"]]
            return CacheChange(
                old: nil, new: try StoredObject(logged: value.json, revision: revision), revision: revision)
        }
        // The history was read up to a change that the log has not yet handed to the cache.
        try cache.add(watcher, after: 2, prior: [try change(3)])
        cache.apply(try change(3))
        cache.apply(try change(4))
        #expect(Collector().drain(watcher) == ["ADDED w3@3", "ADDED w4@4"])
    }

    @Test func `a watch without revision begins with what is there`() async throws {
        let fixture = try await Fixture()
        try await fixture.create("a")
        try await fixture.create("b")
        let watcher = watcher()
        try await fixture.store.watch(watcher, after: nil)
        #expect(Collector().drain(watcher) == ["ADDED a@1", "ADDED b@2"])
    }

    @Test func `an object that ceases to match is deleted for those who select`() async throws {
        let fixture = try await Fixture()
        try await fixture.create("a", ["metadata": ["labels": ["x": "1"]]])
        let watcher = watcher(ObjectFilter(matches: { $0.labels["x"] == "1" }))
        try await fixture.store.watch(watcher, after: 1)
        try await fixture.update("a") { $0[path: ["metadata", "labels", "x"]] = "2" }
        try await fixture.update("a") { $0[path: ["metadata", "labels", "y"]] = "3" }
        try await fixture.update("a") { $0[path: ["metadata", "labels", "x"]] = "1" }
        #expect(Collector().drain(watcher) == ["DELETED a@2", "ADDED a@4"])
    }

    @Test func `what the ring has forgotten comes from the history, also after a restart`() async throws {
        let fixture = try await Fixture()
        try await fixture.create("a")
        for number in 0..<20 { try await fixture.update("a") { $0["spec"] = .integer(Int64(number)) } }
        _ = try await fixture.delete("a")
        let restarted = try await Fixture(datastore: fixture.datastore)
        let watcher = watcher()
        try await restarted.store.watch(watcher, after: 19)
        try await restarted.create("b")
        #expect(Collector().drain(watcher) == ["MODIFIED a@20", "MODIFIED a@21", "DELETED a@22", "ADDED b@23"])
    }

    @Test func `a watch from a forgotten revision is refused with 410`() async throws {
        let fixture = try await Fixture()
        for name in ["a", "b", "c"] { try await fixture.create(name) }
        try await fixture.datastore.compact(upTo: 2)
        let restarted = try await Fixture(datastore: fixture.datastore)
        let watcher = watcher()
        let status = await #expect(throws: Status.self) { try await restarted.store.watch(watcher, after: 1) }
        #expect(status?.code == 410)
        #expect(status?.reason == .expired)
    }

    @Test func `a consumer that does not keep up is cut off, and bounded`() async throws {
        let fixture = try await Fixture()
        let watcher = watcher(pending: 3)
        try await fixture.store.watch(watcher, after: nil)
        for name in ["a", "b", "c", "d", "e", "f"] { try await fixture.create(name) }
        #expect(watcher.take()?.count == 4)
        #expect(watcher.take() == nil)
    }

    @Test func `an observer sees the present first, then every change, until it is cancelled`() async throws {
        let fixture = try await Fixture()
        try await fixture.create("a")
        let set = CachedObjectSet(cache: fixture.store.cache, filter: ObjectFilter())
        let seen = Seen()
        let observation = set.observe { seen.add($0) }
        try await fixture.create("b")
        _ = try await fixture.delete("a")
        observation.cancel()
        try await fixture.create("c")
        #expect(seen.all == ["+a", "+b", "-a"])
        #expect(set.list(namespace: nil).map(\.name) == ["b", "c"])
    }

    @Test func `an observer of one object is told of that alone, whether it is there or not`() async throws {
        let fixture = try await Fixture()
        for name in ["a", "b"] { try await fixture.create(name) }
        let seen = Seen()
        var observations: [any Observation] = []
        for name in ["b", "c"] {
            var filter = ObjectFilter(namespace: "ns")
            filter.name = name
            observations.append(CachedObjectSet(cache: fixture.store.cache, filter: filter).observe { seen.add($0) })
        }
        for name in ["c", "d"] { try await fixture.create(name) }
        _ = try await fixture.delete("b")
        #expect(seen.all == ["+b", "+c", "-b"])
        for observation in observations { observation.cancel() }
    }
}

private final class Seen: Sendable {
    private let changes = Mutex<[String]>([])

    func add(_ change: ObjectChange) {
        changes.withLock { $0.append((change.new == nil ? "-" : change.old == nil ? "+" : "~") + change.name.name) }
    }

    var all: [String] { changes.withLock(\.self) }
}
