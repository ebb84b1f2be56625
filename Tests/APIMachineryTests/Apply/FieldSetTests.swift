import Support
import Testing

@testable import APIMachinery

@Suite struct FieldSetTests {
    @Test(arguments: [
        #"{}"#,
        #"{"f:metadata":{"f:labels":{".":{},"f:app":{}}}}"#,
        #"{"f:spec":{"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:port":{}}}}}"#,
        #"{"f:metadata":{"f:finalizers":{".":{},"v:\"a.b/c\"":{}}}}"#,
        #"{"f:list":{"i:0":{},"i:2":{}}}"#,
        // By the size of the number, not by its digits; fields before keys before values.
        #"{"f:a":{},"k:{\"p\":80}":{},"k:{\"p\":443}":{},"k:{\"p\":8080}":{},"v:9":{},"v:10":{},"v:\"1\"":{}}"#,
    ])
    func `a set is written as it was read`(text: String) throws {
        let set = try FieldSet(fieldsV1: try Value(json: text))
        #expect(set.description == text)
        #expect(FieldSet(set.paths) == set)
    }

    @Test(arguments: [#"{"x:a":{}}"#, #"{"f:a":1}"#, #"{"k:name":{}}"#, #"[]"#, #"{"i:x":{}}"#])
    func `what names no part is refused`(text: String) throws {
        let value = try Value(json: text)
        #expect(throws: FieldSetError.self) { try FieldSet(fieldsV1: value) }
    }

    @Test func `a path reads as messages show it`() {
        let path = FieldPath([
            .field("spec"), .field("parts"), .key(["name": "a", "port": 80]), .field("image"), .value("x"), .index(3),
        ])
        #expect(path.description == #".spec.parts[name="a",port=80].image[="x"][3]"#)
    }

    /// The trees must behave as the sets of paths that they stand for.
    @Test(arguments: UInt64(0)..<100)
    func `union, intersection and difference are those of the paths`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let (a, b) = (Self.randomPaths(using: &random), Self.randomPaths(using: &random))
        let (left, right) = (FieldSet(Array(a)), FieldSet(Array(b)))
        #expect(Set(left.paths) == a)
        #expect(Set(left.union(right).paths) == a.union(b))
        #expect(Set(left.intersection(right).paths) == a.intersection(b))
        #expect(Set(left.subtracting(right).paths) == a.subtracting(b))
        #expect(Set(left.removing(right).paths) == a.filter { path in !b.contains { Self.isPrefix($0, of: path) } })
        #expect(Set(left.keeping(right).paths) == a.filter { path in b.contains { Self.isPrefix($0, of: path) } })
        #expect(left.union(right) == right.union(left))
        #expect(a.allSatisfy(left.contains))
        #expect(b.subtracting(a).allSatisfy { !left.contains($0) })
    }

    private static func isPrefix(_ a: FieldPath, of b: FieldPath) -> Bool { b.elements.starts(with: a.elements) }

    private static func randomPaths(using random: inout SeededRandom) -> Set<FieldPath> {
        let elements: [PathElement] = [.field("a"), .field("b"), .key(["n": 1]), .value("x")]
        return Set(
            (0..<Int.random(in: 0..<8, using: &random)).map { _ in
                FieldPath(
                    (0..<Int.random(in: 1..<4, using: &random)).map { _ in
                        elements[Int.random(in: 0..<elements.count, using: &random)]
                    })
            })
    }
}

@Suite struct FieldsOfObjectTests {
    @Test(arguments: [
        (#"{"apiVersion":"v1","kind":"Thing"}"#, #"{"f:apiVersion":{},"f:kind":{}}"#),
        (#"{"metadata":{"labels":{"a":"1"}}}"#, #"{"f:metadata":{"f:labels":{"f:a":{}}}}"#),
        (#"{"metadata":{"labels":{}}}"#, #"{"f:metadata":{"f:labels":{}}}"#),
        (#"{"metadata":{"finalizers":["b","a"]}}"#, #"{"f:metadata":{"f:finalizers":{"v:\"a\"":{},"v:\"b\"":{}}}}"#),
        (#"{"spec":{"args":["b","a"]}}"#, #"{"f:spec":{"f:args":{}}}"#),
        (#"{"spec":{"selector":{"a":"1"}}}"#, #"{"f:spec":{"f:selector":{}}}"#),
        (#"{"spec":{"replicas":null}}"#, #"{"f:spec":{"f:replicas":{}}}"#),
        (
            // The protocol is a key although it was not said.
            #"{"spec":{"ports":[{"port":80}]}}"#,
            #"{"f:spec":{"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:port":{}}}}}"#
        ),
        (
            // Twice the same key: one owner for all of them, and none for their fields.
            #"{"spec":{"ports":[{"port":80,"name":"a"},{"port":80,"name":"b"}]}}"#,
            #"{"f:spec":{"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{}}}}"#
        ),
        (
            // Without a schema objects are taken apart, lists are not.
            #"{"spec":{"free":{"a":{"b":1},"c":[1,2]}}}"#,
            #"{"f:spec":{"f:free":{"f:a":{".":{},"f:b":{}},"f:c":{}}}}"#
        ),
    ])
    func `an object says`(object: String, set: String) throws {
        #expect(FieldSet(of: try Value(json: object), as: ApplySchema.type).description == set)
    }
}

@Suite struct FieldComparisonTests {
    struct Case: Sendable {
        var old: String
        var new: String
        var added = "{}"
        var modified = "{}"
        var removed = "{}"
    }

    @Test(arguments: [
        Case(old: #"{"spec":{"replicas":1}}"#, new: #"{"spec":{"replicas":1}}"#),
        Case(old: #"{"spec":{"replicas":1}}"#, new: #"{"spec":{"replicas":2}}"#, modified: #"{"f:spec":{"f:replicas":{}}}"#),
        Case(
            old: #"{"spec":{"args":["a"]}}"#, new: #"{"spec":{"args":["a","b"]}}"#,
            modified: #"{"f:spec":{"f:args":{}}}"#),
        // A map that was not there is new itself, as are its entries.
        Case(
            old: #"{"metadata":{}}"#, new: #"{"metadata":{"labels":{"a":"1"}}}"#,
            added: #"{"f:metadata":{"f:labels":{".":{},"f:a":{}}}}"#),
        Case(
            old: #"{"metadata":{"labels":{"a":"1","b":"1"}}}"#, new: #"{"metadata":{"labels":{"b":"2","c":"1"}}}"#,
            added: #"{"f:metadata":{"f:labels":{"f:c":{}}}}"#, modified: #"{"f:metadata":{"f:labels":{"f:b":{}}}}"#,
            removed: #"{"f:metadata":{"f:labels":{"f:a":{}}}}"#),
        // A list that Kubernetes always writes is there even when it is empty.
        Case(
            old: #"{"spec":{}}"#, new: #"{"spec":{"parts":[{"name":"x"}]}}"#,
            added: #"{"f:spec":{"f:parts":{"k:{\"name\":\"x\"}":{".":{},"f:name":{}}}}}"#),
        // So is an object without a pointer to it.
        Case(old: #"{}"#, new: #"{"status":{"ready":1}}"#, added: #"{"f:status":{"f:ready":{}}}"#),
        Case(
            old: #"{"spec":{"parts":[{"name":"x","image":"1"},{"name":"y"}]}}"#,
            new: #"{"spec":{"parts":[{"name":"y"},{"name":"x","image":"2"}]}}"#,
            modified: #"{"f:spec":{"f:parts":{"k:{\"name\":\"x\"}":{"f:image":{}}}}}"#),
        // From one to two of a key: what the one said is gone.
        Case(
            old: #"{"spec":{"ports":[{"port":80}]}}"#, new: #"{"spec":{"ports":[{"port":80},{"port":80,"name":"a"}]}}"#,
            added: #"{"f:spec":{"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{}}}}"#,
            removed: #"{"f:spec":{"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:port":{}}}}}"#),
        Case(
            old: #"{"metadata":{"labels":{}}}"#, new: #"{"metadata":{}}"#,
            removed: #"{"f:metadata":{"f:labels":{}}}"#),
    ])
    func `what changed`(item: Case) throws {
        let changes = FieldComparison(
            from: try Value(json: item.old), to: try Value(json: item.new), as: ApplySchema.type)
        #expect(changes.added.description == item.added)
        #expect(changes.modified.description == item.modified)
        #expect(changes.removed.description == item.removed)
        let back = FieldComparison(
            from: try Value(json: item.new), to: try Value(json: item.old), as: ApplySchema.type)
        #expect(back.modified == changes.modified)
    }
}
