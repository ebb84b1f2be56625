import APIMachinery
import Testing

@testable import CEL

@Suite struct CostTests {
    private func cost(_ source: String, _ variables: [String: CELValue] = [:]) throws -> Int {
        let environment = CELEnvironment(variables: variables.mapValues { _ in .dyn })
        var budget = CELBudget()
        _ = try CELProgram(source, in: environment).evaluate(variables, budget: &budget)
        return CELBudget.perObject - budget.remaining
    }

    @Test(arguments: [
        ("x", 1), ("x.a", 2), ("x.a.b", 3), ("1 + 2 == 3", 2), ("x.l[0]", 3), ("has(x.a)", 1), ("[1, 2]", 10),
        ("{'a': 1}", 30), ("x.l == x.l", 5), ("true && false", 0), ("true ? 1 : 2", 0),
        ("'0123456789012345'.startsWith('a')", 2), ("'a'.matches('abcde')", 2), ("1 in [1, 2, 3]", 13),
        // Each turn: the condition 2, the accumulator 1, the variable 1, the comparison 1; at the end the accumulator 1.
        ("[1, 2, 3].all(i, i > 0)", 10 + 3 * 5 + 1),
        ("[1, 2].map(i, i)", 10 + 10 + 2 * 13 + 1),
    ])
    func `costs are counted as the reference counts them`(source: String, expected: Int) throws {
        let x = CELValue(["a": ["b": 1], "l": [1, 2]])
        #expect(try cost(source, ["x": x]) == expected)
    }

    @Test func `an evaluation ends when it has cost too much`() throws {
        let list = CELValue(.array((0..<200).map { .integer($0) }))
        let environment = CELEnvironment(variables: ["l": .anyList])
        let program = try CELProgram("l.all(a, l.all(b, l.all(c, a + b + c >= 0)))", in: environment)
        var budget = CELBudget()
        #expect(throws: CELError(.callLimit, "operation cancelled: actual cost limit exceeded")) {
            try program.evaluate(["l": list], budget: &budget)
        }
        #expect(budget.remaining < CELBudget.perObject - CELBudget.perCall)
    }

    @Test func `a budget that is spent ends all evaluations`() throws {
        let program = try CELProgram("1 + 1 == 2", in: CELEnvironment())
        var budget = CELBudget(3)
        _ = try program.evaluate([:], budget: &budget)
        do throws(CELError) {
            _ = try program.evaluate([:], budget: &budget)
            Issue.record("there was budget")
        } catch {
            #expect(error.kind == .budget)
        }
    }

    private func estimate(_ source: String, _ field: SchemaBuilder.Field) throws -> Int {
        var builder = SchemaBuilder()
        builder.add("T", [field])
        let type = try #require(SchemaTable(builder.build()).type(named: "T"))
        let environment = CELEnvironment(variables: ["self": .object(type)])
        return try CELProgram(source, in: environment).estimatedCost
    }

    private func list(maxItems: Int64?, maxLength: Int64?) -> SchemaBuilder.Field {
        var element = SchemaBuilder.Field("", .string)
        if let maxLength { element.constraints = ["maxLength": .integer(maxLength)] }
        var list = SchemaBuilder.Field("list", .list(element))
        if let maxItems { list.constraints = ["maxItems": .integer(maxItems)] }
        return list
    }

    @Test func `an estimate grows with what the schema allows`() throws {
        let source = "self.list.all(x, x.contains('abc'))"
        let small = try estimate(source, list(maxItems: 10, maxLength: 10))
        // Range 2; each turn: condition 2, accumulator 1, variable 1, and a look through 40 bytes 4; the result 1.
        #expect(small == 2 + 10 * (2 + 1 + 1 + 4) + 1)
        #expect(try estimate(source, list(maxItems: 1000, maxLength: 10)) == 2 + 1000 * 8 + 1)
        #expect(try estimate(source, list(maxItems: nil, maxLength: nil)) > CELProgram.greatestEstimatedCost)
        #expect(
            try estimate("self.list.all(x, self.list.all(y, x != y))", list(maxItems: nil, maxLength: 4))
                > CELProgram.greatestEstimatedCost)
    }

    @Test func `an evaluation costs no more than was estimated`() throws {
        let sources = [
            "self.list.all(x, x.size() > 0)", "self.list.exists_one(x, x == 'a')", "self.list.map(x, x + 'b').size() > 0",
            "self.list.filter(x, x.startsWith('a')).isSorted()", "self.list.join(',').contains('ab')",
            "'a' in self.list", "self.list == self.list", "self.list[0].matches('^a+$')", "self.list.max() == 'a'",
        ]
        var builder = SchemaBuilder()
        builder.add("T", [list(maxItems: 4, maxLength: 8)])
        let type = try #require(SchemaTable(builder.build()).type(named: "T"))
        let environment = CELEnvironment(variables: ["self": .object(type)])
        for source in sources {
            let program = try CELProgram(source, in: environment, returning: .bool)
            var budget = CELBudget()
            let value = CELValue(["list": ["aaaaaaaa", "abababab", "c", "dddddddd"]], type: type)
            _ = try program.evaluate(["self": value], budget: &budget)
            #expect(CELBudget.perObject - budget.remaining <= program.estimatedCost, "\(source)")
        }
    }
}
