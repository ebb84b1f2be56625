import Support
import Testing

@testable import APIMachinery

@Suite struct NamingTests {
    @Test(arguments: [
        (NameRule.dns1123Label, "a"), (.dns1123Label, "a-b9"),
        (.dns1123Label, String(repeating: "a", count: 63)),
        (.dns1123Subdomain, "a.b-c.9"), (.dns1035Label, "a1"), (.wildcardDNS1123Subdomain, "*.example.com"),
        (.fullyQualifiedDomainName, "a.b."), (.qualifiedName, "A_b.c-1"),
        (.qualifiedName, "example.com/MyName"),
        (.labelValue, ""), (.labelValue, "A.b_c"), (.cIdentifier, "_a1"), (.environmentVariable, "a.b-C_1"),
        (.relaxedEnvironmentVariable, "1 a:$"), (.configMapKey, ".x"), (.configMapKey, "1"),
        (.portName, "http-2"),
        (.pathSegment, "system:node..x"), (.percent, "93%"), (.httpHeaderName, "X-A"),
    ])
    func `names that obey are accepted`(rule: NameRule, name: String) {
        #expect(rule.problems(in: name) == [])
    }

    @Test(
        arguments: [
            (NameRule.dns1123Label, "a.b", ["must not contain dots"]),
            (
                .dns1123Label, "A",
                [
                    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start "
                        + "and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation "
                        + "is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
                ]
            ),
            (
                .dns1123Subdomain, "a..b",
                [
                    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and "
                        + "must start and end with an alphanumeric character (e.g. 'example.com', regex used for "
                        + "validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
                ]
            ),
            (.qualifiedName, "/a", ["prefix part must be non-empty"]),
            (
                .portName, "--",
                [
                    "must contain at least one letter (a-z)", "must not contain consecutive hyphens",
                    "must not begin or end with a hyphen",
                ]
            ),
            (.pathSegment, "..", ["may not be '..'"]),
            (.pathSegment, "a/%", ["may not contain '/'", "may not contain '%'"]),
            (.configMapKey, "..", ["must not be '..'"]), (.configMapKey, "..a", ["must not start with '..'"]),
            (
                .fullyQualifiedDomainName, "a",
                ["should be a domain with at least two segments separated by dots"]
            ),
            (.labelValue, String(repeating: "a", count: 64), ["must be no more than 63 bytes"]),
        ] as [(NameRule, String, [String])])
    func `what breaks a rule is told in Kubernetes' words`(rule: NameRule, name: String, problems: [String]) {
        #expect(rule.problems(in: name) == problems)
    }

    @Test(
        arguments: [
            (NameRule.dns1123Label, ["", "-a", "a-", "a_b", "é"]),
            (.dns1123Subdomain, ["", ".a", "a.", "a.-b"]),
            (.dns1035Label, ["", "1a", "a-"]), (.wildcardDNS1123Subdomain, ["*", "*.", "a.b", "*a.b"]),
            (.qualifiedName, ["", "a/", "a/b/c", "-a", "A.b/c", "a b"]), (.labelValue, ["-", "a/b", " "]),
            (.cIdentifier, ["", "1a", "a-b"]), (.environmentVariable, ["", "1", "a=b"]),
            (.relaxedEnvironmentVariable, ["", "a=b", "é", "\n"]), (.configMapKey, ["", "a/b", "."]),
            (.portName, ["", "1", "A", "a-", "a--b", "abcdefghijklmnop"]),
            (.pathSegment, [".", "a/b", "%41"]),
            (.percent, ["", "%", "1", "-1%", "1%%"]), (.httpHeaderName, ["", "a b", "a:b"]),
            (.fullyQualifiedDomainName, ["", ".", "a..b", "a"]),
        ] as [(NameRule, [String])])
    func `names that break their rule are refused`(rule: NameRule, names: [String]) {
        for name in names { #expect(!rule.accepts(name), "\(name)") }
    }

    @Test func `a prefix may end in a dash`() {
        #expect(NameRule.dns1123Subdomain.problems(inPrefix: "web-") == [])
        #expect(NameRule.dns1123Subdomain.problems(inPrefix: "-") != [])
        #expect(NameRule.dns1123Subdomain.problems(inPrefix: "Web-") != [])
    }

    @Test func `generated names fit a label, and a seed reproduces them`() {
        var (random, again) = (SeededRandom(seed: 1), SeededRandom(seed: 1))
        let base = String(repeating: "a", count: 70)
        let name = GeneratedName.make(base: base, using: &random)
        #expect(name.utf8.count == 63)
        #expect(name == GeneratedName.make(base: base, using: &again))
        #expect(NameRule.dns1123Label.accepts(GeneratedName.make(base: "web-", using: &random)))
    }

    @Test(arguments: UInt64(0)..<50)
    func `uids are UUIDs of version 4`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let text = Array(GeneratedName.uuid(using: &random))
        #expect(text.count == 36)
        #expect([8, 13, 18, 23].allSatisfy { text[$0] == "-" })
        #expect(text[14] == "4")
        #expect("89ab".contains(text[19]))
    }
}
