import Host
import Support

/// Where plug-ins that give credentials for images are, and what says which (`--image-credential-provider-bin-dir` and
/// `--image-credential-provider-config`).
public struct CredentialProviderPaths: Hashable, Sendable {
    public var folder: String
    public var file: String
    /// Whether somebody asked for one of them.
    public var isAsked: Bool

    private static let root = "/var/lib/rancher/credentialprovider"

    init(_ values: OptionValues) {
        let (folder, file) = (
            values.text("image-credential-provider-bin-dir"), values.text("image-credential-provider-config")
        )
        isAsked = folder != nil || file != nil
        self.folder = folder ?? Self.root + "/bin"
        self.file = file ?? Self.root + "/config.yaml"
    }

    /// As arguments of the kubelet, without dashes. As in k3s they count only where both are there, a folder and a file.
    public var arguments: [String: String] {
        guard Self.kind(folder) == .directory, let kind = Self.kind(file), kind != .directory else { return [:] }
        return ["image-credential-provider-bin-dir": folder, "image-credential-provider-config": file]
    }

    private static func kind(_ path: String) -> FileStatus.Kind? { (try? Files.status(of: path))?.kind }

    static let options = [
        Option(
            "image-credential-provider-bin-dir",
            help: "(agent/node) Folder of the programs that give credentials for images"),
        Option("image-credential-provider-config", help: "(agent/node) File that says for which images they do"),
    ]
}
