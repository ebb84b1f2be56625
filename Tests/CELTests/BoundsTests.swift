import APIMachinery
import Testing

@testable import CEL

/// Sources that somebody writes to bring a server down.
@Suite struct BoundsTests {
    private static let base = #"cel.bind(l, lists.range(1000), cel.bind(t, l.map(i, "aaaaaaaaaa").join(), "#

    /// Each costs little as costs are counted, and would take long.
    @Test(arguments: [
        "l.all(i, size(l + l) > 0)", "l.all(i, l.slice(0, 1000).size() > 0)", "l.all(i, l == l)", "l.all(i, l + [1] != l + [2])",
        "l.all(i, lists.range(1000).size() == 1000)", "size(lists.range(100000000)) > 0",
        "t.replace('', t).size() > 0", "t.replace('a', t).size() > 0", "l.map(i, '').join(t).size() > 0",
        "t.indexOf(t.substring(1) + 'b') < 0", "t.lastIndexOf(t.substring(1) + 'b') < 0",
        "t.split(t.substring(1) + 'b').size() > 0", "t.matches('((a{50}){50})b')", "t.findAll('a*b|a').size() > 0",
        "t.find('((a{50}){50})b') == ''", "l.map(i, [i]).distinct().size() > 0",
        "sets.contains(l.map(i, [i]), l.map(i, [i]))", "l.all(i, t.charAt(i) == 'a')", "l.all(i, [t] == [t])",
        "l.map(i, t).size() > 0 && '%s'.format([l.map(i, t)]).size() > 0",
        "cel.bind(m, l.transformMap(i, v, v), l.all(i, m.exists(k, true)))",
        "l.all(i, '%f'.format([5e-324]) != '')", "l.all(i, '%e'.format([5e-324]) != '')",
        "l.all(i, lists.range(-1000000).size() == 0 && l == l)",
    ])
    func `what costs little and takes long ends`(source: String) throws {
        let program = try CELProgram(Self.base + source + "))", in: CELEnvironment())
        var budget = CELBudget()
        budget.effortLimit = 3_000_000
        do throws(CELError) {
            let value = try program.evaluate([:], budget: &budget)
            Issue.record("\(source) is \(value)")
        } catch {
            #expect(error == .callLimit)
        }
    }

    @Test func `values that double do not`() throws {
        for (start, step) in [("[1]", "[a, a]"), ("[1]", "a + a"), ("'a'", "a + a"), ("{1: 1}", "{1: a, 2: a}")] {
            var source = "a == a"
            for _ in 0..<60 { source = "cel.bind(a, \(step), \(source))" }
            let program = try? CELProgram("cel.bind(a, dyn(\(start)), \(source))", in: CELEnvironment())
            var budget = CELBudget()
            budget.effortLimit = 300_000
            #expect(throws: CELError.callLimit, "\(step)") { try program?.evaluate([:], budget: &budget) }
        }
    }

    @Test func `types that double are refused`() throws {
        var source = "a == a"
        for _ in 0..<60 { source = "cel.bind(a, {a: a}, \(source))" }
        do throws(CELError) {
            _ = try CELProgram("cel.bind(a, {1: 1}, \(source))", in: CELEnvironment())
            Issue.record("it compiles")
        } catch {
            #expect(error.description.contains("type is too large"))
        }
    }

    private static func nested(_ before: String, _ inner: String, _ after: String, _ count: Int) -> String {
        String(repeating: before, count: count) + inner + String(repeating: after, count: count)
    }

    @Test(arguments: [
        nested("(", "x", ".a.a.a.a.a.a.a.a.a.a)", 240), nested("(", "1", " + 1 + 1 + 1)", 240), nested("-(", "1", ")", 240),
        nested("[", "1", "]", 240), nested("{1: ", "1", "}", 240), nested("[1].map(x, ", "1", ")", 240),
        nested("[1].all(x, ", "true", ")", 240), nested("[1].exists_one(x, y, ", "true", ")", 240),
        nested("cel.bind(x, 1, ", "x", ")", 240), nested("true ? ", "1", " : 1", 240), nested("[", "0", "][0]", 240),
        nested("optional.of(1).optMap(x, ", "1", ")", 240), nested("(", "1", " + 1)", 249), nested("dyn(", "1", ")", 240),
        nested("(true && (false || ", "true", "))", 120), "x" + String(repeating: ".a", count: 49_999),
        "1" + String(repeating: "+1", count: 49_999), String(repeating: "$ ", count: 49_999),
        "x" + String(repeating: "[0]", count: 33_000), String(repeating: "[", count: 99_999),
    ])
    func `a source that nests deeply compiles and runs, or is refused`(source: String) {
        var budget = CELBudget()
        let environment = CELEnvironment(variables: ["x": .dyn])
        do throws(CELError) {
            let program = try CELProgram(source, in: environment)
            _ = program.estimatedCost
            _ = try program.evaluate(["x": .null], budget: &budget).tree()
        } catch {
            #expect(error.description.utf8.count < 2_000_000)
        }
    }

    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            "optional.of(1)|.optMap(x, x)", "optional.of(1)|.optFlatMap(x, optional.of(x))", "[1]|.sortBy(x, x)",
        ])
    func `chains of macros that repeat what they are called on end`(chain: String) throws {
        let parts = chain.split(separator: "|")
        for count in [12, 80] {
            let source = parts[0] + String(repeating: String(parts[1]), count: count)
            do throws(CELError) {
                _ = try CELProgram(String(source), in: CELEnvironment())
                Issue.record("it compiles")
            } catch {
                #expect(error.description.contains("expression is too large"))
            }
        }
        // Many short ones are together as large as a long one.
        let short = parts[0] + String(repeating: String(parts[1]), count: 4)
        let source = "[" + Array(repeating: String(short), count: 700).joined(separator: ", ") + "]"
        #expect(throws: CELError.self) { try CELProgram(source, in: CELEnvironment()) }
        _ = try CELProgram(String(short), in: CELEnvironment())
    }

    @Test(arguments: [
        ("'aba'.replace('a', 'c', -9223372036854775808)", "\"cbc\""), ("'aba'.replace('a', 'c', -1)", "\"cbc\""),
        ("'aba'.replace('a', 'c', 1)", "\"cba\""), ("'aba'.replace('a', 'c', 0)", "\"aba\""),
        ("'aba'.split('b', -9223372036854775808).size()", "2"), ("lists.range(-9223372036854775808).size()", "0"),
        ("lists.range(-5).size()", "0"),
    ])
    func `numbers below zero are limits that are none`(source: String, result: String) throws {
        var budget = CELBudget()
        let program = try CELProgram(source, in: CELEnvironment())
        #expect(try program.evaluate([:], budget: &budget).tree().description == result)
    }

    @Test func `a source has a greatest length`() {
        #expect(
            throws: CELError(
                .syntax, "ERROR: <input>:1:1: expression code point size exceeds limit: size: 100001, limit 100000")
        ) {
            try CELProgram(String(repeating: "1", count: 100_001), in: CELEnvironment())
        }
    }
}
