import Support
import Testing

@testable import Supervisor

/// Rules of the options that stand between the large ones.
@Suite struct OptionRulesTests {
    private func values(
        _ arguments: [String] = [], files: [String] = [], environment: [String: String] = [:]
    ) throws -> OptionValues {
        try OptionValues(arguments, options: Option.server, files: files, environment: environment)
    }

    @Test func `an empty variable says nothing`() throws {
        #expect(try values(environment: ["K3S_TOKEN": ""]).text("token") == nil)
        #expect(try !values(environment: ["K3S_DEBUG": ""]).flag("debug"))
        #expect(try values(environment: ["K3S_DEBUG": "true"]).flag("debug"))
    }

    @Test(arguments: [
        ("1", true), ("t", true), ("T", true), ("TRUE", true), ("True", true), ("0", false), ("f", false), ("F", false),
        ("FALSE", false), ("False", false),
    ])
    func `true and false are spelled as in Go`(text: String, isSet: Bool) throws {
        #expect(try values(environment: ["K3S_DEBUG": text]).flag("debug") == isSet)
        #expect(try values(["--disable-agent=\(text)"]).flag("disable-agent") == isSet)
    }

    @Test(arguments: ["-", "", "word"]) func `a word that is no flag is refused`(_ word: String) {
        let fault = #expect(throws: Fault.self) { try values([word]) }
        #expect(fault?.summary == "unexpected argument \"\(word)\"")
    }

    @Test(arguments: [["-t", "s"], ["-t=s"], ["--token", "s"], ["--token=s"], ["-token=s"]])
    func `a flag has two names, and two ways to its value`(_ arguments: [String]) throws {
        #expect(try values(arguments).text("token") == "s")
    }

    @Test func `a short name is known in the file too`() throws {
        let values = try values(files: ["t: s\ni: [10.0.0.1]\ni+: [10.0.0.2]"])
        #expect(values.text("token") == "s" && values.unknownKeys.isEmpty)
        #expect(values.list("node-ip") == ["10.0.0.1", "10.0.0.2"])
    }

    @Test func `a value may hold what separates it from its flag`() throws {
        #expect(try values(["--token=a=b"]).text("token") == "a=b")
        #expect(try values(["--token", "--debug"]).text("token") == "--debug")
        #expect(try values(["--token="]).text("token")?.isEmpty == true)
    }

    @Test(arguments: ["", "# nothing\n", "---\n"]) func `a file may be empty`(_ text: String) throws {
        #expect(try values(files: [text]) == values())
    }

    @Test func `nothing in the file is no value`() throws {
        let values = try values(files: ["token: null\ntls-san: [a, null, b]\nnode-label:"])
        #expect(values.text("token") == nil)
        #expect(values.list("tls-san") == ["a", "b"])
        #expect(values.list("node-label").isEmpty)
    }

    @Test func `scalars of the file are texts`() throws {
        let values = try values(files: ["token: 12\nhttps-listen-port: 7443\ndebug: true\ndisable-agent: false"])
        #expect(values.text("token") == "12" && values.number("https-listen-port") == 7443)
        #expect(values.flag("debug") && !values.flag("disable-agent"))
    }

    @Test func `a comma separates what is a list of names, not what is an argument`() throws {
        let values = try values(["--tls-san", "a,,b,", "--kubelet-arg", "x=a,b", "--kubelet-arg", ""])
        #expect(values.list("tls-san") == ["a", "b"])
        #expect(values.list("kubelet-arg") == ["x=a,b"])
    }

    @Test func `of what is no list the last value counts`() throws {
        let repeated = try values([
            "--token", "a", "--token", "b", "--debug", "--debug=false", "--https-listen-port", "1",
            "--https-listen-port", "2",
        ])
        #expect(repeated.text("token") == "b" && !repeated.flag("debug"))
        #expect(repeated.number("https-listen-port") == 2)
        let values = try values(files: ["token: [a, b]", "token+: c"])
        #expect(values.text("token") == "c")
    }

    @Test func `a key of the file that no option has is told without its plus`() throws {
        #expect(try values(files: ["nope+: 1"]).unknownKeys == ["nope"])
    }

    @Test func `an unknown flag is told without its value`() {
        let fault = #expect(throws: Fault.self) { try values(["--nope=secret"]) }
        #expect(fault?.summary == "unknown flag --nope")
    }
}
