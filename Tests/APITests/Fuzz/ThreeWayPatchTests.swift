import API
import APIMachinery
import Testing

/// What `kubectl apply` does: from the last applied object, the new one and the live one it makes a patch. The patch,
/// applied, must give what the three of them mean together.
@Suite struct ThreeWayPatchTests {
    @Test(arguments: SchemaFuzzTests.cases)
    func `a strategic merge patch keeps what others set, sets what is wanted, and drops what was given up`(
        item: SchemaFuzzTests.Case
    ) throws {
        let type = try #require(item.definition.type)
        let rule = ThreeWay.Rule(kind: .object(type))
        try check(type, rule, item.seed) { try StrategicMergePatch.apply($0, to: $1, schema: type) }
    }

    @Test(arguments: SchemaFuzzTests.cases)
    func `so does a JSON merge patch, for which lists are single values`(item: SchemaFuzzTests.Case) throws {
        let type = try #require(item.definition.type)
        try check(type, ThreeWay.Rule(), item.seed) { try MergePatch.apply($0, to: $1) }
    }

    private func check(
        _ type: TypeSchema, _ rule: ThreeWay.Rule, _ seed: UInt64, _ apply: (Value, Value) throws -> Value
    ) throws {
        var source = RandomObject(seed: seed)
        let last = source.object(type)
        let wanted = source.changed(last, as: type)
        let live = source.changed(last, as: type)
        let patch = ThreeWay.patch(last: last, wanted: wanted, live: live, rule)
        let result = try apply(patch, live)
        let expected = ThreeWay.expected(last: last, wanted: wanted, live: live, rule)
        #expect(
            ThreeWay.unordered(result, rule) == expected.map { ThreeWay.unordered($0, rule) }, "\(patch) on \(live)")
        #expect(ThreeWay.keepsOrder(of: wanted, live, in: result, rule), "\(patch) on \(live)")
        // To apply the same again changes nothing.
        let again = ThreeWay.patch(last: wanted, wanted: wanted, live: result, rule)
        #expect(try apply(again, result) == result)
    }
}
