/// The names that the cluster answers for (Kubernetes DNS-based service discovery, 1.1).
public struct ClusterDomain: Hashable, Sendable {
    /// `cluster.local`, without a final dot, in lower case.
    public let name: String

    public init(_ name: String) {
        self.name = String(name.lowercased().drop { $0 == "." }.reversed().drop { $0 == "." }.reversed())
    }

    /// The name of a service: `<service>.<namespace>.svc.<domain>`.
    public func service(_ service: String, in namespace: String) -> String {
        "\(service).\(namespace).svc.\(name)"
    }
}
