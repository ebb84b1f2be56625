import API
import APIMachinery
import Datastore
import Support
import Synchronization
import Testing

@testable import APIServer

/// The pods of a node are found without a look at the others.
@Suite struct FieldIndexTests {
    private static func pod(_ name: String, on node: String?, at revision: Revision) throws -> StoredObject {
        var value: Value = ["metadata": ["name": .string(name), "namespace": "ns"], "spec": .emptyObject]
        if let node { value[path: ["spec", "nodeName"]] = .string(node) }
        return try StoredObject(logged: value.json, revision: revision)
    }

    private static func filter(_ field: String, _ text: String, not isNegated: Bool = false) -> ObjectFilter {
        var filter = ObjectFilter()
        filter.fields = [.init(field: field, value: text, isNegated: isNegated) { $0.field(field) }]
        return filter
    }

    private static func pods(_ objects: [StoredObject]) -> ResourceCache {
        let resource = GroupVersionResource(group: "", version: "v1", resource: "pods")
        return ResourceCache(resource, objects: objects, revision: 5)
    }

    private static func names(_ cache: ResourceCache, _ filter: ObjectFilter) -> [String] {
        cache.candidates(for: filter).map(\.name)
    }

    @Test func `a node's pods are those that are there at the start, come, move, and have not gone`() throws {
        let (b, a, c) = (
            try Self.pod("b", on: "n1", at: 1), try Self.pod("a", on: "n1", at: 2), try Self.pod("c", on: nil, at: 3)
        )
        let cache = Self.pods([b, a, c])
        #expect(Self.names(cache, Self.filter("spec.nodeName", "n1")) == ["a", "b"])
        #expect(Self.names(cache, Self.filter("spec.nodeName", "")) == ["c"])
        let placed = try Self.pod("c", on: "n1", at: 6)
        cache.apply(CacheChange(old: c, new: placed, revision: 6))
        cache.apply(CacheChange(old: a, new: nil, revision: 7))
        cache.apply(CacheChange(old: nil, new: try Self.pod("d", on: "n2", at: 8), revision: 8))
        #expect(Self.names(cache, Self.filter("spec.nodeName", "n1")) == ["b", "c"])
        #expect(Self.names(cache, Self.filter("spec.nodeName", "n2")) == ["d"])
        #expect(Self.names(cache, Self.filter("spec.nodeName", "")) == [])
    }

    @Test func `what asks for another field, or for every other text, looks at all`() throws {
        let cache = Self.pods([try Self.pod("a", on: "n1", at: 1), try Self.pod("b", on: "n2", at: 2)])
        #expect(Self.names(cache, Self.filter("spec.nodeName", "n1", not: true)) == ["a", "b"])
        #expect(Self.names(cache, Self.filter("status.phase", "Running")) == ["a", "b"])
        #expect(Self.names(cache, ObjectFilter()) == ["a", "b"])
    }

    @Test func `a watch that begins with what is there looks at its node's pods alone`() throws {
        let cache = Self.pods(try (1...40).map { try Self.pod("p\($0)", on: "n\($0 % 10)", at: Revision($0)) })
        let looks = Mutex(0)
        var filter = ObjectFilter()
        filter.fields = [
            .init(field: "spec.nodeName", value: "n3", isNegated: false) { object in
                looks.withLock { $0 += 1 }
                return object.field("spec.nodeName")
            }
        ]
        let watcher = CacheWatcher(filter: filter, wake: {})
        try cache.add(watcher, after: nil)
        #expect(Collector().drain(watcher) == ["ADDED p13@13", "ADDED p23@23", "ADDED p3@3", "ADDED p33@33"])
        #expect(looks.withLock(\.self) == 4)
    }

    @Test(arguments: 1...8) func `whatever happens, it finds what a look at all would`(seed: UInt64) throws {
        var dice = SeededRandom(seed: seed)
        let cache = Self.pods([])
        var present: [String: StoredObject] = [:]
        for revision in Revision(6)..<300 {
            let name = "p\(Int.random(in: 0..<12, using: &dice))"
            let node = ["n1", "n2", nil].randomElement(using: &dice) ?? nil
            let new = Bool.random(using: &dice) || present[name] == nil ? try Self.pod(name, on: node, at: revision) : nil
            cache.apply(CacheChange(old: present[name], new: new, revision: revision))
            present[name] = new
            for node in ["n1", "n2", ""] {
                let filter = Self.filter("spec.nodeName", node)
                #expect(Self.names(cache, filter) == cache.list(namespace: nil).filter(filter.includes).map(\.name))
            }
        }
    }
}
