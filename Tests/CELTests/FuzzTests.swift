import APIMachinery
import Support
import Testing

@testable import CEL

/// No source and no value makes a trap.
@Suite struct FuzzTests {
    private static let words = [
        "1", "2u", "1.5", "-1", "'a'", "\"\\u00e9\"", "b'x'", "true", "null", "x", "y", "self", "[", "]", "(", ")", "{", "}",
        ".", ",", "?", ":", "+", "-", "*", "/", "%", "==", "!=", "<", "in", "&&", "||", "!", "all", "map", "has", "size",
        "matches", "a", "cel.bind", "optional.of", ".?", "[?", "9223372036854775807", "''' ", "\\", "r'", "$", "format",
        "duration('1h')", "[1, 2]", "{'a': 1}", "x.all(i, i > 0)", "quantity('1')", "😀",
    ]

    @Test(arguments: UInt64(0)..<12)
    func `the parser reads anything`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let environment = CELEnvironment(variables: ["x": .dyn, "y": .int, "self": .anyMap])
        for _ in 0..<100 {
            let count = Int.random(in: 0...20, using: &random)
            let separator = Bool.random(using: &random) ? " " : ""
            let source = (0..<count).map { _ in Self.words.randomElement(using: &random) ?? "" }.joined(separator: separator)
            _ = try? CELProgram(source, in: environment)
        }
    }

    /// Makes expressions that mostly compile, with values at the edges.
    private struct Generator {
        var random: SeededRandom

        mutating func pick(_ choices: [String]) -> String { choices.randomElement(using: &random) ?? "1" }

        mutating func expression(_ depth: Int) -> String {
            guard depth > 0 else {
                return pick([
                    "dyn(1)", "dyn(9223372036854775807)", "dyn(-9223372036854775808)", "dyn(0)", "dyn(0.0)", "dyn(1e308)",
                    "dyn('')", "dyn('aé😀')", "dyn([])", "dyn({})", "dyn(null)", "dyn(18446744073709551615u)", "x", "x.a",
                    "x.l", "dyn(duration('9223372036s'))", "dyn(timestamp('9999-12-31T23:59:59Z'))", "dyn(b'\\xff')",
                    "dyn(quantity('9223372036854775807'))", "dyn(true)", "dyn(optional.none())", "dyn(int)",
                ])
            }
            let a = expression(depth - 1)
            switch Int.random(in: 0..<12, using: &random) {
            case 0...3: return "(\(a) \(pick(["+", "-", "*", "/", "%", "==", "<", ">=", "in", "&&", "||"])) \(expression(depth - 1)))"
            case 4: return "(\(a) ? \(expression(depth - 1)) : \(expression(depth - 1)))"
            case 5: return "\(a)[\(expression(depth - 1))]"
            case 6: return "\(a).\(pick(["all", "exists", "exists_one", "map", "filter"]))(i, dyn(i) == \(expression(depth - 1)))"
            case 7: return "\(pick(["int", "uint", "double", "string", "bool", "size", "dyn", "type", "bytes", "duration", "timestamp"]))(\(a))"
            case 8:
                return "\(a).\(pick(["trim", "reverse", "lowerAscii", "isSorted", "sum", "min", "max", "getHours", "sort", "flatten", "distinct", "sign", "asInteger", "join", "value"]))()"
            case 9:
                return "\(a).\(pick(["indexOf", "split", "contains", "charAt", "substring", "matches", "find", "findAll", "add", "getHours", "startsWith", "orValue", "format"]))(\(expression(depth - 1)))"
            case 10: return pick(["[\(a)]", "{'k': \(a)}", "{\(a): 1}", "optional.of(\(a))", "-\(a)", "!\(a)", "\(a).?k", "\(a)[?0]"])
            default: return "\(a).\(pick(["substring", "slice", "replace", "lastIndexOf"]))(\(expression(depth - 1)), \(expression(depth - 1)))"
            }
        }
    }

    @Test(arguments: UInt64(0)..<12)
    func `random expressions come to a value or an error`(seed: UInt64) {
        var generator = Generator(random: SeededRandom(seed: seed))
        let environment = CELEnvironment(variables: ["x": .dyn])
        let variables = ["x": CELValue(["a": "text", "l": [1, 2.5, "b", [:], nil as Value? ?? .null]])]
        var evaluated = 0
        for _ in 0..<150 {
            let source = generator.expression(Int.random(in: 1...4, using: &generator.random))
            guard let program = try? CELProgram(source, in: environment) else { continue }
            var budget = CELBudget(callLimit: 20_000)
            let value = try? program.evaluate(variables, budget: &budget)
            _ = try? value?.tree()
            _ = program.estimatedCost
            evaluated += 1
        }
        #expect(evaluated > 30)
    }
}
