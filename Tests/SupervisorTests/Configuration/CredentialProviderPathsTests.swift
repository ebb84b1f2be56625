import Host
import Support
import Testing

@testable import Supervisor

@Suite struct CredentialProviderPathsTests {
    private static func paths(_ arguments: [String] = []) throws -> CredentialProviderPaths {
        try ServerConfiguration(OptionValues(arguments, options: Option.server)).node.credentialProviders
    }

    @Test func `they have their places`() throws {
        let paths = try Self.paths()
        #expect(paths.folder == "/var/lib/rancher/credentialprovider/bin" && !paths.isAsked)
        #expect(paths.file == "/var/lib/rancher/credentialprovider/config.yaml")
    }

    @Test func `they count where a folder and a file are there`() throws {
        let root = "/tmp/k3s-credential-paths-\(UInt32.random(in: 0...UInt32.max))"
        defer { try? Files.remove(root) }
        let (folder, file) = (root + "/bin", root + "/config.yaml")
        let paths = try Self.paths([
            "--image-credential-provider-bin-dir", folder, "--image-credential-provider-config", file,
        ])
        #expect(paths.isAsked && paths.arguments.isEmpty)
        try Files.makeDirectory(folder)
        #expect(paths.arguments.isEmpty)
        try Files.makeDirectory(file)
        #expect(paths.arguments.isEmpty, "a folder is no file")
        try Files.remove(file)
        try Files.write("", to: file, mode: 0o600)
        #expect(
            paths.arguments == [
                "image-credential-provider-bin-dir": folder, "image-credential-provider-config": file,
            ])
        #expect(try Self.paths(["--image-credential-provider-config", "/nowhere"]).arguments.isEmpty)
    }
}
