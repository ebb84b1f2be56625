import Testing

@testable import APIMachinery

@Suite struct StoredObjectTests {
    @Test func `an object reads again however deep it came to be`() throws {
        var data: Value = 1
        for _ in 0..<1000 { data = ["d": data] }
        let value: Value = ["data": data, "metadata": ["name": "a"]]
        let stored = try StoredObject(logged: value.json, revision: 7)
        #expect(stored.value.depth == 1001)
        #expect(stored.wholeValue["data"] == data)
        #expect(throws: JSONError.self) { try Value(json: value.json) }
    }

    @Test func `the few fields are read and the resourceVersion is spliced in`() throws {
        let value: Value = [
            "apiVersion": "v1", "kind": "Pod",
            "metadata": [
                "labels": ["app": "web"], "name": "a", "namespace": "default", "uid": "u1",
                "deletionTimestamp": "2026-11-21T00:00:00Z",
                "ownerReferences": [["uid": "o1"], ["uid": "o2", "controller": true]],
            ],
            "spec": ["metadata": ["name": "not this"]],
        ]
        let stored = try StoredObject(logged: value.json, revision: 42)
        var expected = value
        expected[path: ["metadata", "resourceVersion"]] = "42"
        #expect(stored.bytes == expected.json)
        #expect(stored.objectName == ObjectName(namespace: "default", name: "a"))
        #expect(stored.uid == "u1")
        #expect(stored.labels == ["app": "web"])
        #expect(stored.controllerUID == "o2")
        #expect(stored.owners.map(\.uid) == ["o1", "o2"])
        #expect(stored.isDeleting)
        #expect(stored.revision == 42)
    }

    @Test(arguments: [
        [:], ["name": "a"], ["uid": "u"], ["name": "a", "uid": "u"], ["selfLink": "x"],
    ] as [Value])
    func `the splice keeps the order of fields`(metadata: Value) throws {
        var value: Value = ["metadata": metadata]
        let stored = try StoredObject(logged: value.json, revision: 7)
        value[path: ["metadata", "resourceVersion"]] = "7"
        #expect(stored.bytes == value.json)
        #expect(StoredObject(received: value).bytes == stored.bytes)
    }

    @Test func `a text that is nowhere in an object is not mentioned`() {
        let pod = StoredObject(received: ["metadata": ["name": "volumes"], "spec": ["a": ["persistentVolumeClaim": "x\\"]]])
        #expect(pod.mentions("persistentVolumeClaim") && pod.mentions("volumes"))
        #expect(!pod.mentions("ephemeral") && !pod.mentions("volume"))
    }

    @Test func `one value is read where it stands, and none where there is none`() throws {
        let value: Value = [
            "metadata": ["name": "a", "annotations": ["a\\b": "c", "a": "{\"b\":1}"]],
            "spec": ["list": [1, ["x": "}"]], "nodeName": "n1", "z": .null], "status": "s",
        ]
        let stored = try StoredObject(logged: value.json, revision: 1)
        #expect(stored.text(at: "spec", "nodeName") == "n1")
        #expect(stored.text(at: "metadata", "annotations", "a\\b") == "c")
        #expect(stored.text(at: "metadata", "annotations", "a") == "{\"b\":1}")
        #expect(stored.value(at: "spec", "list") == [1, ["x": "}"]])
        #expect(stored.value(at: "spec", "z") == .null)
        for path in [("spec", "node"), ("spec", "zz"), ("status", "s"), ("other", "a")] {
            #expect(stored.value(at: path.0, path.1) == nil)
            #expect(stored.text(at: path.0, path.1) == "")
        }
    }

    @Test(arguments: [#"{}"#, #"{"metadata":1}"#, #"{"metadata":{"resourceVersion":"1"}}"#, "["])
    func `what the log cannot hold is refused`(json: String) {
        #expect(throws: JSONError.self) { try StoredObject(logged: Array(json.utf8), revision: 1) }
    }
}
