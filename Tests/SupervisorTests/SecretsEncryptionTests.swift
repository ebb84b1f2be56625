import Support
import Testing

@testable import Supervisor

@Suite struct SecretsEncryptionTests {
    private static let path = "/data/server/cred/encryption-config.json"

    @Test func `nothing is encrypted unless somebody asks`() throws {
        var disk = Disk()
        #expect(try disk.run(Disk.request()).encryption == nil)
        #expect(disk.snapshot.files[Self.path] == nil)
    }

    @Test(arguments: SecretsEncryption.allCases)
    func `a key is made once, and then kept`(provider: SecretsEncryption) throws {
        var disk = Disk()
        var request = Disk.request()
        request.secretsEncryption = provider
        let first = try disk.run(request).encryption
        #expect(first != nil && disk.snapshot.files[Self.path] == first)
        #expect(disk.text(Self.path)?.contains(#""providers":[{"\#(provider.rawValue)":{"keys":[{"name":"\#(provider.rawValue)key","#) == true)
        #expect(disk.text("/data/server/cred/encryption-state.json")?.hasPrefix("start-") == true)
        #expect(try disk.run(request).encryption == first)
        // Without it, what is stored could not be read.
        #expect(try disk.run(Disk.request()).encryption == first)
    }

    @Test func `the options of k3s ask for it`() throws {
        func asked(_ arguments: String...) throws -> SecretsEncryption? {
            try SecretsEncryption(try OptionValues(arguments, options: Option.server))
        }
        #expect(try asked() == nil)
        #expect(try asked("--secrets-encryption") == .aescbc)
        #expect(try asked("--secrets-encryption", "--secrets-encryption-provider=secretbox") == .secretbox)
        #expect(throws: Fault.self) { try asked("--secrets-encryption-provider", "rot13") }
    }

    @Test func `an argument of the API server that is not known is a fault that names it`() throws {
        #expect(try APIServerArguments(["encryption-provider-config=/x"]).encryptionConfigFile == "/x")
        #expect(try APIServerArguments([]).reloadsEncryption)
        #expect(try !APIServerArguments(["encryption-provider-config-automatic-reload=false"]).reloadsEncryption)
        let asked = try APIServerArguments(["enable-admission-plugins=A,B", "disable-admission-plugins=C"])
        #expect(asked.admissionPlugins == ["A", "B"])
        #expect(asked.disabledAdmissionPlugins == ["C"])
        let fault = #expect(throws: Fault.self) { try APIServerArguments(["no-such-flag=1"]) }
        #expect(fault?.summary.contains("no-such-flag") == true)
    }
}
