import APIMachinery
import Testing

@testable import APIServer

/// What field selectors read of stored bytes.
struct SelectedFieldTests {
    @Test(arguments: [
        ("metadata.name", "n"), ("kind", "K"), ("spec.flag", "true"), ("spec.number", "7"), ("spec.none", ""),
        ("spec.deep.deeper.deepest", "found"), ("spec.deep.missing.deepest", ""), ("spec.flag.below", ""),
        ("missing", ""), ("status", ""),
    ])
    func `a field is read however deep it is`(path: String, expected: String) throws {
        let object = StoredObject(
            received: [
                "apiVersion": "v1", "kind": "K", "metadata": ["name": "n"],
                "spec": [
                    "before": ["deep": ["deeper": "no"]], "deep": ["deeper": ["deepest": "found", "more": 1]],
                    "flag": true, "number": 7,
                ],
            ])
        #expect(object.field(path) == expected)
    }
}
