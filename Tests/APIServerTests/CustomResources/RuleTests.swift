import APIMachinery
import CEL
import Testing

@testable import APIServer

/// The rules in CEL of custom resources, without a server.
@Suite struct RuleTests {
    private static func compiled(_ spec: Value) -> StructuralSchema {
        StructuralSchema(
            ["type": "object", "properties": ["spec": spec]], kind: "Thing", metadata: DefinitionRules.metadata)
    }

    private static func check(
        _ spec: Value, _ new: Value, over old: Value? = nil, budget: CELBudget = CELBudget()
    ) -> RuleCheck {
        var check = RuleCheck(budget: budget)
        guard let node = RuleNode.tree(of: compiled(spec).root) else { return check }
        let current: Value? = old.map { ["spec": $0] }
        check.check(["spec": new], node, at: "", replacing: RuleCheck.Replaced(current: current))
        return check
    }

    private static func object(_ rules: Value, _ properties: Value) -> Value {
        ["type": "object", "properties": properties, "x-kubernetes-validations": rules]
    }

    private static let range = object(
        [["rule": "self.min <= self.max", "messageExpression": "'%d is more than %d'.format([self.min, self.max])"]],
        ["min": ["type": "integer"], "max": ["type": "integer"]])

    @Test(
        arguments: [
            (range, ["min": 1, "max": 2], []),
            (range, ["min": 3, "max": 2], ["spec: Invalid value: 3 is more than 2"]),
            (
                range, ["min": 3],
                ["spec: Invalid value: \"object\": no such key: max evaluating rule: self.min <= self.max"]
            ),
            (
                ["type": "string", "x-kubernetes-validations": [["rule": "self.startsWith('a')"]]], "b",
                ["spec: Invalid value: \"b\": failed rule: self.startsWith('a')"]
            ),
            (
                ["type": "string", "x-kubernetes-validations": [["rule": "self == 'a'", "message": " be a "]]], "b",
                ["spec: Invalid value: \"b\": be a"]
            ),
            (
                object(
                    [["rule": "has(self.a)", "message": "needs a", "fieldPath": ".a", "reason": "FieldValueRequired"]],
                    ["a": ["type": "string"]]), [:], ["spec.a: Required value: needs a"]
            ),
            (
                object(
                    [["rule": "self.a > 0", "message": "no", "fieldPath": ".a", "reason": "FieldValueForbidden"]],
                    ["a": ["type": "integer"]]), ["a": 0], ["spec.a: Forbidden: no"]
            ),
            (
                [
                    "type": "object",
                    "additionalProperties": ["type": "integer", "x-kubernetes-validations": [["rule": "self > 1"]]],
                ],
                ["x": 1, "y": 2], ["spec[x]: Invalid value: 1: failed rule: self > 1"]
            ),
            (
                ["type": "array", "items": ["type": "string", "x-kubernetes-validations": [["rule": "self != ''"]]]],
                ["x", ""], ["spec[1]: Invalid value: \"\": failed rule: self != ''"]
            ),
            (["type": "string", "nullable": true, "x-kubernetes-validations": [["rule": "false"]]], .null, []),
            (
                ["type": "string", "x-kubernetes-validations": [["rule": "false", "messageExpression": "''"]]], "x",
                ["spec: Invalid value: \"x\": failed rule: false"]
            ),
        ] as [(Value, Value, [String])])
    func `rules judge values where they stand`(_ spec: Value, _ value: Value, _ expected: [String]) {
        #expect(Self.check(spec, value).errors.map(\.description) == expected)
    }

    private static let list: Value = [
        "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"],
        "items": object(
            [["rule": "self.v >= oldSelf.v", "message": "only up"]],
            ["k": ["type": "string"], "v": ["type": "integer"]]),
    ]

    @Test(
        arguments: [
            (object([["rule": "self.a == oldSelf.a"]], ["a": ["type": "string"]]), ["a": "x"], nil, []),
            (object([["rule": "self.a == oldSelf.a"]], ["a": ["type": "string"]]), ["a": "x"], ["a": "x"], []),
            (
                object([["rule": "self.a == oldSelf.a"]], ["a": ["type": "string"]]), ["a": "x"], ["a": "y"],
                ["spec: Invalid value: failed rule: self.a == oldSelf.a"]
            ),
            (
                object(
                    [["rule": "oldSelf.hasValue() || self.a == 'first'", "optionalOldSelf": true]],
                    ["a": ["type": "string"]]),
                ["a": "x"], nil, ["spec: Invalid value: failed rule: oldSelf.hasValue() || self.a == 'first'"]
            ),
            (
                object(
                    [["rule": "oldSelf.orValue(self).a == self.a", "optionalOldSelf": true]], ["a": ["type": "string"]]),
                ["a": "x"], ["a": "x"], []
            ),
            // Elements are known by their keys, wherever they stand; new ones have no past.
            (
                list, [["k": "new", "v": 0], ["k": "b", "v": 1], ["k": "a", "v": 5]],
                [["k": "a", "v": 5], ["k": "b", "v": 2]],
                ["spec[1]: Invalid value: only up"]
            ),
        ] as [(Value, Value, Value?, [String])])
    func `rules that compare are asked when there is something to compare with`(
        _ spec: Value, _ new: Value, _ old: Value?, _ expected: [String]
    ) {
        #expect(Self.check(spec, new, over: old).errors.map(\.description) == expected)
    }

    @Test func `a fault that was there before is a warning`() {
        let spec: Value = [
            "type": "object",
            "properties": [
                "a": ["type": "integer", "x-kubernetes-validations": [["rule": "self > 5"]]], "b": ["type": "string"],
                "l": [
                    "type": "array", "items": ["type": "integer", "x-kubernetes-validations": [["rule": "self > 5"]]],
                ],
            ],
        ]
        let kept = Self.check(spec, ["a": 1, "b": "new", "l": [1]], over: ["a": 1, "b": "old", "l": [1]])
        #expect(kept.errors == [])
        #expect(kept.warnings.first == "spec.a: Invalid value: 1: failed rule: self > 5")
        #expect(kept.warnings.count == 2)
        // What is known of a list without keys is the list as a whole.
        let grown = Self.check(spec, ["a": 1, "l": [1, 7]], over: ["a": 1, "l": [1]])
        #expect(grown.errors.map(\.field) == ["spec.l[0]"])
    }

    @Test func `an object whose rules cost too much is refused, and no more are asked`() {
        let small = CELBudget(100_000, callLimit: 20_000)
        let dear = "self.all(x, self.all(y, self.all(z, x + y + z >= 0)))"
        let spec: Value = [
            "type": "array", "items": ["type": "integer"],
            "x-kubernetes-validations": [["rule": .string(dear)], ["rule": "false"]],
        ]
        let found = Self.check(spec, .array((0..<40).map { .integer($0) }), budget: small).errors
        #expect(found.count == 1)
        #expect(
            found.first?.description.hasSuffix(
                "no further validation rules will be run due to call cost exceeds limit for rule: \(dear)") == true)
        let cheap = "self.all(x, self.all(y, x + y >= 0))"
        let many: Value = [
            "type": "array", "items": ["type": "integer"],
            "x-kubernetes-validations": .array((0..<40).map { _ in ["rule": .string(cheap)] }),
        ]
        let spent = Self.check(many, .array((0..<25).map { .integer($0) }), budget: small).errors
        #expect(
            spent.map(\.detail) == [
                "validation failed due to running out of cost budget, no further validation rules will be run"
            ])
    }

    // MARK: Definitions

    private static func faults(_ spec: Value) -> [String] {
        let schema: Value = ["type": "object", "properties": ["spec": spec]]
        let root = StructuralSchema(schema, kind: "Thing", metadata: DefinitionRules.metadata).root
        return ExpressionRules.errors(in: schema, root, at: "s").map(\.description)
    }

    private static let place = "s.properties[spec].x-kubernetes-validations[0]"

    @Test(
        arguments: [
            (["rule": "self.size() > 0"], []),
            (["rule": " "], ["\(place).rule: Required value: rule is not specified"]),
            (
                ["rule": "true", "message": " "],
                ["\(place).message: Invalid value: \" \": message must be non-empty if specified"]
            ),
            (
                ["rule": "true ||\nfalse"],
                ["\(place).message: Required value: message must be specified if rule contains line breaks"]
            ),
            (
                ["rule": "true", "reason": "Because"],
                [
                    "\(place).reason: Unsupported value: \"Because\": supported values: \"FieldValueDuplicate\", "
                        + "\"FieldValueForbidden\", \"FieldValueInvalid\", \"FieldValueRequired\""
                ]
            ),
            (
                ["rule": "true", "fieldPath": ".a"],
                [
                    "\(place).fieldPath: Invalid value: \".a\": fieldPath must be a valid path"
                ]
            ),
            (
                ["rule": "self"],
                ["\(place).rule: Invalid value: {\"rule\":\"self\"}: cel expression must evaluate to a bool"]
            ),
            (
                ["rule": "true", "messageExpression": "1"],
                [
                    "\(place).messageExpression: Invalid value: {\"messageExpression\":\"1\",\"rule\":\"true\"}: "
                        + "messageExpression must evaluate to a string"
                ]
            ),
            (
                ["rule": "true", "optionalOldSelf": true],
                ["\(place).optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule"]
            ),
        ] as [(Value, [String])])
    func `a rule that cannot be asked is refused with its definition`(_ rule: Value, _ expected: [String]) {
        #expect(Self.faults(["type": "string", "maxLength": 10, "x-kubernetes-validations": [rule]]) == expected)
    }

    @Test func `an expression that does not compile is told with its place`() {
        let found = Self.faults(["type": "string", "x-kubernetes-validations": [["rule": "self.nope"]]])
        #expect(found.count == 1)
        #expect(found.first?.contains("compilation failed: ERROR: <input>:1:5:") == true)
    }

    @Test func `what cannot be compared has no rules that compare`() {
        let rule: Value = [["rule": "self == oldSelf"]]
        let item: Value = ["type": "string", "maxLength": 5, "x-kubernetes-validations": rule]
        #expect(
            Self.faults(["type": "array", "maxItems": 5, "items": item]) == [
                "s.properties[spec].items.x-kubernetes-validations[0].rule: Invalid value: \"self == oldSelf\": oldSelf "
                    + "cannot be used on the uncorrelatable portion of the schema within s.properties[spec]"
            ])
    }

    @Test func `rules that could cost too much are refused with their definition`() {
        let rule: Value = [["rule": "self.all(x, self.all(y, x != y || x == y))"]]
        func list(_ bounds: Value) -> Value {
            var list = bounds
            list["type"] = "array"
            list["items"] = ["type": "string", "maxLength": 10]
            list["x-kubernetes-validations"] = rule
            return list
        }
        let unbounded = Self.faults(list([:]))
        #expect(
            unbounded.first == Self.place
                + ".rule: Forbidden: estimated rule cost exceeds budget by factor of more than "
                + "100x (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, "
                + "and strings are declared)")
        #expect(unbounded.last?.hasPrefix("s: Forbidden: x-kubernetes-validations estimated rule cost total") == true)
        #expect(Self.faults(list(["maxItems": 50])) == [])
        let nested: Value = ["type": "array", "maxItems": 100_000, "items": list(["maxItems": 50])]
        #expect(Self.faults(nested).isEmpty == false)
    }
}
