import APIServer
import Client
import Controllers
import Support

/// Which controllers run, and in whose name: as the product wires them, but for those that serve what is not simulated
/// (certificates, tokens, devices, volumes of CSI drivers).
enum ControllerRoster {
    /// The world that controllers are made for.
    struct Surroundings: Sendable {
        var api: APIServer
        var now: @Sendable () -> Timestamp
        /// How many nodes there are.
        var nodes: Int

        var catalog: any ResourceCatalog { api.catalog }
    }

    /// A service account of `kube-system` and what runs in its name.
    struct Entry: Sendable {
        var account: String
        var make: @Sendable (Surroundings) -> [any Controller]

        init(_ account: String, _ make: @escaping @Sendable (Surroundings) -> [any Controller]) {
            self.account = account
            self.make = make
        }
    }

    static let entries: [Entry] = [
        Entry("deployment-controller") { _ in [DeploymentController()] },
        Entry("replicaset-controller") { _ in [ReplicaSetController()] },
        Entry("statefulset-controller") { _ in [StatefulSetController()] },
        Entry("daemon-set-controller") { _ in [DaemonSetController()] },
        Entry("replication-controller") { _ in [ReplicationControllerController()] },
        Entry("job-controller") { _ in [JobController(), JobOrphans()] },
        Entry("cronjob-controller") { _ in [CronJobController()] },
        Entry("ttl-after-finished-controller") { _ in [FinishedJobCleaner()] },
        Entry("namespace-controller") { [NamespaceController(catalog: $0.catalog)] },
        Entry("generic-garbage-collector") { [GarbageCollector(catalog: $0.catalog)] },
        Entry("service-account-controller") { _ in [ServiceAccountController()] },
        Entry("root-ca-cert-publisher") { _ in [RootCAPublisher(certificates: "simulated")] },
        Entry("endpoint-controller") { _ in [EndpointsController()] },
        Entry("node-controller") { [NodeLifecycleController(), TaintEviction()] + addresses(for: $0.nodes) },
        Entry("resourcequota-controller") { [ResourceQuotaController(catalog: $0.catalog)] },
        Entry("pod-garbage-collector") { _ in [PodGarbageCollector()] },
        Entry("disruption-controller") { [DisruptionController(catalog: $0.catalog)] },
        Entry("ttl-controller") { _ in [NodeTTL()] },
        Entry("endpointslicemirroring-controller") { _ in [EndpointSliceMirroring()] },
        // The program that makes volumes has the same rights.
        Entry("persistent-volume-binder") { _ in [PersistentVolumeBinder(), DiskProvisioner()] },
        Entry("pvc-protection-controller") { _ in [ClaimProtection()] },
        Entry("pv-protection-controller") { _ in [VolumeProtection()] },
        Entry("ephemeral-volume-controller") { _ in [EphemeralVolumes()] },
        Entry("horizontal-pod-autoscaler") {
            let metrics = SimulatedMetrics(api: $0.api, now: $0.now)
            return [HorizontalPodAutoscalerController(catalog: $0.catalog, metrics: metrics)]
        },
    ]

    /// Four blocks where there are three nodes, so that blocks come round; enough for a large cluster.
    private static func addresses(for nodes: Int) -> [any Controller] {
        let prefix = IPPrefix(nodes < 4 ? "10.42.0.0/22" : "10.32.0.0/12")
        return prefix.flatMap { PodRange($0) }.map { [NodeAddressAllocator([$0])] } ?? []
    }
}
