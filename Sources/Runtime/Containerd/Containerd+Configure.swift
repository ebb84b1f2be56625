import Host
import Logging
import Support

extension Containerd {
    /// Makes the folders and writes all configuration, with the registries as containerd shall see them. Returns the
    /// fingerprint of what a process is started with.
    func configure(_ registries: Registries) async throws -> String {
        var options = options
        options.registries = registries
        for folder in [layout.state, layout.configuration, layout.cniConfiguration, layout.images] {
            try Files.makeDirectory(folder, mode: 0o700)
        }
        // Users of containers pass through it on their way to their layers.
        try Files.makeDirectory(layout.root, mode: 0o711)
        let version = try await VersionCache(path: layout.root + "/k3s-version.json").version(
            of: programs.containerd, ask: readVersion)
        let configuration = ContainerdConfiguration(
            version: version, layout: layout, options: options, runc: programs.runc,
            cniFolders: programs.cniFolders)
        let text = try applyTemplate(configuration)
        try Files.write(text, to: layout.configurationFile, mode: 0o600)
        try writeRegistryHosts(registries)
        var inputs = [text, "\(version)"]
        inputs += try dropIns(configuration)
        return try ProcessRecord.fingerprint(executable: programs.containerd, inputs)
    }

    private func readVersion() async throws -> ContainerdVersion {
        let output = try await Command(programs.containerd, ["--version"]).run()
        guard output.status.isSuccess, let version = ContainerdVersion(output: output.text) else {
            throw Fault(
                .unsupported, "\(programs.containerd) --version printed \"\(output.text.prefix(200))\"",
                remedy: "install containerd 1.6 or later")
        }
        guard version >= ContainerdVersion(major: 1, minor: 6) else {
            throw Fault(
                .unsupported, "containerd \(version) is too old", remedy: "install containerd 1.6 or later")
        }
        return version
    }

    /// A person's template replaces our text. Of the template language only the one action is known that most
    /// templates consist of: the one that stands for our text.
    private func applyTemplate(_ configuration: ContainerdConfiguration) throws -> String {
        let path = configuration.templateFile
        guard Files.exists(path) else { return configuration.text }
        let template = try Files.readText(path)
        return try ContainerdTemplate(template).render(base: configuration.text, path: path)
    }

    private func dropIns(_ configuration: ContainerdConfiguration) throws -> [String] {
        let folder = configuration.dropInFolder
        guard Files.exists(folder) else { return [] }
        var texts: [String] = []
        for name in try Files.list(folder) where name.hasSuffix(".toml") {
            texts.append(try Files.readText(Path.join(folder, name)))
        }
        return texts
    }

    /// The whole folder is written anew, so that what has left `registries.yaml` leaves the node.
    private func writeRegistryHosts(_ registries: Registries) throws {
        let hosts = RegistryHosts(
            registries: registries,
            isDefaultEndpointDisabled: options.isDefaultRegistryEndpointDisabled)
        let files = hosts.files()
        try Files.makeDirectory(layout.registryFolder, mode: 0o700)
        for name in try Files.list(layout.registryFolder) where files[name] == nil {
            try Files.remove(Path.join(layout.registryFolder, name))
        }
        for (name, text) in files {
            let folder = Path.join(layout.registryFolder, name)
            try Files.makeDirectory(folder, mode: 0o700)
            try Files.write(text, to: Path.join(folder, "hosts.toml"), mode: 0o600)
        }
    }
}

/// A person's own configuration of containerd.
struct ContainerdTemplate {
    private let text: String

    init(_ text: String) { self.text = text }

    /// Puts `base` where the template asks for it. Any other action of Go's template language is a fault.
    func render(base: String, path: String) throws(Fault) -> String {
        var (result, rest) = ("", Substring(text))
        while let open = rest.firstRange(of: "{{") {
            result += rest[..<open.lowerBound]
            rest = rest[open.upperBound...]
            guard let close = rest.firstRange(of: "}}") else { break }
            let words = rest[..<close.lowerBound].split { $0.isWhitespace || $0 == "-" }
            guard words == ["template", "\"base\"", "."] else {
                throw Fault(
                    .unsupported, "\(path): {{\(rest[..<close.lowerBound])}} is not supported in it",
                    remedy: "write the values themselves, or add a file to config.toml.d instead")
            }
            result += base
            rest = rest[close.upperBound...]
        }
        return result + rest
    }
}
