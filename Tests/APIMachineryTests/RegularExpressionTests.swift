import Support
import Testing

@testable import APIMachinery

@Suite struct RegularExpressionTests {
    @Test(arguments: [
        ("", "", true), ("a", "xay", true), ("^a$", "a", true), ("^a$", "ab", false), ("a|b", "b", true),
        ("^(a|b)*$", "abba", true), ("^a{2,3}$", "aa", true), ("^a{2,3}$", "aaaa", false), ("^a{2}$", "aa", true),
        ("^a{2,}$", "aaaaa", true), ("^[a-c]+$", "abc", true), ("^[^a-c]+$", "xyz", true), ("^[^a-c]+$", "xaz", false),
        ("^\\d+$", "123", true), ("^\\D$", "1", false), ("^\\w+$", "a_1", true), ("\\s", "a b", true),
        ("^[[:alpha:]]+$", "aB", true), ("^[[:^digit:]]$", "1", false), ("(?i)HELLO", "say hello", true),
        ("(?i:h)ELLO", "hELLO", true), ("(?i:h)ELLO", "hello", false), ("^a.c$", "a\nc", false), ("(?s)^a.c$", "a\nc", true),
        ("(?m)^b$", "a\nb\nc", true), ("^b$", "a\nb\nc", false), ("\\bfoo\\b", "a foo b", true), ("\\bfoo\\b", "afoo", false),
        ("^\\Qa.b\\E$", "a.b", true), ("^\\Qa.b\\E$", "axb", false), ("^\\x41\\x{1F600}$", "A😀", true),
        ("^\\pL+$", "aé", true), ("^\\p{Lu}$", "a", false), ("^\\P{Lu}$", "a", true), ("^.$", "é", true),
        ("^[]a]$", "]", true), ("^[a-]$", "-", true), ("a{,2}", "a{,2}", true), ("^(?P<n>a)(?:b)?$", "a", true),
        ("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "my-name", true), ("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "-name", false),
        ("^(a*)*$", "aaaa", true), ("(|a)+$", "aaa", true), ("^a\\.b\\-c$", "a.b-c", true), ("\\A\\z", "", true),
        ("^[\\d\\-]+$", "1-2", true), ("^\\0$", "\0", true), ("^\\p{Greek}+$", "αΩϰ", true), ("\\p{Greek}", "abc я", false),
        ("^\\P{Greek}+$", "abc", true), ("^\\p{^Greek}$", "α", false), ("^\\p{Han}+$", "漢字𠀀", true), ("\\p{Han}", "ひらカナ", false),
        ("^[\\p{Hiragana}\\p{Katakana}]+$", "ひらカナ", true), ("^[^\\p{Latin}]$", "é", false), ("^\\p{old-italic}$", "𐌀", true),
        ("^\\p{Common}+$", "1 +", true), ("(?i)^\\p{Cyrillic}+$", "Яя", true), ("^\\p{Letter}+$", "aя", true),
        ("^\\p{uppercase_letter}$", "a", false), ("^\\p{LC}$", "a", true), ("^\\p{LC}$", "漢", false), ("^\\p{Assigned}$", "a", true),
        ("^\\p{Cn}$", "\u{378}", true), ("^\\p{ASCII}$", "é", false), ("^\\pl$", "a", true), ("^\\p{Vithkuqi}$", "\u{105BB}", true),
        ("^\\p{Vithkuqi}$", "\u{105BD}", false),
    ])
    func `texts match or do not`(pattern: String, text: String, expected: Bool) throws {
        #expect(try RegularExpression(pattern).matches(text) == expected)
    }

    @Test(arguments: [
        ("[a", "missing closing ]"), ("(a", "missing closing )"), ("a)", "unexpected )"), ("*a", "missing argument to repetition operator"),
        ("a**", "invalid nested repetition operator"), ("a{1001}", "invalid repeat count"), ("a{2,1}", "invalid repeat count"),
        ("[z-a]", "invalid character class range"), ("\\", "trailing backslash at end of expression"), ("\\1", "invalid escape sequence"),
        ("(?=a)", "invalid or unsupported Perl syntax"), ("\\p{Nope}", "invalid character class range"), ("\\p{}", "invalid character class range"), ("(?P<>a)", "invalid named capture"),
        ("((a{500}){500}){500}", "expression too large"),
    ])
    func `texts that are no expression are refused`(pattern: String, reason: String) {
        do throws(RegularExpressionError) {
            _ = try RegularExpression(pattern)
            Issue.record("\(pattern) compiles")
        } catch {
            #expect(error.reason == reason)
        }
    }

    @Test(arguments: [
        ("a+", "baac", ["aa"]), ("a+?", "aa", ["a", "a"]), ("a|ab", "ab", ["a"]), ("ab|a", "ab", ["ab"]),
        ("a*", "baa", ["", "aa"]), ("[0-9]+", "1 22 é333", ["1", "22", "333"]), ("x*", "é", ["", ""]), ("(?U)a+", "aa", ["a", "a"]),
        ("(a+)(b+)?", "aab ab", ["aab", "ab"]),
    ])
    func `the leftmost match that is preferred is found`(pattern: String, text: String, expected: [String]) throws {
        let bytes = Array(text.utf8)
        let matches = try #require(try RegularExpression(pattern).allMatches(in: bytes))
        #expect(matches.map { String(decoding: bytes[$0], as: UTF8.self) } == expected)
    }

    @Test func `no expression takes more than linear time`() throws {
        let text = String(repeating: "a", count: 2_000)
        #expect(try !RegularExpression("^(a+)+$").matches(text + "b"))
        #expect(try !RegularExpression("(a|a)*b").matches(text))
        #expect(try !RegularExpression("(.*)(.*)(.*)(.*)x").matches(text))
        // Each match looks at all of the rest: a bound ends that.
        #expect(try RegularExpression("a*b|a").allMatches(in: Array(text.utf8), steps: 100_000) == nil)
        #expect(try RegularExpression("^((((((){1000}){1000}){1000}){1000}){0,1000}){1000}a").matches(text))
    }

    @Test(arguments: UInt64(0)..<30)
    func `random patterns never trap`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let parts = ["a", "b", "(", ")", "[", "]", "*", "+", "?", "{2}", "{,", "|", "^", "$", "\\", "-", "\\d", "\\pL", "(?i)", ".", "é", "[:alpha:]", "\\b"]
        for _ in 0..<100 {
            let pattern = (0..<Int.random(in: 1...12, using: &random)).map { _ in parts.randomElement(using: &random) ?? "" }.joined()
            guard let expression = try? RegularExpression(pattern) else { continue }
            _ = expression.matches("abé ab")
            _ = expression.allMatches(in: Array("ab éa".utf8))
        }
    }

    @Test func `a long expression is read in little time`() throws {
        let scalars = (0..<60_000).map { Unicode.Scalar(UInt32(0x1_0000 + $0 * 2))! }
        let text = scalars.reduce(into: "") { $0.unicodeScalars.append($1) }
        let letters = try RegularExpression("^[\(text)]$")
        #expect(letters.matches("\u{10002}") && !letters.matches("\u{10001}"))
        #expect(try RegularExpression("[" + String(repeating: "[:", count: 50_000) + "x]").matches("["))
        #expect(throws: RegularExpressionError.self) {
            try RegularExpression(String(repeating: "a", count: 3_000_000))
        }
    }
}
