import Support
import Testing

@testable import APIMachinery

@Suite struct JSONPatchTests {
    @Test(arguments: [
        (#"{"a":1}"#, #"[{"op":"add","path":"/b","value":[1]}]"#, #"{"a":1,"b":[1]}"#),
        (#"{"a":[1,3]}"#, #"[{"op":"add","path":"/a/1","value":2}]"#, #"{"a":[1,2,3]}"#),
        (#"{"a":[1]}"#, #"[{"op":"add","path":"/a/-","value":2}]"#, #"{"a":[1,2]}"#),
        (#"{"a":[1]}"#, #"[{"op":"add","path":"/a/1","value":2}]"#, #"{"a":[1,2]}"#),
        (#"{"a":1}"#, #"[{"op":"add","path":"/a","value":2}]"#, #"{"a":2}"#),
        (#"{"a":{"b":1},"c":2}"#, #"[{"op":"remove","path":"/a/b"}]"#, #"{"a":{},"c":2}"#),
        (#"{"a":[1,2,3]}"#, #"[{"op":"remove","path":"/a/1"}]"#, #"{"a":[1,3]}"#),
        (#"{"a":[1,2,3]}"#, #"[{"op":"remove","path":"/a/-1"}]"#, #"{"a":[1,2]}"#),
        (#"{"a":[1,2]}"#, #"[{"op":"replace","path":"/a/0","value":{"x":1}}]"#, #"{"a":[{"x":1},2]}"#),
        (#"{"a":1}"#, #"[{"op":"replace","path":"","value":[]}]"#, "[]"),
        (#"{"a":{"x":1}}"#, #"[{"op":"move","from":"/a/x","path":"/b"}]"#, #"{"a":{},"b":1}"#),
        (#"{"a":[1,2]}"#, #"[{"op":"move","from":"/a/0","path":"/a/1"}]"#, #"{"a":[2,1]}"#),
        (
            #"{"a":{"x":1}}"#,
            #"[{"op":"copy","from":"/a","path":"/b"},{"op":"add","path":"/b/x","value":2}]"#,
            #"{"a":{"x":1},"b":{"x":2}}"#
        ),
        (#"{"a/b":1,"m~n":2}"#, #"[{"op":"remove","path":"/a~1b"},{"op":"remove","path":"/m~0n"}]"#, "{}"),
        (#"{"a":1}"#, #"[{"op":"test","path":"/a","value":1.0}]"#, #"{"a":1}"#),
        (#"{"a":1}"#, #"[{"op":"test","path":"/b","value":null},{"op":"test","path":"/b"}]"#, #"{"a":1}"#),
        (#"{"":1}"#, #"[{"op":"remove","path":"/"}]"#, "{}"), ("{}", "[]", "{}"),
    ])
    func `operations change the document`(document: String, patch: String, expected: String) throws {
        let changed = try JSONPatch(Value(json: patch)).apply(to: Value(json: document))
        #expect(changed.description == expected)
    }

    @Test(arguments: [
        (#"{"op":"remove","path":"/x"}"#, "doc is missing path: /x: missing value"),
        (#"{"op":"replace","path":"/x","value":1}"#, "doc is missing path: /x: missing value"),
        (#"{"op":"add","path":"/x/y","value":1}"#, "doc is missing path: /x/y: missing value"),
        (#"{"op":"add","path":"/s/y","value":1}"#, "doc is missing path: /s/y: missing value"),
        (
            #"{"op":"add","path":"/l/3","value":1}"#,
            "unable to access invalid index 3 at /l/3: invalid index referenced"
        ),
        (
            #"{"op":"remove","path":"/l/2"}"#,
            "unable to access invalid index 2 at /l/2: invalid index referenced"
        ),
        (
            #"{"op":"remove","path":"/l/01"}"#,
            "unable to access invalid index 01 at /l/01: invalid index referenced"
        ),
        (
            #"{"op":"remove","path":"/l/-3"}"#,
            "unable to access invalid index -3 at /l/-3: invalid index referenced"
        ),
        (#"{"op":"test","path":"/s","value":"y"}"#, "testing value /s failed: test failed"),
        (#"{"op":"test","path":"/x","value":1}"#, "doc is missing path: /x: missing value"),
        (#"{"op":"test","path":"/x/y","value":null}"#, "doc is missing path: /x/y: missing value"),
        (#"{"op":"move","from":"/o","path":"/o/p"}"#, "cannot move /o into itself, to /o/p"),
        (#"{"op":"remove","path":""}"#, "the whole document cannot be removed"),
        (#"{"op":"add","path":"/x"}"#, "the operation \"add\" has no \"value\""),
        (#"{"op":"add","value":1}"#, "the operation \"add\" has no \"path\""),
        (#"{"op":"add","path":"x","value":1}"#, "\"x\" is no JSON pointer"),
        (#"{"op":"add","path":"/~2","value":1}"#, "\"/~2\" is no JSON pointer"),
        (#"{"op":"merge","path":"/x","value":1}"#, "unexpected kind of operation: \"merge\""),
    ])
    func `what does not fit is refused`(operation: String, message: String) throws {
        let document: Value = ["s": "x", "l": [1, 2], "o": ["p": 1]]
        #expect(throws: PatchError(.inapplicable, message)) {
            try JSONPatch([Value(json: operation)]).apply(to: document)
        }
    }

    @Test func `a patch that is no list is malformed, and one that is too long too large`() {
        #expect(throws: PatchError.self) { try JSONPatch(.emptyObject) }
        let operation: Value = ["op": "test", "path": "/x", "value": .null]
        #expect(throws: Never.self) {
            try JSONPatch(.array(Array(repeating: operation, count: 10_000))).apply(to: [:])
        }
        do {
            _ = try JSONPatch(.array(Array(repeating: operation, count: 10_001)))
            Issue.record("accepted")
        } catch {
            #expect(error.status.code == 413)
            #expect(
                error.status.message
                    == "Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001"
            )
        }
    }

    @Test func `copies cannot make the document explode`() throws {
        let text = Value.string(String(repeating: "x", count: 1 << 20))
        let copy: Value = ["op": "copy", "from": "/a", "path": "/b"]
        #expect(throws: Never.self) { try JSONPatch([copy, copy]).apply(to: ["a": text]) }
        #expect(throws: PatchError.self) { try JSONPatch([copy, copy, copy]).apply(to: ["a": text]) }
        let deepen: Value = ["op": "copy", "from": "", "path": "/a"]
        #expect(throws: PatchError(.inapplicable, "exceeded max depth at /a")) {
            try JSONPatch(.array(Array(repeating: deepen, count: 600))).apply(to: ["a": 1])
        }
    }

    @Test(arguments: UInt64(0)..<300)
    func `no patch traps, and a failed one leaves the document alone`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let document = Value.random(depth: 4, using: &random)
        let before = document.json
        let places = ["", "/k1", "/k2/0", "/0", "/k3/k4", "/-", "/k1/-", "/k5/k1/k2", "/-1"]
        for _ in 0..<30 {
            let operations = (0..<3).map { _ in
                Value.object([
                    "op": .string(
                        ["add", "remove", "replace", "move", "copy", "test"].randomElement(using: &random)
                            ?? ""),
                    "path": .string(places.randomElement(using: &random) ?? ""),
                    "from": .string(places.randomElement(using: &random) ?? ""),
                    "value": .random(depth: 2, using: &random),
                ])
            }
            _ = try? JSONPatch(.array(operations)).apply(to: document)
            #expect(document.json == before)
        }
    }
}

@Suite struct MergePatchTests {
    // The table of RFC 7386, appendix A, as far as patches are objects.
    @Test(arguments: [
        (#"{"a":"b"}"#, #"{"a":"c"}"#, #"{"a":"c"}"#), (#"{"a":"b"}"#, #"{"b":"c"}"#, #"{"a":"b","b":"c"}"#),
        (#"{"a":"b"}"#, #"{"a":null}"#, "{}"), (#"{"a":"b","b":"c"}"#, #"{"a":null}"#, #"{"b":"c"}"#),
        (#"{"a":["b"]}"#, #"{"a":"c"}"#, #"{"a":"c"}"#), (#"{"a":"c"}"#, #"{"a":["b"]}"#, #"{"a":["b"]}"#),
        (#"{"a":{"b":"c"}}"#, #"{"a":{"b":"d","c":null}}"#, #"{"a":{"b":"d"}}"#),
        (#"{"a":[{"b":"c"}]}"#, #"{"a":[1]}"#, #"{"a":[1]}"#),
        (#"{"e":null}"#, #"{"a":1}"#, #"{"a":1,"e":null}"#),
        ("[1,2]", #"{"a":"b","c":null}"#, #"{"a":"b"}"#),
        ("{}", #"{"a":{"bb":{"ccc":null}}}"#, #"{"a":{"bb":{}}}"#),
    ])
    func `objects merge`(object: String, patch: String, expected: String) throws {
        #expect(try MergePatch.apply(Value(json: patch), to: Value(json: object)).description == expected)
    }

    @Test func `a patch that is no object is malformed`() {
        #expect(throws: PatchError(.malformed, "Invalid JSON Patch")) { try MergePatch.apply(["a"], to: [:]) }
    }

    @Test func `moving what is large back and forth ends`() throws {
        let large = Value.array(Array(repeating: 0, count: 500_000))
        let moves: [Value] = Array(repeating: ["op": "move", "from": "/a/0", "path": "/a/-"], count: 1001)
        #expect(throws: PatchError.self) { try JSONPatch(.array(moves)).apply(to: ["a": large]) }
        #expect(try JSONPatch(.array(moves)).apply(to: ["a": [1, 2]]) == ["a": [2, 1]])
    }
}
