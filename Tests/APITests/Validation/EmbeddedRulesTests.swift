import API
import APIMachinery
import Testing

/// The names and the metadata of objects that stand inside of custom ones.
@Suite struct EmbeddedRulesTests {
    @Test(
        arguments: [
            (["apiVersion": "v1", "kind": "Pod"], []),
            (["apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["labels": ["a": "b"]]], []),
            (
                [
                    "apiVersion": "v1", "kind": "Pod",
                    "metadata": ["name": "system:a_B", "namespace": "n", "finalizers": ["plain"]],
                ], []
            ),
            ([:], ["apiVersion: Required value: must not be empty", "kind: Required value: must not be empty"]),
            (
                ["apiVersion": "", "kind": 3],
                ["apiVersion: Required value: must not be empty", "kind: Invalid value: 3: must be a string"]
            ),
            (
                ["apiVersion": "a/b/c", "kind": "Pod_x"],
                [
                    "apiVersion: Invalid value: \"a/b/c\": unexpected GroupVersion string: a/b/c",
                    "kind: Invalid value: \"Pod_x\": may have mixed case, but should otherwise match: a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
                ]
            ),
            (
                ["apiVersion": "v1", "kind": "Pod", "metadata": ["name": "a/b"]],
                ["metadata.name: Invalid value: \"a/b\": may not contain '/'"]
            ),
            (
                ["apiVersion": "v1", "kind": "Pod", "metadata": ["name": ".."]],
                ["metadata.name: Invalid value: \"..\": may not be '..'"]
            ),
        ] as [(Value, [String])])
    func `an object inside of another is named as any object is`(_ object: Value, _ faults: [String]) {
        let errors = BuiltinValidation.validateEmbedded(object, at: "spec.emb")
        #expect(errors.map(\.description) == faults.map { "spec.emb." + $0 })
    }

    @Test func `its labels, owners and types are judged too`() {
        let metadata: Value = ["labels": ["-a": "x"], "ownerReferences": [["kind": "Pod"]]]
        let object: Value = ["apiVersion": "v1", "kind": "Pod", "metadata": metadata]
        let fields = Set(BuiltinValidation.validateEmbedded(object, at: "spec.emb").map(\.field))
        #expect(fields.contains("spec.emb.metadata.labels"))
        #expect(fields.contains("spec.emb.metadata.ownerReferences.uid"))
        let typed: Value = ["apiVersion": "v1", "kind": "Pod", "metadata": ["namespace": 42]]
        #expect(BuiltinValidation.validateEmbedded(typed, at: "spec.emb").map(\.field) == ["spec.emb.metadata"])
    }
}
