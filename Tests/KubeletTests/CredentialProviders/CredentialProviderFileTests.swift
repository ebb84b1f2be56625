import Host
import Support
import Testing

@testable import Kubelet

@Suite struct CredentialProviderFileTests {
    private static let head = "apiVersion: kubelet.config.k8s.io/v1\nkind: CredentialProviderConfig\n"
    private static let small = """
        providers:
        - name: ecr
          matchImages: ["*.amazonaws.com"]
          defaultCacheDuration: 12h
          apiVersion: credentialprovider.kubelet.k8s.io/v1

        """

    private static func parse(_ text: String, _ head: String = head) throws(Fault) -> [CredentialProvider] {
        try CredentialProviderFile.parse(Array((head + text).utf8), programs: "/bin/providers")
    }

    @Test func `all fields are read`() throws {
        let more = """
              args: [get, --all]
              env:
              - {name: AWS_PROFILE, value: me}
              tokenAttributes:
                serviceAccountTokenAudience: sts
                cacheType: ServiceAccount
                requireServiceAccount: true
                requiredServiceAccountAnnotationKeys: [example.com/Role]
                optionalServiceAccountAnnotationKeys: [example.com/other]
            """
        let provider = try #require(try Self.parse(Self.small + more).first)
        #expect(provider.name == "ecr" && provider.program == "/bin/providers/ecr")
        #expect(provider.defaultLifetime == .seconds(12 * 3600) && provider.arguments == ["get", "--all"])
        #expect(provider.version == "credentialprovider.kubelet.k8s.io/v1" && provider.environment == ["AWS_PROFILE": "me"])
        #expect(!provider.serves("a.ecr.amazonaws.com/x") && provider.serves("ecr.amazonaws.com/x"))
        let tokens = CredentialProvider.Tokens(
            audience: "sts", lifetime: .account, isAccountRequired: true, requiredAnnotations: ["example.com/Role"],
            optionalAnnotations: ["example.com/other"])
        #expect(provider.tokens == tokens)
    }

    /// The small one with another word, or with more.
    private static func with(_ old: String, _ new: String) -> String { small.replacing(old, new) }
    private static func then(_ more: String) -> String { small + more }
    private static func told(_ tokens: String) -> String { small + "  tokenAttributes: {" + tokens + "}\n" }

    private static let wrong: [(String, String)] = [
        ("providers: []\n", "providers: Required value: at least 1 item in plugins is required"),
        (with("ecr", "a/b"), #"providers.name: Invalid value: "a/b": provider name cannot contain '/'"#),
        (with("ecr", ".."), #"providers.name: Invalid value: "..": provider name cannot be '..'"#),
        (with("/v1\n", "/v9\n"), #"providers.apiVersion: Unsupported value: "credentialprovider.kubelet.k8s.io/v9""#),
        (with("\"*.amazonaws.com\"", ""), "providers.matchImages: Required value: at least 1 item"),
        (with("*.amazonaws", "a b"), #"providers.matchImages: Invalid value: "a b.com": match image is invalid: "#),
        (with("12h", "-1s"), "defaultCacheDuration must be greater than or equal to 0"),
        (with("  defaultCacheDuration: 12h\n", ""), "providers.defaultCacheDuration: Required value"),
        (with("12h", "soon"), #"providers[0].defaultCacheDuration: time: invalid duration "soon""#),
        (then(small.replacing("providers:\n", "")), #"Duplicate value: "ecr""#),
        (then("  colour: red\n"), #"strict decoding error: unknown field "providers[0].colour""#),
        (then("  args: get\n"), "providers[0].args has the wrong type"),
        (told(""), "providers.tokenAttributes.serviceAccountTokenAudience: Required value"),
        (
            told("serviceAccountTokenAudience: a, requireServiceAccount: true"),
            "cacheType is required to be set when tokenAttributes is specified. Supported values are: ServiceAccount, Token"
        ),
        (
            told("requireServiceAccount: false, cacheType: Token, requiredServiceAccountAnnotationKeys: [a, a]"),
            "requireServiceAccount cannot be false when requiredServiceAccountAnnotationKeys is set"
        ),
    ]

    @Test(arguments: wrong)
    func `what is wrong is told as Kubernetes tells it`(_ text: String, _ words: String) {
        let fault = #expect(throws: Fault.self) { try Self.parse(text) }
        #expect(fault?.summary.contains(words) == true, "\(fault?.summary ?? "")")
    }

    @Test func `tokens came with the last version, and other documents are none of these`() throws {
        let tokens = "  tokenAttributes: {}\n"
        for head in [Self.head.replacing("/v1", "/v1beta1"), Self.head.replacing("/v1", "/v1alpha1")] {
            #expect(try Self.parse(Self.small, head).count == 1)
            let fault = #expect(throws: Fault.self) { try Self.parse(Self.small + tokens, head) }
            #expect(fault?.summary == #"strict decoding error: unknown field "providers[0].tokenAttributes""#)
        }
        for head in ["", Self.head.replacing("Config\n", "\n"), Self.head.replacing("/v1", "/v2")] {
            #expect(throws: Fault.self) { try Self.parse(Self.small, head) }
        }
    }

    @Test func `files of a folder count in their order, and programs must be there`() throws {
        let folder = "/tmp/k3s-providers-\(UInt32.random(in: 0...UInt32.max))"
        defer { try? Files.remove(folder) }
        let (programs, files) = (folder + "/bin", folder + "/config")
        func read() throws(Fault) -> [String] {
            try CredentialProviderFile.read(files, programs: programs).map(\.name)
        }
        try Files.makeDirectory(files)
        #expect { _ = try read() } throws: { ($0 as? Fault)?.summary == "plugin binary directory \(programs) did not exist" }
        try Files.makeDirectory(programs)
        #expect { _ = try read() } throws: { ($0 as? Fault)?.summary.hasPrefix("no configuration files found") ?? false }
        try Files.write(Self.head + Self.small, to: files + "/b.yaml", mode: 0o600)
        try Files.write(Self.head + Self.small.replacing("ecr", "acr"), to: files + "/c.json", mode: 0o600)
        try Files.write("nonsense", to: files + "/a.txt", mode: 0o600)
        try Files.write("", to: programs + "/ecr", mode: 0o600)
        try Files.write("", to: programs + "/acr", mode: 0o755)
        let missing = "plugin binary executable \(programs)/ecr did not exist"
        #expect { _ = try read() } throws: { ($0 as? Fault)?.summary == missing }
        try Files.setMode(0o755, of: programs + "/ecr")
        #expect(try read() == ["ecr", "acr"])
        try Files.write(Self.head + Self.small, to: files + "/d.yml", mode: 0o600)
        let twice = "duplicate provider name \"ecr\" found in configuration file(s)"
        #expect { _ = try read() } throws: { ($0 as? Fault)?.summary == twice }
    }
}

extension String {
    fileprivate func replacing(_ old: String, _ new: String) -> String { replacing(old, with: new) }
}
