import API

/// The `/etc/hosts` that a pod's containers see.
enum HostsFile {
    /// For a pod with a network of its own. `domain` is the one below which its host name is, if there is
    /// one.
    static func text(ips: [String], hostname: String, domain: String?, aliases: [HostAlias]) -> String {
        var text = """
            # Kubernetes-managed hosts file.
            127.0.0.1\tlocalhost
            ::1\tlocalhost ip6-localhost ip6-loopback
            fe00::0\tip6-localnet
            fe00::0\tip6-mcastprefix
            fe00::1\tip6-allnodes
            fe00::2\tip6-allrouters

            """
        for ip in ips {
            text += domain.map { "\(ip)\t\(hostname).\($0)\t\(hostname)\n" } ?? "\(ip)\t\(hostname)\n"
        }
        return text + entries(aliases)
    }

    /// For a pod in the node's network: the node's own file, and what the pod adds.
    static func text(ofHost file: String, aliases: [HostAlias]) -> String {
        "# Kubernetes-managed hosts file (host network).\n" + file + entries(aliases)
    }

    private static func entries(_ aliases: [HostAlias]) -> String {
        guard !aliases.isEmpty else { return "" }
        let lines = aliases.map { $0.ip + "\t" + $0.hostnames.joined(separator: "\t") + "\n" }
        return "\n# Entries added by HostAliases.\n" + lines.joined()
    }
}
