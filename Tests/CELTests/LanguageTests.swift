import APIMachinery
import Testing

@testable import CEL

/// Expressions that are true by the language's definition and the libraries' documentation, a subject each.
@Suite struct LanguageTests {
    private static let literals = #"""
        1 + 2 * 3 == 7
        (1 + 2) * 3 == 9
        7 / 2 == 3 && -7 / 2 == -3 && 7 % 3 == 1 && -7 % 3 == -1
        0xff == 255 && 0XFFu == 255u
        -9223372036854775808 < 0
        1.5e3 == 1500.0 && .5 == 0.5
        "a\tb\n" == 'a\tb\n' && r"\d" == "\\d"
        '''a
        b''' == "a\nb"
        "\u00e9" == "é" && "\U0001F600" == "😀" && "\x41\101" == "AA"
        b"abc" == bytes("abc") && b"\xff" != b"\xfe"
        "e\u0301" != "\u00e9"
        true ? 1 == 1 : false
        false ? false : true ? true : false
        !!true && !(!true)
        - -1 == 1
        [1, 2, 3][1] == 2 && {"a": 1}["a"] == 1 && {"a": 1}.a == 1
        [1, 2] + [3] == [1, 2, 3]
        1 in [1, 2] && "a" in {"a": 1} && !(3 in [1, 2])
        null == null
        type(1) == int && type("") == string && type([]) == list && type(type(1)) == type
        type(timestamp("2020-01-01T00:00:00Z")) == google.protobuf.Timestamp
        dyn(1) == 1.0 && dyn(1u) == 1 && 1 < 1.5 && 2u > 1.5 && 1 < 2u
        dyn(9223372036854775807) != 9223372036854775808.0
        dyn(1) != "1"
        {1: "a"}[dyn(1.0)] == "a"
        size("héllo") == 5 && "😀".size() == 1 && size([1]) == 1 && size({}) == 0 && size(b"ab") == 2
        // a comment
        1 == 1 // behind it
        [1, 2,] == [1, 2]
        """#

    private static let logic = #"""
        true || 1 / 0 == 1
        1 / 0 == 1 || true
        !(false && 1 / 0 == 1)
        !(1 / 0 == 1 && false)
        [1, 2, 3].all(x, x > 0) && ![1, 2, 3].all(x, x > 1)
        [1, 2, 3].exists(x, x == 2) && ![1].exists(x, x == 2)
        [0, 1].exists(x, 1 / x == 1)
        ![0, 1].all(x, 1 / x == 2)
        [1, 2, 3].exists_one(x, x > 2) && ![1, 2, 3].exists_one(x, x > 1)
        [1, 2, 3].map(x, x * 2) == [2, 4, 6]
        [1, 2, 3].map(x, x > 1, x * 2) == [4, 6]
        [1, 2, 3].filter(x, x > 1) == [2, 3]
        {"a": 1, "b": 2}.all(k, k in ["a", "b"])
        {"a": 1, "b": 2}.map(k, k).size() == 2
        [].all(x, false) && ![].exists(x, true)
        [[1], [2, 3]].map(x, x.map(y, y + 1)) == [[2], [3, 4]]
        [1, 2].all(x, [3, 4].all(y, x < y))
        [10, 20].all(i, v, v == (i + 1) * 10)
        [10, 20].exists(i, v, i == 1 && v == 20)
        {"a": 1}.all(k, v, k == "a" && v == 1)
        [10, 20].existsOne(i, v, v > 10)
        [1, 2].transformList(i, v, i + v) == [1, 3]
        [1, 2].transformList(i, v, i > 0, v) == [2]
        {"a": 1, "b": 2}.transformMap(k, v, v + 1) == {"a": 2, "b": 3}
        {"a": 1, "b": 2}.transformMap(k, v, v > 1, v) == {"b": 2}
        ["x", "y"].transformMapEntry(i, v, {v: i}) == {"x": 0, "y": 1}
        cel.bind(x, 2, x * x) == 4
        cel.bind(a, [1], cel.bind(b, [2], a + b)) == [1, 2]
        has({"a": 1}.a) && !has({"a": 1}.b)
        """#

    private static let optionals = #"""
        optional.of(1).hasValue() && !optional.none().hasValue()
        optional.of(1).value() == 1
        optional.none().orValue(2) == 2 && optional.of(1).orValue(2) == 1
        optional.none().or(optional.of(3)).value() == 3
        optional.of(1).orValue(1 / 0) == 1
        optional.ofNonZeroValue("") == optional.none()
        optional.ofNonZeroValue("a").value() == "a"
        {"a": {"b": 1}}.?a.b == optional.of(1)
        {"a": 1}.?b.orValue(5) == 5
        [1, 2][?0].value() == 1 && ![1, 2][?5].hasValue()
        {"a": 1}[?"a"].hasValue() && !{"a": 1}[?"z"].hasValue()
        optional.of(2).optMap(x, x * 2).value() == 4
        !optional.none().optMap(x, 1).hasValue()
        optional.of(2).optFlatMap(x, optional.of(x + 1)).value() == 3
        [1, ?optional.none(), ?optional.of(2)] == [1, 2]
        {?"a": optional.none(), ?"b": optional.of(1)} == {"b": 1}
        [optional.of(1), optional.none()].unwrapOpt() == [1]
        optional.unwrap([optional.of(1), optional.none()]) == [1]
        """#

    private static let conversions = #"""
        int("42") == 42 && int(42.9) == 42 && int(-42.9) == -42 && int(7u) == 7
        uint("42") == 42u && uint(42) == 42u
        double("1.5") == 1.5 && double(2) == 2.0
        string(1) == "1" && string(1.0) == "1" && string(1.5) == "1.5" && string(true) == "true"
        string(1000000.0) == "1e+06" && string(123456789.0) == "1.23456789e+08" && string(0.00001) == "1e-05"
        string(b"abc") == "abc" && string(duration("90s")) == "90s" && string(duration("1500ms")) == "1.5s"
        string(timestamp("2023-05-06T07:08:09.100Z")) == "2023-05-06T07:08:09.1Z"
        bool("true") && !bool("0")
        int(timestamp("1970-01-01T00:01:00Z")) == 60 && timestamp(60) == timestamp("1970-01-01T00:01:00Z")
        """#

    private static let times = #"""
        timestamp("2023-01-31T00:00:00Z") + duration("24h") == timestamp("2023-02-01T00:00:00Z")
        timestamp("2023-01-02T00:00:00Z") - timestamp("2023-01-01T00:00:00Z") == duration("24h")
        timestamp("2023-01-02T00:00:00Z") - duration("1s") == timestamp("2023-01-01T23:59:59Z")
        timestamp("2023-01-01T01:00:00+01:00") == timestamp("2023-01-01T00:00:00Z")
        duration("1h") + duration("30m") == duration("90m") && duration("1h") > duration("59m")
        timestamp("2023-12-25T13:14:15.678Z").getFullYear() == 2023
        timestamp("2023-12-25T13:14:15.678Z").getMonth() == 11
        timestamp("2023-12-25T13:14:15.678Z").getDate() == 25
        timestamp("2023-12-25T13:14:15.678Z").getDayOfMonth() == 24
        timestamp("2023-12-25T13:14:15.678Z").getDayOfWeek() == 1
        timestamp("2023-12-25T13:14:15.678Z").getDayOfYear() == 358
        timestamp("2024-12-31T00:00:00Z").getDayOfYear() == 365
        timestamp("2024-02-29T00:00:00Z").getDayOfYear() == 59
        timestamp("2024-03-01T00:00:00Z").getDayOfYear() == 60
        timestamp("2023-12-25T13:14:15.678Z").getHours() == 13
        timestamp("2023-12-25T13:14:15.678Z").getMinutes() == 14
        timestamp("2023-12-25T13:14:15.678Z").getSeconds() == 15
        timestamp("2023-12-25T13:14:15.678Z").getMilliseconds() == 678
        timestamp("2023-12-25T23:30:00Z").getHours("+02:00") == 1
        timestamp("2023-12-25T23:30:00Z").getDate("+02:00") == 26
        timestamp("2023-12-25T00:30:00Z").getDate("-01:00") == 24
        timestamp("1969-12-31T23:59:59Z").getSeconds() == 59
        duration("3723s").getHours() == 1 && duration("3723s").getMinutes() == 62 && duration("1.5s").getMilliseconds() == 1500
        """#

    @Test(arguments: [literals, logic, optionals, conversions, times])
    func `the language says true`(table: String) throws {
        try expectTrue(table)
    }
}

/// Evaluates each line, which must be true. A line that begins with a blank belongs to the one before.
func expectTrue(_ table: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
    var expressions: [String] = []
    for line in table.split(separator: "\n") {
        if line.hasPrefix("b'''"), let last = expressions.popLast() {
            expressions.append(last + "\n" + line)
        } else {
            expressions.append(String(line))
        }
    }
    for expression in expressions where !expression.hasPrefix("//") {
        var budget = CELBudget()
        do {
            let program = try CELProgram(expression, in: CELEnvironment())
            let value = try program.evaluate([:], budget: &budget)
            #expect(value.bool == true, "\(expression) is \(value)", sourceLocation: sourceLocation)
        } catch {
            Issue.record("\(expression): \(error)", sourceLocation: sourceLocation)
        }
    }
}
