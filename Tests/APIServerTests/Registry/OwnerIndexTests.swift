import APIMachinery
import Datastore
import Support
import Testing

@testable import APIServer

/// What belongs to an owner is found without a look at the others.
@Suite struct OwnerIndexTests {
    private static func object(_ name: String, of owners: [String], at revision: Revision) throws -> StoredObject {
        let references = owners.map { uid -> Value in
            ["apiVersion": "v1", "kind": "Owner", "name": .string(uid), "uid": .string(uid)]
        }
        let value: Value = [
            "metadata": ["name": .string(name), "namespace": "ns", "ownerReferences": .array(references)]
        ]
        return try StoredObject(logged: value.json, revision: revision)
    }

    @Test(arguments: 1...8) func `whatever changes hands, it finds what a look at all would`(seed: UInt64) throws {
        var dice = SeededRandom(seed: seed)
        let cache = ResourceCache(Fixture.widgets, objects: [], revision: 5)
        var present: [String: StoredObject] = [:]
        for revision in Revision(6)..<400 {
            let name = "w\(Int.random(in: 0..<12, using: &dice))"
            let owners = [["a"], ["b"], ["a", "b"], ["a", "a"], []].randomElement(using: &dice) ?? []
            let isGone = present[name] != nil && Int.random(in: 0..<4, using: &dice) == 0
            let new = isGone ? nil : try Self.object(name, of: owners, at: revision)
            cache.apply(CacheChange(old: present[name], new: new, revision: revision))
            present[name] = new
            for uid in ["a", "b"] {
                let wanted = cache.list(namespace: nil).filter { $0.owners.contains { $0.uid == uid } }
                #expect(cache.owned(by: uid).map(\.revision) == wanted.map(\.revision))
            }
        }
    }

    @Test func `what is put in another form is found in that form`() throws {
        let old = try Self.object("w", of: ["a"], at: 5)
        let cache = ResourceCache(Fixture.widgets, objects: [old], revision: 5)
        cache.replaceAll { $0.replacing(bytes: Array($0.bytes)) }
        #expect(cache.owned(by: "a").first !== old)
        #expect(cache.owned(by: "a").first === cache.list(namespace: nil).first)
    }
}
