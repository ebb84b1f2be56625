import Support
import Testing

@testable import APIMachinery

@Suite struct StrategicMergePatchTests {
    private func pod(_ object: String, _ patch: String) throws -> String {
        try StrategicMergePatch.apply(
            Value(json: patch), to: Value(json: object), schema: MiniSchema.type("PodSpec")
        ).description
    }

    @Test(arguments: [
        // Objects merge, null removes, nulls that meet nothing vanish.
        (
            #"{"nodeSelector":{"a":"1","b":"2"}}"#, #"{"nodeSelector":{"a":null,"c":"3"}}"#,
            #"{"nodeSelector":{"b":"2","c":"3"}}"#
        ),
        (
            #"{}"#, #"{"nodeSelector":{"a":null,"c":"3"},"restartPolicy":null}"#,
            #"{"nodeSelector":{"c":"3"}}"#
        ),
        (#"{"restartPolicy":"Always"}"#, #"{"restartPolicy":null}"#, "{}"),
        // Lists of named elements merge by name, and the patch's elements come first.
        (
            #"{"containers":[{"name":"a","image":"1"},{"name":"b","image":"1"}]}"#,
            #"{"containers":[{"name":"b","image":"2"}]}"#,
            #"{"containers":[{"image":"1","name":"a"},{"image":"2","name":"b"}]}"#
        ),
        (
            #"{"containers":[{"name":"a"}]}"#, #"{"containers":[{"name":"c","stdin":null},{"name":"b"}]}"#,
            #"{"containers":[{"name":"c"},{"name":"b"},{"name":"a"}]}"#
        ),
        (
            #"{"containers":[{"name":"a"},{"name":"b"},{"name":"c"}]}"#,
            #"{"containers":[{"$patch":"delete","name":"b"}]}"#,
            #"{"containers":[{"name":"a"},{"name":"c"}]}"#
        ),
        (
            #"{"containers":[{"name":"a"}]}"#,
            #"{"containers":[{"$patch":"replace"},{"name":"z","image":null}]}"#,
            #"{"containers":[{"name":"z"}]}"#
        ),
        (#"{"containers":[{"name":"a"}]}"#, #"{"containers":[{"$patch":"replace"}]}"#, #"{"containers":[]}"#),
        (
            #"{}"#, #"{"containers":[{"name":"a","$patch":"delete"},{"name":"b"}]}"#,
            #"{"containers":[{"name":"b"}]}"#
        ),
        // Numbers are keys too; lists without a mark are replaced.
        (
            #"{"containers":[{"name":"a","ports":[{"containerPort":80}],"args":["x"]}]}"#,
            #"{"containers":[{"name":"a","ports":[{"containerPort":80,"name":"w"},{"containerPort":81}],"args":["y"]}]}"#,
            #"{"containers":[{"args":["y"],"name":"a","ports":[{"containerPort":80,"name":"w"},{"containerPort":81}]}]}"#
        ),
        // Directives on objects.
        (
            #"{"nodeSelector":{"a":"1"}}"#, #"{"nodeSelector":{"$patch":"replace","b":"2"}}"#,
            #"{"nodeSelector":{"b":"2"}}"#
        ),
        (#"{"nodeSelector":{"a":"1"}}"#, #"{"nodeSelector":{"$patch":"delete"}}"#, #"{"nodeSelector":{}}"#),
        (
            #"{"volumes":[{"name":"v","emptyDir":{}}]}"#,
            #"{"volumes":[{"name":"v","$retainKeys":["name","secret"],"secret":{"secretName":"s"}}]}"#,
            #"{"volumes":[{"name":"v","secret":{"secretName":"s"}}]}"#
        ),
        // The order of elements.
        (
            #"{"containers":[{"name":"a"},{"name":"b"},{"name":"c"}]}"#,
            #"{"$setElementOrder/containers":[{"name":"c"},{"name":"a"}]}"#,
            #"{"containers":[{"name":"b"},{"name":"c"},{"name":"a"}]}"#
        ),
        (
            #"{"containers":[{"name":"a"},{"name":"x"},{"name":"b"}]}"#,
            #"{"$setElementOrder/containers":[{"name":"n"},{"name":"b"}],"containers":[{"name":"n"},{"$patch":"delete","name":"a"}]}"#,
            #"{"containers":[{"name":"n"},{"name":"x"},{"name":"b"}]}"#
        ),
        (
            #"{}"#, #"{"$setElementOrder/containers":[{"name":"a"}],"containers":[{"name":"a"}]}"#,
            #"{"containers":[{"name":"a"}]}"#
        ),
        (#"{}"#, #"{"$setElementOrder/containers":[{"name":"a"}]}"#, "{}"),
        (#"{"containers":[{"name":"a"}]}"#, #"{"$setElementOrder/containers":[],"containers":null}"#, "{}"),
        // Directives inside of what is new do not survive.
        (
            #"{}"#,
            #"{"containers":[{"name":"a","$setElementOrder/env":[{"name":"x"}],"env":[{"name":"x"}]}]}"#,
            #"{"containers":[{"env":[{"name":"x"}],"name":"a"}]}"#
        ),
        (#"{"restartPolicy":"x"}"#, #"{"restartPolicy":{"a":null}}"#, #"{"restartPolicy":{}}"#),
    ])
    func `a patch merges by the schema`(object: String, patch: String, expected: String) throws {
        #expect(try pod(object, patch) == expected)
    }

    @Test func `lists of scalars merge as sets`() throws {
        func merged(_ object: Value, _ patch: Value) throws -> Value {
            try StrategicMergePatch.apply(patch, to: object, schema: MiniSchema.type("ObjectMeta"))
        }
        #expect(
            try merged(["finalizers": ["a", "b"]], ["finalizers": ["c", "a"]]) == [
                "finalizers": ["c", "a", "b"]
            ])
        #expect(
            try merged(["finalizers": ["a", "b"]], ["$deleteFromPrimitiveList/finalizers": ["a"]]) == [
                "finalizers": ["b"]
            ])
        #expect(try merged([:], ["$deleteFromPrimitiveList/finalizers": ["a"]]) == [:])
        let patch: Value = [
            "$deleteFromPrimitiveList/finalizers": ["a"], "$setElementOrder/finalizers": ["c", "b"],
            "finalizers": ["c"],
        ]
        #expect(try merged(["finalizers": ["a", "b", "x"]], patch) == ["finalizers": ["c", "b", "x"]])
    }

    @Test(
        arguments: [
            (
                #"{"containers":[{"image":"x"}]}"#, PatchError.Kind.failed,
                "map: map[image:x] does not contain declared merge key: name"
            ),
            (
                #"{"containers":[{"name":"a","$patch":"bad"}]}"#, .failed,
                "unknown patch type: bad in map: map[$patch:bad name:a]"
            ),
            (
                #"{"nodeSelector":{"$patch":"bad"}}"#, .failed,
                "unknown patch type: bad in map: map[$patch:bad]"
            ),
            (
                #"{"containers":[{"name":"a","$patch":"merge"}]}"#, .failed,
                "merging lists cannot yet be specified in the patch"
            ),
            (#"{"containers":[1]}"#, .failed, "list element types are not identical: [map[name:a] 1]"),
            (#"{"containers":[[1]]}"#, .inapplicable, "lists of lists are not supported"),
            (
                #"{"containers":[{"name":"a","$retainKeys":"x"}]}"#, .malformed,
                "invalid patch format of retainKeys"
            ),
            (
                #"{"containers":[{"name":"a","$retainKeys":["name"],"image":"x"}]}"#, .malformed,
                "invalid patch format of retainKeys"
            ),
            (#"{"$setElementOrder":[]}"#, .malformed, "invalid patch format of setElementOrder list"),
            (
                #"{"$deleteFromPrimitiveList/containers":1}"#, .malformed,
                "invalid patch format of primitive list"
            ),
            (
                #"{"$setElementOrder/containers":[{"name":"b"},{"name":"c"}],"containers":[{"name":"c"},{"name":"b"}]}"#,
                .failed,
                "The order in patch list:\n[map[name:c] map[name:b]]\n doesn't match $setElementOrder list:\n"
                    + "[map[name:b] map[name:c]]\n"
            ),
            ("[]", .malformed, "invalid JSON document"),
        ] as [(String, PatchError.Kind, String)])
    func `what cannot merge is told in Kubernetes' words`(
        patch: String, kind: PatchError.Kind, message: String
    ) {
        #expect(throws: PatchError(kind, message)) {
            try pod(#"{"containers":[{"name":"a"}],"nodeSelector":{"a":"1"}}"#, patch)
        }
    }

    @Test func `the answers of the API`() {
        #expect(PatchError(.malformed, "x").status.code == 400)
        #expect(PatchError(.failed, "x").status.code == 500)
        let status = PatchError(.inapplicable, "x").status
        #expect(status.code == 422)
        #expect(status.message == "the server rejected our request due to an error in our request")
    }

    @Test(arguments: UInt64(0)..<200)
    func `no patch traps`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for _ in 0..<20 {
            var object = Value.random(depth: 3, using: &random)
            var patch = Value.random(depth: 4, using: &random)
            object["containers"] = .random(depth: 3, using: &random)
            patch["containers"] = .random(depth: 3, using: &random)
            patch["$setElementOrder/containers"] = .random(depth: 2, using: &random)
            _ = try? StrategicMergePatch.apply(patch, to: object, schema: MiniSchema.type("PodSpec"))
        }
    }
}
