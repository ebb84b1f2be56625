import APIMachinery
import Support
import Wire

/// What a kubeconfig says about its first cluster and user.
struct Kubeconfig {
    let origin: HTTPOrigin
    let identity: TLSClientIdentity

    /// Refuses servers that are not on this machine's loopback: this program loads what it talks to.
    init(_ text: String) throws {
        let document = try YAML.document(text)
        let cluster = document["clusters"]?.array?.first?["cluster"]
        let user = document["users"]?.array?.first?["user"]
        guard let server = cluster?["server"]?.string else { throw Fault(.invalid, "the kubeconfig names no server") }
        origin = try HTTPClientRequest(.get, url: server).origin
        guard case .tcp(let host, _) = origin.address, IPAddress(host)?.isLoopback ?? (host == "localhost") else {
            throw Fault(.denied, "\(server) is not on this machine's loopback")
        }
        func data(_ value: Value?, _ key: String) -> [UInt8]? { value?[key]?.string.flatMap { Base64.decode($0) } }
        identity = try TLSClientIdentity(
            authoritiesPEM: data(cluster, "certificate-authority-data"),
            certificatePEM: data(user, "client-certificate-data"), keyPEM: data(user, "client-key-data"))
    }
}
