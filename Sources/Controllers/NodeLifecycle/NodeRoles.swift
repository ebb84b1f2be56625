import API
public import APIMachinery
import Client

/// Marks a node as part of the control plane: the server that runs on it says so, for a kubelet may not give itself a role
/// (KEP-279).
public struct NodeRoles: Controller {
    public let name = "node-roles"
    private let node: String

    private static let label = "node-role.kubernetes.io/control-plane"

    /// - Parameter node: The name of the node that this server runs on.
    public init(of node: String) { self.node = node }

    public func run(_ context: ControllerContext) async throws(Status) {
        let nodes = try await context.client.observe(
            Node.self, ObservationScope(fieldSelector: "metadata.name=" + node))
        await ReconcileLoop<ObjectName>(context).run([.own(nodes)], workers: 1) { name throws(Status) in
            guard name.name == node, let stored = nodes.get(name), stored.labels[Self.label]?.string != "true" else { return nil }
            try await context.client.patch(
                Node.self, name, .merge(["metadata": ["labels": [Self.label: "true"]]]))
            return nil
        }
    }
}
