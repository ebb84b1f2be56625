import Testing

@testable import APIMachinery

struct PatternReplacementTests {
    /// What Go's `regexp.MustCompile(pattern).ReplaceAllString(text, template)` gives.
    @Test(arguments: [
        ("^library/(.*)", "hub/$1", "library/busybox", "hub/busybox"),
        ("^library/(.*)", "hub/$1", "other/busybox", "other/busybox"),
        ("^([^/]+)/(.+)$", "$2/${1}x", "a/b/c", "b/c/ax"),
        ("(?P<team>[a-z]+)/", "${team}-", "red/blue/x", "red-blue-x"),
        ("a", "$$$1$0", "banana", "b$an$an$a"),
        ("(a)(b)?", "[$1$2]", "abac", "[ab][a]c"),
        ("(a|ab)(c|bcd)(d*)", "<$1|$2|$3>", "abcd", "<a|bcd|>"),
        ("(a+?)(a*)", "$1.$2", "aaa", "a.aa"),
        ("(a)", "$1x", "a", ""), ("(a)", "${1}x", "a", "ax"), ("(a)", "${1x", "a", "${1x"), ("(a)", "$", "a", "$"),
        ("x*", "-", "abc", "-a-b-c-"), ("b*", "-", "abc", "-a-c-"), ("", "-", "é", "-é-"),
        ("(?:a)(b)", "$1", "ab", "b"), ("((a)b)", "$2$1", "ab", "aab"), ("(a){2}", "$1", "aaa", "aa"),
        ("(é+)", "<$1>", "aéé", "a<éé>"), ("$", "!", "a", "a!"), ("(a*)*", "<$1>", "b", "<>b<>"), ("(?:(a)x|ab)", "<$1>", "ab", "<>"),
    ])
    func `matches are replaced as in Go`(pattern: String, template: String, text: String, expected: String) throws {
        #expect(try PatternReplacement(pattern, with: template).apply(to: text) == expected)
    }

    @Test func `a search takes no more than linear time`() throws {
        let text = String(repeating: "a", count: 2_000)
        #expect(try PatternReplacement("^(a+)+$", with: "x").apply(to: text + "b") == text + "b")
        #expect(try PatternReplacement("((a|a)*)b", with: "x").apply(to: text) == text)
    }

    @Test func `what is no regular expression is refused`() {
        #expect(throws: RegularExpressionError.self) { try PatternReplacement("(a", with: "") }
        #expect(throws: RegularExpressionError.self) { try PatternReplacement("((){1000}){1000}", with: "") }
    }
}
