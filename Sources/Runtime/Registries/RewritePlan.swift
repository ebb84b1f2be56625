import APIMachinery
import Support

/// What of `registries.yaml` containerd cannot do: ask a mirror for repositories under other names.
///
/// Pure. In containerd's eyes such an endpoint is a port of this machine, where ``RegistryRewriter`` asks the real one under
/// the other name. Each host that is asked has a port of its own, because containerd knows credentials by host.
struct RewritePlan: Sendable {
    /// One endpoint of one mirror.
    struct Route: Sendable {
        let endpoint: RegistryEndpoint
        /// The first that changes a name counts. In the order of their patterns.
        let rules: [PatternReplacement]
        let tls: Registries.TLS?
    }

    /// By the number that their paths carry.
    let routes: [Route]
    private let registries: Registries
    /// The routes of each mirror that has any.
    private let numbers: [String: Range<Int>]

    /// Fails with `invalid` for a rewrite that is no regular expression.
    init(_ registries: Registries) throws(Fault) {
        self.registries = registries
        var (routes, numbers) = ([Route](), [String: Range<Int>]())
        for (name, mirror) in registries.mirrors.sorted(by: { $0.key < $1.key })
        where !mirror.rewrites.isEmpty && mirror.prefix == nil {
            var rules: [PatternReplacement] = []
            for (pattern, template) in mirror.rewrites.sorted(by: { $0.key < $1.key }) {
                do throws(RegularExpressionError) {
                    rules.append(try PatternReplacement(pattern, with: template))
                } catch {
                    throw Fault(.invalid, "registries.yaml: mirrors.\(name).rewrite: \(error)", remedy: "correct the file")
                }
            }
            let first = routes.count
            routes += mirror.endpoints.compactMap { RegistryEndpoint($0) }.map { endpoint in
                Route(endpoint: endpoint, rules: rules, tls: registries.options(for: endpoint.host).tls)
            }
            numbers[name] = first..<routes.count
        }
        (self.routes, self.numbers) = (routes, numbers)
    }

    /// Those that need a port each.
    var hosts: Set<String> { Set(routes.map(\.endpoint.host)) }

    /// The registries as containerd shall see them, when `ports` has the port of each of ``hosts``. Who does not know
    /// `secret` is not served: the node may have a certificate to show to the real endpoint, and other users of the machine
    /// have not.
    func registries(ports: [String: Int], secret: String) -> Registries {
        var shown = registries
        for (name, numbers) in numbers {
            shown.mirrors[name] = Registries.Mirror(
                endpoints: numbers.compactMap { number in
                    ports[routes[number].endpoint.host].map { "http://127.0.0.1:\($0)/\(secret)/\(number)" }
                })
        }
        for (host, port) in ports {
            shown.configs["127.0.0.1:\(port)"] = Registries.HostOptions(auth: registries.options(for: host).auth)
        }
        return shown
    }

    /// The route of a request, and the path that its endpoint is asked for: `/SECRET/NUMBER/REPOSITORY/KIND/REFERENCE` is what
    /// containerd asks for, percent-encoded as it came. `nil` for anything else.
    func forward(_ rawPath: String, secret: String) -> (number: Int, path: String)? {
        let parts = rawPath.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count >= 6, parts[0].isEmpty, parts[1] == secret, let number = Int(parts[2]),
            routes.indices.contains(number), Self.kinds.contains(String(parts[parts.count - 2]))
        else { return nil }
        let route = routes[number]
        let repository = parts[3..<parts.count - 2].joined(separator: "/")
        let other = route.rules.lazy.map { $0.apply(to: repository) }.first { $0 != repository }
        return (number, "\(route.endpoint.path)/\(other ?? repository)/" + parts.suffix(2).joined(separator: "/"))
    }

    /// What a pull asks for (OCI Distribution Specification, "Pull").
    private static let kinds: Set = ["manifests", "blobs", "referrers"]
}
