import APIMachinery
import Testing

@testable import CEL

@Suite struct ErrorTests {
    @Test(arguments: [
        ("foo.bar", "ERROR: <input>:1:1: undeclared reference to 'foo' (in container '')\n | foo.bar\n | ^"),
        ("1 + foo", "ERROR: <input>:1:5: undeclared reference to 'foo' (in container '')\n | 1 + foo\n | ....^"),
        (
            "1 + 'a'",
            "ERROR: <input>:1:3: found no matching overload for '_+_' applied to '(int, string)'\n | 1 + 'a'\n | ..^"
        ),
        (
            "'a'.nope()",
            "ERROR: <input>:1:9: undeclared reference to 'nope' (in container '')\n | 'a'.nope()\n | ........^"
        ),
        (
            "'a'.matches(1)",
            "ERROR: <input>:1:12: found no matching overload for 'matches' applied to 'string.(int)'\n"
                + " | 'a'.matches(1)\n | ...........^"
        ),
        ("1 == 1.0", "ERROR: <input>:1:3: found no matching overload for '_==_' applied to '(int, double)'\n | 1 == 1.0\n | ..^"),
        ("[1, 'a']", "ERROR: <input>:1:5: expected type 'int' but found 'string'\n | [1, 'a']\n | ....^"),
        (
            "1.all(x, true)",
            "ERROR: <input>:1:1: expression of type 'int' cannot be range of a comprehension (must be list, map, or "
                + "dynamic)\n | 1.all(x, true)\n | ^"
        ),
        ("1.a", "ERROR: <input>:1:2: type 'int' does not support field selection\n | 1.a\n | .^"),
        ("\n  nope", "ERROR: <input>:2:3: undeclared reference to 'nope' (in container '')\n |   nope\n | ..^"),
        ("'a'.matches('[')", "ERROR: <input>:1:13: invalid matches argument\n | 'a'.matches('[')\n | ............^"),
        ("for", "ERROR: <input>:1:1: reserved identifier: for\n | for\n | ^"),
        ("[1].all(1, true)", "ERROR: <input>:1:9: argument must be a simple name\n | [1].all(1, true)\n | ........^"),
        ("has(a)", "ERROR: <input>:1:5: invalid argument to has() macro\n | has(a)\n | ....^"),
        ("a $ b", "ERROR: <input>:1:3: Syntax error: token recognition error at: '$'\n | a $ b\n | ..^"),
    ])
    func `a source that does not compile says where and why`(source: String, message: String) {
        do throws(CELError) {
            _ = try CELProgram(source, in: CELEnvironment())
            Issue.record("\(source) compiles")
        } catch {
            #expect(error.description == message)
            #expect(error.isCompileError)
        }
    }

    @Test(arguments: ["", "1 +", "(1", "[1", "{1:", "a.", "a b", "1 ? 2", "'abc", "f(", "{'a' 1}", "b'\\u0041'", "1..2"])
    func `a text that is no expression is refused`(source: String) {
        do throws(CELError) {
            _ = try CELProgram(source, in: CELEnvironment())
            Issue.record("\(source) compiles")
        } catch {
            #expect(error.kind == .syntax, "\(error)")
            #expect(error.description.hasPrefix("ERROR: <input>:1:"))
        }
    }

    @Test(arguments: [
        ("9223372036854775807 + 1 == 0", "integer overflow"),
        ("-9223372036854775808 - 1 == 0", "integer overflow"),
        ("9223372036854775807 * 2 == 0", "integer overflow"),
        ("-9223372036854775808 / -1 == 0", "integer overflow"),
        ("-9223372036854775808 % -1 == 0", "integer overflow"),
        ("-dyn(-9223372036854775808) == 0", "integer overflow"),
        ("0u - 1u == 0u", "unsigned integer overflow"),
        ("int(1e30) == 0", "integer overflow"),
        ("uint(-1) == 0u", "unsigned integer overflow"),
        ("1 / 0 == 0", "division by zero"),
        ("1 % 0 == 0", "modulus by zero"),
        ("[1][1] == 0", "index out of bounds: 1"),
        ("[1][-1] == 0", "index out of bounds: -1"),
        ("{'a': 1}.b == 0", "no such key: b"),
        ("{'a': 1}['b'] == 0", "no such key: b"),
        ("dyn(1) + 'a' == 'b'", "no such overload"),
        ("dyn(1).a", "no such overload"),
        ("[1, 2].all(x, dyn(x))", "no such overload"),
        ("[0].all(x, 1 / x > 0)", "division by zero"),
        ("optional.none().value() == 1", "optional.none() dereference"),
        ("timestamp('9999-12-31T23:59:59Z') + duration('1s') == timestamp(0)", "timestamp overflow"),
        ("duration('9223372036s') + duration('1000s') == duration('1s')", "duration overflow"),
        ("{'a': 1, 'a': 2} == {}", "Failed with repeated key"),
        ("'abc'.substring(4) == ''", "index out of range: 4"),
        ("int('x') == 1", "strconv.ParseInt: parsing \"x\": invalid syntax"),
        ("[].max() == 1", "max called on empty list"),
        ("timestamp('2020-01-01T00:00:00Z').getHours('nowhere') == 1", "unknown time zone nowhere"),
    ])
    func `an evaluation that fails says why`(source: String, message: String) throws {
        let program = try CELProgram(source, in: CELEnvironment())
        var budget = CELBudget()
        do throws(CELError) {
            let value = try program.evaluate([:], budget: &budget)
            Issue.record("\(source) is \(value)")
        } catch {
            #expect(error.description == message)
            #expect(error.kind == .evaluation)
        }
    }

    @Test func `the type of the result is demanded`() throws {
        #expect(throws: CELError(.resultType, "must evaluate to bool but got int")) {
            try CELProgram("1", in: CELEnvironment(), returning: .bool)
        }
        #expect(throws: CELError(.resultType, "must evaluate to bool but got dyn")) {
            try CELProgram("dyn(1)", in: CELEnvironment(), returning: .bool)
        }
        #expect(throws: CELError(.resultType, "must evaluate to one of [string null]")) {
            try CELProgram("1", in: CELEnvironment(), returningOneOf: [.string, .null])
        }
        #expect(try CELProgram("[1]", in: CELEnvironment(), returning: .list(.int)).resultType == .list(.int))
    }

    @Test func `brackets have a greatest depth, and operators a longest chain`() {
        let deep = String(repeating: "(", count: 10_000) + "1" + String(repeating: ")", count: 10_000)
        let long = "1" + String(repeating: " + 1", count: 10_000)
        for source in [deep, long, String(repeating: "!", count: 10_000), String(repeating: "[", count: 100_000)] {
            #expect(throws: CELError.self) { try CELProgram(source, in: CELEnvironment()) }
        }
        let terms = Array(repeating: "true", count: 5_000).joined(separator: " && ")
        #expect(throws: Never.self) {
            var budget = CELBudget()
            _ = try CELProgram(terms, in: CELEnvironment()).evaluate([:], budget: &budget)
        }
    }
}
