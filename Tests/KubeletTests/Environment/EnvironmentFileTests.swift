import API
import APIMachinery
import Host
import Support
import Testing

@testable import Kubelet

@Suite struct EnvironmentFileTests {
    private static let text = """
        # made by an init container
        A='one'

          B='two words # not a comment' # a comment
        C='several
        lines'
        D= 'not this'
        E='joined''parts'
        F=''
        G='$A \\n'
        """

    @Test(arguments: [
        ("A", "one"), ("B", "two words # not a comment"), ("C", "several\nlines"), ("D", ""),
        ("E", "joinedparts"), ("F", ""), ("G", "$A \\n"), ("H", nil),
    ])
    func `a value is taken as it stands between its quotes`(name: String, value: String?) throws {
        #expect(try EnvironmentFile.value(of: name, in: Self.text) == value)
    }

    @Test(arguments: [
        ("A", "line 1: missing '='"), ("A=b", "line 1: value must be enclosed in single quotes"),
        ("B='x'\n='y'", "line 2: empty variable name"), ("A ='x'", "line 1: whitespace before '='"),
        ("\n\nA='x\ny", "line 3: unclosed single quote"), ("B='\n\n'\nA=\"x\"", "line 4: value must be"),
    ])
    func `another form is refused with its line`(text: String, message: String) {
        let fault = #expect(throws: Fault.self) { try EnvironmentFile.value(of: "A", in: text) }
        #expect(fault?.code == .invalid && fault?.summary.contains(message) == true)
    }

    @Test func `what is missing is told unless it may be`() throws {
        let folder = "/tmp/k3s-environment-file-\(UInt32.random(in: 0...UInt32.max))"
        try Files.makeDirectory(folder + "/volume")
        defer { try? Files.remove(folder) }
        try Files.write("A='1'", to: folder + "/volume/env")
        try Files.write("A='2'", to: folder + "/outside")
        try Files.makeSymbolicLink(at: folder + "/volume/link", to: "../outside")
        func value(_ path: String, _ key: String, optional: Bool = false) throws(Fault) -> String? {
            var reference = FileKeySelector()
            (reference.volumeName, reference.path, reference.key) = ("v", path, key)
            reference.optional = optional
            return try EnvironmentFile.value(of: reference, volume: folder + "/volume")
        }
        #expect(try value("env", "A") == "1")
        #expect(try value("env", "B", optional: true) == nil && value("none", "A", optional: true) == nil)
        #expect(throws: Fault.self) { try value("env", "B") }
        #expect(throws: Fault.self) { try value("none", "A") }
        // A link leads nowhere outside the volume, whatever may be missing.
        #expect((try? value("link", "A")) != "2")
    }
}
