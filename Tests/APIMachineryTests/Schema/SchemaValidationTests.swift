import Testing

@testable import APIMachinery

@Suite struct SchemaValidationTests {
    private func problems(_ object: Value) throws -> [String] {
        let type = try #require(SampleSchema.table.type(named: "Pod"))
        return type.validate(object, checksRequired: true).map(\.description)
    }

    @Test(
        arguments: [
            (["containers": [["name": "a", "role": "main"]]], []),
            (.emptyObject, ["containers: Required value"]),
            (
                ["containers": [["name": "a"], ["role": "other"]]],
                [
                    "containers[1].name: Required value",
                    "containers[1].role: Unsupported value: \"other\": supported values: \"init\", \"main\"",
                ]
            ),
            (
                ["containers": [["name": "a", "role": "unthinkable"]]],
                [
                    "containers[0].role: Unsupported value: \"unthinkable\": supported values: \"init\", \"main\"",
                    "containers[0].role: Too long: may not be more than 9 bytes",
                ]
            ),
        ] as [(Value, [String])])
    func `the table says what is wrong and where`(object: Value, expected: [String]) throws {
        #expect(try problems(object) == expected)
    }
}
