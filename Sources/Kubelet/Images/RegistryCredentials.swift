import API
import APIMachinery
import Client
import PKI
import Runtime
import Support

/// The credentials that a pod brings along for its images (`imagePullSecrets`), or that plug-ins of the node give.
struct RegistryCredentials: Sendable {
    /// By the registry, with a path or without one, as the secret names it but for the scheme.
    private var entries: [Entry] = []

    private struct Entry: Sendable {
        var key: String
        var match: Match
    }

    /// What proves who pulls an image, and whose it is: `nil` for the node's own.
    struct Match: Hashable, Sendable {
        var config: CRI.AuthConfig
        var source: PulledRecord.Source?
    }

    /// Adds what somebody gave for a registry, with a path or without one.
    mutating func add(_ registry: String, _ config: CRI.AuthConfig, _ source: PulledRecord.Source?) {
        entries.append(Entry(key: Self.key(registry), match: Match(config: config, source: source)))
    }

    /// Adds what a secret of the types `kubernetes.io/dockerconfigjson` and `kubernetes.io/dockercfg`
    /// holds. What does not parse is left out, as a pull without it says best what is missing.
    mutating func add(_ secret: API.Secret) {
        let data = secret.data
        let registries: Value?
        if let bytes = data[".dockerconfigjson"] {
            registries = (try? Value(json: bytes))?["auths"]
        } else if let bytes = data[".dockercfg"] {
            registries = try? Value(json: bytes)
        } else {
            registries = nil
        }
        for (name, value) in registries?.fields ?? Fields() {
            let config = Self.config(value)
            let source = PulledRecord.Secret(
                uid: secret.metadata.uid, namespace: secret.metadata.namespace, name: secret.metadata.name,
                hash: Self.hash(config))
            add(name, config, .secret(source))
        }
    }

    /// What may prove who pulls `image`, in the order in which it is tried: what is for a longer path first, and one with
    /// a star last, as Kubernetes sorts them; equals as they came.
    func matches(_ image: ImageReference) -> [Match] {
        let name = image.untagged
        let found = entries.enumerated().filter { Self.matches($0.element.key, name) }
        let sorted = found.sorted { a, b in
            a.element.key == b.element.key
                ? a.offset < b.offset : b.element.key.utf8.lexicographicallyPrecedes(a.element.key.utf8)
        }
        return sorted.map(\.element.match)
    }

    private static func hash(_ config: CRI.AuthConfig) -> String {
        let parts = [config.username, config.password, config.identityToken, config.registryToken]
        return Hex.encode(Digest.sha256(parts.joined(separator: "\u{0}").utf8))
    }

    private static func matches(_ key: String, _ name: String) -> Bool {
        let (keyParts, nameParts) = (key.split(separator: "/"), name.split(separator: "/"))
        guard let host = keyParts.first, let registry = nameParts.first, keyParts.count <= nameParts.count,
            hostMatches(host, registry)
        else { return false }
        // A path covers what is below it, and `a/b` is not below `a/bc`.
        return keyParts.dropFirst().elementsEqual(nameParts.dropFirst().prefix(keyParts.count - 1))
    }

    private static func hostMatches(_ pattern: Substring, _ host: Substring) -> Bool {
        let (wanted, given) = (pattern.split(separator: "."), host.split(separator: "."))
        return wanted.count == given.count && zip(wanted, given).allSatisfy { ImagePattern.matches($0, $1) }
    }

    /// Docker's tools write the scheme, the version of the API, and for Docker Hub an old host.
    private static func key(_ name: String) -> String {
        var rest = name[...]
        for scheme in ["https://", "http://"] where rest.hasPrefix(scheme) {
            rest = rest.dropFirst(scheme.count)
        }
        while rest.last == "/" { rest = rest.dropLast() }
        for version in ["/v1", "/v2"] where rest.hasSuffix(version) { rest = rest.dropLast(version.count) }
        return rest == "index.docker.io" ? "docker.io" : String(rest)
    }

    private static func config(_ value: Value) -> CRI.AuthConfig {
        var config = CRI.AuthConfig()
        config.username = value["username"]?.string ?? ""
        config.password = value["password"]?.string ?? ""
        config.identityToken = value["identitytoken"]?.string ?? ""
        config.registryToken = value["registrytoken"]?.string ?? ""
        if config.username.isEmpty, let auth = value["auth"]?.string, let bytes = Base64.decode(auth) {
            let parts = String(decoding: bytes, as: UTF8.self).split(
                separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { (config.username, config.password) = (String(parts[0]), String(parts[1])) }
        }
        return config
    }
}

extension ImageReference {
    /// The name alone: `docker.io/library/nginx`.
    var untagged: String { "\(registry)/\(repository)" }
}
