import APIMachinery
import Testing

@testable import APIServer

/// What a webhook says of the owners of fields.
@Suite struct TakenOwnersTests {
    private static func object(_ entry: Value?) -> Value {
        var object: Value = ["metadata": ["name": "a"]]
        if let entry { object[path: ["metadata", "managedFields"]] = [entry] }
        return object
    }

    private static func entry(operation: Value = "Update", fieldsType: Value = "FieldsV1") -> Value {
        [
            "manager": "m", "operation": operation, "apiVersion": "v1", "fieldsType": fieldsType,
            "fieldsV1": ["f:data": [:]],
        ]
    }

    @Test(
        arguments: [
            (nil, nil), (entry(), nil), (entry(operation: "Apply"), nil),
            (entry(operation: "Bad"), "operation must be `Update` or `Apply` in managed fields entry 0"),
            (entry(fieldsType: "FieldsV2"), "fieldsType must be FieldsV1 in managed fields entry 0"),
        ] as [(Value?, String?)])
    func `does not count, and is told when it cannot be`(_ changed: Value?, _ problem: String?) {
        var patched = Self.object(changed)
        #expect(AdmissionReview.Face.takeOwners(from: &patched, shown: Self.object(Self.entry())) == problem)
        #expect(patched == Self.object(nil))
    }
}
