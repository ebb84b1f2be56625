import APIMachinery
import Host
import Support

/// Reads which plug-ins give credentials (`CredentialProviderConfig` of kubelet.config.k8s.io/v1, v1beta1 or v1alpha1), as
/// strictly as Kubernetes does: the texts of the faults are its own.
enum CredentialProviderFile {
    /// - Parameters:
    ///   - path: A file, or a folder of which all files in JSON and YAML count, in the order of their names.
    ///   - folder: Where the programs are.
    static func read(_ path: String, programs folder: String) throws(Fault) -> [CredentialProvider] {
        guard (try? Files.status(of: folder))?.kind == .directory else {
            throw Fault(.notFound, "plugin binary directory \(folder) did not exist")
        }
        var providers: [CredentialProvider] = []
        var names: Set<String> = []
        for file in try files(path) {
            let read: [CredentialProvider]
            do throws(Fault) { read = try parse(try Files.read(file), programs: folder) } catch {
                throw Fault(error.code, "error decoding config \(GoText.quoted(file)): \(error.summary)")
            }
            for provider in read {
                guard names.insert(provider.name).inserted else {
                    let name = GoText.quoted(provider.name)
                    throw Fault(.invalid, "duplicate provider name \(name) found in configuration file(s)")
                }
                providers.append(provider)
            }
        }
        for provider in providers {
            let status = try? Files.status(of: provider.program)
            guard let status, status.kind == .regular, status.mode.bits & 0o111 != 0 else {
                throw Fault(.notFound, "plugin binary executable \(provider.program) did not exist")
            }
        }
        return providers
    }

    private static func files(_ path: String) throws(Fault) -> [String] {
        guard try Files.status(of: path).kind == .directory else { return [path] }
        let endings = [".json", ".yaml", ".yml"]
        let names = try Files.list(path).filter { name in endings.contains { name.hasSuffix($0) } }.sorted()
        guard !names.isEmpty else {
            throw Fault(.invalid, "no configuration files found in directory \(GoText.quoted(path))")
        }
        return names.map { Path.join(path, $0) }
    }

    /// The plug-ins of one file.
    static func parse(_ bytes: [UInt8], programs folder: String) throws(Fault) -> [CredentialProvider] {
        let documents: [Value]
        do throws(YAMLError) { documents = try YAML.documents(bytes) } catch {
            throw Fault(.invalid, "it is not readable: \(error)")
        }
        guard documents.count == 1, let value = documents.first, value.fields != nil else {
            throw Fault(.invalid, "it is not one document")
        }
        guard value["kind"]?.string == "CredentialProviderConfig" else {
            throw Fault(.invalid, "failed to decode \(GoText.quoted(value["kind"]?.string ?? "")) (wrong Kind)")
        }
        let version = value["apiVersion"]?.string ?? ""
        guard ["v1", "v1beta1", "v1alpha1"].contains(where: { version == "kubelet.config.k8s.io/" + $0 }) else {
            throw Fault(.invalid, "failed to decode CredentialProviderConfig, unexpected version: \(version)")
        }
        var reader = CredentialProviderReader(folder: folder, knowsTokens: version.hasSuffix("/v1"))
        let providers = try reader.read(value)
        guard reader.errors.isEmpty else {
            let errors = reader.errors.count == 1 ? reader.errors[0] : "[" + reader.errors.joined(separator: ", ") + "]"
            throw Fault(.invalid, "failed to validate credential provider config: \(errors)")
        }
        return providers
    }
}
