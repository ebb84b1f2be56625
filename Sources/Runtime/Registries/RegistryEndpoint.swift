/// Where a registry, or a mirror of it, is reached: scheme, host with port, path of its API.
struct RegistryEndpoint: Hashable, Sendable, CustomStringConvertible {
    var scheme: String
    var host: String
    /// Begins with a slash; `/v2` unless the endpoint has a path of its own.
    var path: String

    /// An endpoint of `registries.yaml`: a URL, or only its host. `nil` when it is neither.
    init?(_ text: String) {
        var rest = Substring(text)
        var scheme: String?
        if let mark = rest.firstRange(of: "://") {
            scheme = String(rest[..<mark.lowerBound])
            rest = rest[mark.upperBound...]
        }
        rest = rest.prefix { $0 != "?" && $0 != "#" }
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        // Credentials in a URL are not read: they have a place of their own in the file.
        host = String(rest[..<slash].split(separator: "@").last ?? "")
        var path = rest[slash...]
        while path.last == "/" { path = path.dropLast() }
        self.path = path.isEmpty ? "/v2" : String(path)
        self.scheme = scheme ?? (Self.isLoopback(host) ? "http" : "https")
        guard !host.isEmpty, !host.contains(where: \.isWhitespace),
            self.scheme == "http" || self.scheme == "https"
        else { return nil }
    }

    /// The registry of this name itself. Docker Hub serves its images under another host than its name.
    init?(registry: String) {
        self.init(registry == "docker.io" ? "registry-1.docker.io" : registry)
        guard path == "/v2" else { return nil }
    }

    /// Whether the path is to be used as it is; else containerd knows that it ends in `/v2`.
    var hasOwnPath: Bool { path != "/v2" }

    var description: String { "\(scheme)://\(host)\(path)" }

    /// Registries on this machine rarely have certificates; containerd itself makes the same exception.
    private static func isLoopback(_ host: String) -> Bool {
        let name = host.hasPrefix("[") ? host.prefix { $0 != "]" } + "]" : host.prefix { $0 != ":" }
        return name == "localhost" || name == "[::1]" || name.hasPrefix("127.")
    }
}
