import API
public import APIMachinery
import Client

/// Keeps the ConfigMap `kube-root-ca.crt` in each namespace, from which pods learn whom to trust as the API
/// server.
public struct RootCAPublisher: Controller {
    public let name = "root-ca-certificate-publisher-controller"
    private static let map = "kube-root-ca.crt"
    private static let key = "ca.crt"
    private static let description =
        "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the "
        + "internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of "
        + "Kubernetes clusters."
    private let certificates: String

    /// - Parameter certificates: The certificate authority of the API server, in PEM.
    public init(certificates: String) { self.certificates = certificates }

    public func run(_ context: ControllerContext) async throws(Status) {
        let namespaces = try await context.client.observe(Namespace.self)
        let maps = try await context.client.observe(ConfigMap.self)
        let changed = ReconcileLoop<ObjectName>.Source(maps) { change in
            change.name.name == Self.map ? [ObjectName(name: change.name.namespace)] : []
        }
        await ReconcileLoop<ObjectName>(context).run([.own(namespaces), changed]) { name throws(Status) in
            guard let namespace = namespaces.get(name), !namespace.isDeleting else { return nil }
            let present = maps.get(ConfigMap.self, ObjectName(namespace: name.name, name: Self.map))
            guard present?.data != [Self.key: certificates] else { return nil }
            var map = present ?? ConfigMap(namespace: name.name, name: Self.map)
            map.metadata.annotations["kubernetes.io/description"] = Self.description
            map.data = [Self.key: certificates]
            if present == nil {
                try await context.client.createUnlessPresent(map)
            } else {
                try await context.client.update(map)
            }
            return nil
        }
    }
}
