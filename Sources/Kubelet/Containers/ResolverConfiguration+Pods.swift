import API
import Host
import Runtime

/// What pods get of the node's resolver configuration.
extension ResolverConfiguration {
    /// No more name servers than C libraries ask, no more and no longer search lists than Kubernetes passes
    /// on.
    enum Limits {
        static let servers = 3
        static let searches = 32
        static let searchCharacters = 2048
    }

    /// The resolv.conf of a pod, by its `dnsPolicy` and `dnsConfig` (Kubernetes documentation, "DNS for
    /// Services and Pods").
    ///
    /// `ClusterFirst` in the node's network means the node's names, unless `ClusterFirstWithHostNet` is
    /// asked for. A cluster without DNS has the node's names, too.
    static func dns(
        of spec: PodSpec, namespace: String, host: ResolverConfiguration, clusterServers: [String],
        clusterDomain: String
    ) -> CRI.DNSConfig {
        var result = host
        let asksCluster =
            spec.dnsPolicy == "ClusterFirstWithHostNet"
            || spec.dnsPolicy == "ClusterFirst" && !spec.hostNetwork
        if spec.dnsPolicy == "None" {
            result = ResolverConfiguration("")
        } else if asksCluster, !clusterServers.isEmpty {
            result.servers = clusterServers
            let domain = clusterDomain
            let own = domain.isEmpty ? [] : ["\(namespace).svc.\(domain)", "svc.\(domain)", domain]
            result.searches = own + host.searches
            result.options = ["ndots:5"]
        }
        if let config = spec.dnsConfig { result.add(config) }
        return result.limited
    }

    /// Adds what the pod asks for itself; an option of the same name replaces what was there.
    private mutating func add(_ config: PodDNSConfig) {
        servers += config.nameservers
        searches += config.searches
        for option in config.options {
            options.removeAll { $0.split(separator: ":").first.map(String.init) == option.name }
            options.append(option.valueText.map { "\(option.name):\($0)" } ?? option.name)
        }
    }

    private var limited: CRI.DNSConfig {
        var seen: Set<String> = []
        let distinct = servers.filter { seen.insert($0).inserted }
        var names: [String] = []
        var characters = 0
        var seenNames: Set<String> = []
        for name in searches.prefix(Limits.searches) where seenNames.insert(name).inserted {
            characters += name.utf8.count + 1
            guard characters <= Limits.searchCharacters else { break }
            names.append(name)
        }
        return CRI.DNSConfig(
            servers: Array(distinct.prefix(Limits.servers)), searches: names, options: options)
    }
}
