import Testing

@testable import Wire

@Suite struct DNSNameTests {
    @Test(arguments: [
        (".", "."), ("a", "a."), ("a.B.c.", "a.B.c."), (#"a\.b.c"#, #"a\.b.c."#), (#"\065\\"#, #"A\\."#),
        ("a b", #"a\032b."#), ("é", #"\195\169."#),
    ])
    func `a name prints as it is read`(text: String, printed: String) throws {
        let name = try #require(DNSName(text))
        #expect(name.description == printed)
        #expect(DNSName(printed) == name)
    }

    @Test(arguments: [
        "", "a..b", ".a", "a\\", #"\25"#, #"\256"#, String(repeating: "x", count: 64),
        String(repeating: "abcdefg.", count: 32),
    ])
    func `what is no name is refused`(text: String) {
        #expect(DNSName(text) == nil)
    }

    @Test func `the longest name has 255 bytes`() {
        #expect(DNSName(String(repeating: "abcdefg.", count: 31) + "abcde")?.wire.count == 255)
        #expect(DNSName(String(repeating: "abcdefg.", count: 31) + "abcdef") == nil)
    }

    @Test func `case does not matter, and is kept`() throws {
        let (a, b) = (try #require(DNSName("Web.Default")), try #require(DNSName("wEB.dEFAULT")))
        #expect(a == b)
        #expect(Set([a, b]).count == 1)
        #expect(a.description == "Web.Default.")
        #expect(DNSName("[") != DNSName("{"))
    }

    @Test(arguments: [
        ("a.svc.cluster.local", "Cluster.Local", true), ("cluster.local", "cluster.local", true),
        ("xcluster.local", "cluster.local", false), ("local", "cluster.local", false), ("a.b", ".", true),
        (#"a\007cluster.local"#, "cluster.local", false),
    ])
    func `a name lies within its ancestors`(name: String, ancestor: String, isWithin: Bool) throws {
        #expect(try #require(DNSName(name)).isWithin(try #require(DNSName(ancestor))) == isWithin)
    }

    @Test func `a name's parent is the rest of it`() throws {
        let name = try #require(DNSName("a.b"))
        #expect(name.parent == DNSName("b"))
        #expect(name.parent?.parent == .root)
        #expect(DNSName.root.parent == nil)
        #expect(name.labels.map { Array($0) } == [[0x61], [0x62]])
    }
}
