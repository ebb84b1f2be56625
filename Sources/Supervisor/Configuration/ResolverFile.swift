import Host
public import Support

/// Which resolver configuration pods and the cluster's DNS forward to (facts: "resolv.conf choice").
///
/// A file whose name servers are only reachable on this host, such as a stub on loopback, is no use to a pod.
public enum ResolverFile {
    static let candidates = ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"]
    /// A cloud's metadata service, which answers names.
    private static let metadataService = IPAddress("169.254.169.254")
    static let fallback = "nameserver 8.8.8.8\nnameserver 2001:4860:4860::8888\n"

    /// The file that was asked for; else the first that serves pods; else one that is written below `directory`.
    public static func choose(asked: String?, below directory: String) throws(Fault) -> String {
        try choose(asked: asked, among: candidates, below: directory)
    }

    static func choose(
        asked: String?, among candidates: [String], below directory: String
    ) throws(Fault) -> String {
        if let asked { return asked }
        for path in candidates {
            if let text = try? Files.readText(path), servesPods(text) { return path }
        }
        let path = Path.join(directory, "resolv.conf")
        try Files.makeDirectory(directory, mode: 0o700)
        try Files.write(Array(fallback.utf8), to: path, mode: 0o644)
        return path
    }

    static func servesPods(_ text: String) -> Bool {
        let servers = ResolverConfiguration(text).servers
        return !servers.isEmpty
            && servers.allSatisfy { text in
                guard let address = IPAddress(text) else { return false }
                return address.isGlobalUnicast || address == metadataService
            }
    }
}
