import Testing

@testable import APIMachinery

@Suite struct ObjectMergeTests {
    /// Lists of names, live and applied, and what they come to together.
    @Test(arguments: [
        ("", "a b", "a b"), ("a b", "", "a b"), ("a b c", "b", "a b c"), ("a b c", "c a", "b c a"),
        ("a b", "x a", "x a b"), ("a b", "b x", "a b x"), ("a b c d", "d c b a", "d c b a"),
        ("a x b", "b a", "x b a"), ("a b", "x y", "a b x y"), ("x a y b z", "a n b", "x a y n b z"),
    ])
    func `lists keep the applied order and what else is there`(live: String, applied: String, merged: String) {
        let result = ObjectMerge.merge(Self.parts(applied), into: Self.parts(live), as: ApplySchema.type)
        #expect(Self.names(result) == merged)
    }

    @Test func `elements of one key are merged, doubles are replaced`() throws {
        let live = try Value(
            json: #"{"spec":{"ports":[{"port":1,"name":"x"},{"port":2,"name":"y"},{"port":2,"name":"z"}]}}"#)
        let applied = try Value(json: #"{"spec":{"ports":[{"port":2,"protocol":"TCP"},{"port":1,"protocol":"TCP"}]}}"#)
        let merged = ObjectMerge.merge(applied, into: live, as: ApplySchema.type)
        #expect(
            merged.description
                == #"{"spec":{"ports":[{"port":2,"protocol":"TCP"},{"name":"x","port":1,"protocol":"TCP"}]}}"#)
    }

    @Test(arguments: [
        (#"{"spec":{"args":["a"]}}"#, #"{"spec":{"args":["b"]}}"#, #"{"spec":{"args":["b"]}}"#),
        (#"{"spec":{"replicas":1}}"#, #"{"spec":{"replicas":null}}"#, #"{"spec":{"replicas":null}}"#),
        (#"{"metadata":{"labels":{"a":"1"}}}"#, #"{"metadata":{"labels":{}}}"#, #"{"metadata":{"labels":{"a":"1"}}}"#),
        (#"{"metadata":{"labels":{"a":"1"}}}"#, #"{"metadata":{"labels":null}}"#, #"{"metadata":{"labels":{"a":"1"}}}"#),
        (#"{"metadata":{}}"#, #"{"metadata":{"labels":{}}}"#, #"{"metadata":{"labels":{}}}"#),
        (#"{"spec":{"free":{"a":{"b":1}}}}"#, #"{"spec":{"free":{"a":{"c":2}}}}"#, #"{"spec":{"free":{"a":{"b":1,"c":2}}}}"#),
        (#"{"spec":{"free":{"a":1}}}"#, #"{"spec":{"free":[1]}}"#, #"{"spec":{"free":[1]}}"#),
    ])
    func `values are merged`(live: String, applied: String, merged: String) throws {
        let result = ObjectMerge.merge(
            try Value(json: applied), into: try Value(json: live), as: ApplySchema.type)
        #expect(result.description == merged)
    }

    @Test(arguments: [
        (#"{"f:spec":{"f:replicas":{}}}"#, #"{"spec":{"args":["a"],"replicas":1}}"#, #"{"spec":{"args":["a"]}}"#),
        (#"{"f:metadata":{"f:labels":{"f:a":{}}}}"#, #"{"metadata":{"labels":{"a":"1"},"name":"n"}}"#, #"{"metadata":{"name":"n"}}"#),
        (
            #"{"f:spec":{"f:parts":{"k:{\"name\":\"x\"}":{"f:image":{}},"k:{\"name\":\"y\"}":{".":{},"f:name":{}}}}}"#,
            #"{"spec":{"parts":[{"image":"1","name":"x"},{"image":"2","name":"y"}]}}"#, #"{"spec":{"parts":[{"name":"x"}]}}"#
        ),
        (#"{"f:metadata":{"f:finalizers":{"v:\"a\"":{}}}}"#, #"{"metadata":{"finalizers":["b","a"]}}"#, #"{"metadata":{"finalizers":["b"]}}"#),
    ])
    func `parts are taken out`(set: String, object: String, left: String) throws {
        let removed = FieldRemoval.remove(
            try FieldSet(fieldsV1: try Value(json: set)), from: try Value(json: object), as: ApplySchema.type)
        #expect(removed.description == left)
    }

    @Test(arguments: [
        (#"{"spec":{"nope":1,"parts":[{"name":"a","no":1}]}}"#, "errors:\n  .spec.nope: field not declared in schema\n  .spec.parts[name=\"a\"].no: field not declared in schema"),
        (#"{"spec":{"parts":[{"name":"a"},{"name":"a"}]}}"#, #".spec.parts: duplicate entries for key [name="a"]"#),
        (#"{"spec":{"parts":[{"image":"a"}]}}"#, ".spec.parts: element 0: associative list with keys has an element that omits all key fields [\"name\"] (and doesn't have default values for any key fields)"),
        (#"{"spec":{"parts":[null,{"image":"a"}]}}"#, ".spec.parts: element 0: associative list with keys may not have a null element"),
        (#"{"spec":{"parts":["a"]}}"#, ".spec.parts: element 0: associative list with keys may not have non-map elements"),
        (#"{"metadata":{"finalizers":[{}]}}"#, ".metadata.finalizers: element 0: associative list without keys has an element that's a map type"),
        (#"{"spec":[]}"#, ".spec: expected map, got &{[]}"),
        (#"{"spec":[{"b":[1,null],"a":"x"}]}"#, ".spec: expected map, got &{[map[a:x b:[1 <nil>]]]}"),
        (#"{"spec":{"parts":{"a":"b"}}}"#, ".spec.parts: expected list, got &{map[a:b]}"),
        (#"{"metadata":{"labels":{"a":8080}}}"#, ".metadata.labels.a: expected string, got &value.valueUnstructured{Value:8080}"),
        (
            #"{"metadata":{"labels":{"a":{"c":[true],"b":null}}}}"#,
            #".metadata.labels.a: expected string, got &value.valueUnstructured{Value:map[string]interface {}{"b":interface {}(nil), "c":[]interface {}{true}}}"#
        ),
        (#"{"spec":{"replicas":"1"}}"#, ".spec.replicas: expected numeric (int or float), got string"),
        (#"{"spec":{"memory":["1"]}}"#, ".spec.memory: expected any scalar, got &{[1]}"),
    ])
    func `a configuration that cannot be applied is told what is wrong`(text: String, problem: String) throws {
        let value = try Value(json: text)
        let error = #expect(throws: AppliedConfiguration.Problems.self) {
            try AppliedConfiguration(value, as: ApplySchema.type)
        }
        #expect(error?.description == problem)
    }

    @Test func `quantities compare by their amount`() throws {
        let value = try Value(json: #"{"spec":{"memory":"1024Mi"}}"#)
        #expect(try AppliedConfiguration(value, as: ApplySchema.type).object.at("spec", "memory") == "1Gi")
    }

    private static func parts(_ names: String) -> Value {
        let parts = names.split(separator: " ").map { Value.object(["name": .string(String($0))]) }
        return ["spec": ["parts": .array(parts)]]
    }

    private static func names(_ object: Value) -> String {
        (object.at("spec", "parts")?.array ?? []).compactMap { $0["name"]?.string }.joined(separator: " ")
    }
}
