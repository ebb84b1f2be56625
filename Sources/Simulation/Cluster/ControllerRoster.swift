import APIServer
import Client
import Controllers

/// Which controllers run, and in whose name: as the product wires them, but for those that serve what is not simulated
/// (certificates, volumes, tokens).
enum ControllerRoster {
    /// A service account of `kube-system` and what runs in its name.
    struct Entry: Sendable {
        var account: String
        var make: @Sendable (APIServer) -> [any Controller]

        init(_ account: String, _ make: @escaping @Sendable (APIServer) -> [any Controller]) {
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
        Entry("node-controller") { _ in [NodeLifecycleController(), TaintEviction()] },
        Entry("resourcequota-controller") { [ResourceQuotaController(catalog: $0.catalog)] },
        Entry("pod-garbage-collector") { _ in [PodGarbageCollector()] },
        Entry("disruption-controller") { [DisruptionController(catalog: $0.catalog)] },
    ]
}
