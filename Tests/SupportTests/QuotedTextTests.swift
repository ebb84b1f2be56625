import Testing

@testable import Support

@Suite struct QuotedTextTests {
    @Test(arguments: [
        ("", #""""#), ("plain text", #""plain text""#), (#"say "hi" \o/"#, #""say \"hi\" \\o/""#),
        ("a\nb\r\tc", #""a\nb\r\tc""#), ("\u{1B}[2J\u{0}", #""\x1b[2J\x00""#), ("\u{9B}2J\u{FEFF}", #""\u009b2J\ufeff""#),
        ("grüße 世界", #""grüße 世界""#),
    ])
    func `nothing that is printed moves the cursor`(text: String, quoted: String) {
        #expect(QuotedText.quoted(text) == quoted)
    }

    @Test func `bytes are two digits each`() {
        #expect(Hex.encode([0, 1, 0xAB, 0xFF]) == "0001abff")
    }
}
