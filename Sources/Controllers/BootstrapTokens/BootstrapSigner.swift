import API
public import APIMachinery
import Client

/// Keeps the signatures of `cluster-info`, in clusters that have one.
public struct BootstrapSigner: Controller {
    public let name = "bootstrap-signer-controller"

    public init() {}

    public func run(_ context: ControllerContext) async throws(Status) {
        let maps = try await context.client.observe(
            ConfigMap.self,
            ObservationScope(
                namespace: ClusterInfoSignatures.namespace,
                fieldSelector: "metadata.name=" + ClusterInfoSignatures.name))
        let secrets = try await context.client.observe(
            API.Secret.self, ObservationScope(namespace: BootstrapTokenSecret.namespace))
        let name = ObjectName(namespace: ClusterInfoSignatures.namespace, name: ClusterInfoSignatures.name)
        // One object is signed, whatever causes it.
        let informed = ReconcileLoop<Bool>.Source(maps) { $0.name == name ? [true] : [] }
        let added = ReconcileLoop<Bool>.Source(secrets) { change in
            [change.old, change.new].contains { $0.map { BootstrapTokenSecret(API.Secret($0)) != nil } ?? false }
                ? [true] : []
        }
        await ReconcileLoop<Bool>(context).run([informed, added], workers: 1) { _ throws(Status) in
            guard let information = maps.get(ConfigMap.self, name) else { return nil }
            let tokens = secrets.list(namespace: nil).compactMap { secret -> BootstrapTokenSecret? in
                guard let token = BootstrapTokenSecret(API.Secret(secret)), !secret.isDeleting else { return nil }
                return token.isValid(in: secret.name) ? token : nil
            }
            let signatures = ClusterInfoSignatures(information: information, tokens: tokens, now: context.now())
            let signed = signatures.signed
            if signed != information { try await context.client.update(signed) }
            return signatures.nextDeadline
        }
    }
}
