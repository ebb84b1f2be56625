import API
import APIMachinery
import Client
import PKI
import Runtime
import Support

/// The credentials that a pod brings along for its images (`imagePullSecrets`).
struct RegistryCredentials: Sendable {
    /// By the registry, with a path or without one, as the secret names it but for the scheme.
    private var entries: [Entry] = []

    private struct Entry: Sendable {
        var key: String
        var config: CRI.AuthConfig
        var secret: PulledRecord.Secret
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
            entries.append(Entry(key: Self.key(name), config: config, secret: source))
        }
    }

    /// What proves who pulls `image`: of the entries for its registry the one with the longest path; the
    /// first of equals.
    func find(_ image: ImageReference) -> CRI.AuthConfig? { match(image)?.config }

    /// The same, and the secret that holds it.
    func match(_ image: ImageReference) -> (config: CRI.AuthConfig, secret: PulledRecord.Secret)? {
        let best = matching(image).max { $0.key.utf8.count < $1.key.utf8.count }
        return best.map { ($0.config, $0.secret) }
    }

    /// All that hold something for the image.
    func secrets(for image: ImageReference) -> [PulledRecord.Secret] { matching(image).map(\.secret) }

    private func matching(_ image: ImageReference) -> [Entry] {
        let name = image.untagged
        return entries.filter { Self.matches($0.key, name) }
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

    /// A star stands for characters of one label: `*.example.com`.
    private static func hostMatches(_ pattern: Substring, _ host: Substring) -> Bool {
        guard pattern.contains("*") else { return pattern == host }
        let (wanted, given) = (pattern.split(separator: "."), host.split(separator: "."))
        guard wanted.count == given.count else { return false }
        return zip(wanted, given).allSatisfy { label, present in
            guard let star = label.firstIndex(of: "*") else { return label == present }
            let (head, tail) = (label[..<star], label[label.index(after: star)...])
            return present.utf8.count >= head.utf8.count + tail.utf8.count && present.hasPrefix(head)
                && present.hasSuffix(tail)
        }
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
