import API
import APIMachinery
import APIServer
import Addons
import Client
import Controllers
import Logging
import PKI
import Scheduler
import Supervisor
import Support

/// The parts that work on the cluster's state, each in a name of its own, as a split control plane has them: what a
/// controller may change is what the bootstrap role of its service account says.
struct ControlPlane {
    let configuration: ServerConfiguration
    let nodeName: String
    let api: APIServer
    let credentials: ServerCredentials
    /// What the controllers' queues do.
    let figures: QueueFigures
    /// What the scheduler does.
    let schedulerFigures: SchedulerFigures
    let log: Logger

    /// Runs until the task is cancelled; ends earlier only with the fault of a part that cannot run.
    func run() async throws(Fault) {
        if localVolumes != nil { try await prepareLocalVolumes() }
        var parts: [Parts.Part] = [
            { await api.run(reportingTo: log) },
        ]
        if configuration.parts.hasScheduler { parts.append { try await schedule() } }
        for (account, controllers) in controllers.map({ ($0.account, wanted($0.controllers)) }) where !controllers.isEmpty {
            parts.append { await run(controllers, as: account) }
        }
        let migrator = wanted([StorageMigrator(catalog: api.catalog)])
        if api.serves(.storageVersionMigrations), !migrator.isEmpty {
            // It touches every kind there is.
            parts.append { await run(migrator, by: api.client()) }
        }
        if let key = credentials.serviceAccountKeys.first {
            let tokens = wanted([AccountTokens(key: key, authority: authority)])
            parts.append { await run(tokens, by: api.client(as: .controllerManager)) }
        }
        try await Parts.untilFirstEnds(parts)
    }

    /// Whom to trust as the API server, in PEM.
    private var authority: String { String(decoding: credentials[Authority.server].pem, as: UTF8.self) }

    /// Service account and what runs in its name.
    private var controllers: [(account: String, controllers: [any Controller])] {
        var controllers: [(account: String, controllers: [any Controller])] = [
            ("deployment-controller", [DeploymentController()]),
            ("replicaset-controller", [ReplicaSetController()]),
            ("statefulset-controller", [StatefulSetController()]),
            ("daemon-set-controller", [DaemonSetController()]),
            ("replication-controller", [ReplicationControllerController()]),
            ("job-controller", [JobController(), JobOrphans()]),
            ("cronjob-controller", [CronJobController()]),
            ("ttl-after-finished-controller", [FinishedJobCleaner()]),
            (Self.namespaces, [NamespaceController(catalog: api.catalog, foreign: foreign)]),
            ("generic-garbage-collector", [GarbageCollector(catalog: api.catalog)]),
            ("service-account-controller", [ServiceAccountController()]),
            ("legacy-service-account-token-cleaner", [unusedTokens]),
            ("root-ca-cert-publisher", [RootCAPublisher(certificates: authority)]),
            ("clusterrole-aggregation-controller", [RoleAggregator()]),
            ("endpoint-controller", [EndpointsController()]),
            ("persistent-volume-binder", [PersistentVolumeBinder(removeFolder: { path throws(Fault) in try await TemporaryFolders.remove(path) })]),
            ("pvc-protection-controller", [ClaimProtection()]),
            ("pv-protection-controller", [VolumeProtection()]),
            ("volumeattributesclass-protection-controller", [AttributesClassProtection()]),
            ("ephemeral-volume-controller", [EphemeralVolumes()]),
            ("node-controller", [NodeLifecycleController(nodeOptions), TaintEviction()] + addresses + roles),
            ("certificate-controller", certificates),
            ("resourcequota-controller", [ResourceQuotaController(catalog: api.catalog)]),
            ("pod-garbage-collector", [PodGarbageCollector(mostFinished: arguments.finishedPods)]),
            ("disruption-controller", [DisruptionController(catalog: api.catalog)]),
            ("ttl-controller", [NodeTTL()]),
            ("bootstrap-signer", [BootstrapSigner()]),
            ("token-cleaner", [TokenCleaner()]),
            ("service-cidrs-controller", [ServiceRanges()]),
            ("attachdetach-controller", [VolumeAttacher()]),
            ("expand-controller", [VolumeGrowth()]),
            ("resource-claim-controller", [ResourceClaimController()]),
            ("device-taint-eviction-controller", [DeviceTaintEviction()]),
            ("endpointslicemirroring-controller", [EndpointSliceMirroring()]),
            (Self.autoscaler, [HorizontalPodAutoscalerController(catalog: api.catalog, metrics: metrics, options: autoscalerOptions)]),
        ]
        if let localVolumes { controllers.append((LocalPathNames.serviceAccount, [localVolumes])) }
        return controllers
    }

    private static let autoscaler = "horizontal-pod-autoscaler"
    private static let namespaces = "namespace-controller"

    /// What extension servers keep, as far as namespaces are emptied of it.
    private var foreign: any ForeignObjects {
        api.extensions(as: .serviceAccount(namespace: "kube-system", name: Self.namespaces))
    }

    /// The metrics APIs: this server's own, or those of extension servers.
    private var metrics: APIMetrics {
        let reader = api.extensions(as: .serviceAccount(namespace: "kube-system", name: Self.autoscaler))
        return APIMetrics { path, query throws(Status) in try await reader.read(path, query) }
    }

    /// A range too small for a node was refused when the server began.
    private var addresses: [any Controller] {
        guard arguments.allocatesAddresses else { return [] }
        return PodRange(configuration.clusterCIDR, nodeLength: arguments.nodeMaskSize).map { [NodeAddressAllocator([$0])] } ?? []
    }

    /// This server's own node is part of the control plane.
    private var roles: [any Controller] { configuration.runsAgent ? [NodeRoles(of: nodeName)] : [] }

    /// As k3s has it: what servers show is signed by one authority, what clients show by the other.
    private var certificates: [any Controller] {
        let (client, server) = (credentials[Authority.client], credentials[Authority.server])
        return signing([.client: client, .kubeletClient: client, .kubeletServing: server, .legacy: server])
    }

    /// Makes volumes on this node's disk, unless there is no node or somebody brings their own.
    private var localVolumes: LocalPathProvisioner? {
        guard configuration.runsAgent, !configuration.disabled.contains("local-storage") else { return nil }
        return LocalPathProvisioner(storageRoot: configuration.localStoragePath, nodeName: nodeName)
    }

    private func run(_ controllers: [any Controller], as account: String) async {
        let client = api.client(
            as: .serviceAccount(namespace: "kube-system", name: account), observingAs: .controllerManager)
        await run(controllers, by: client)
    }

    private func run(_ controllers: [any Controller], by client: LocalClient) async {
        // The group names the recorder after each of its controllers.
        let events = EventRecorder(client, component: "controller-manager")
        let context = ControllerContext(client: client, events: events, log: log, figures: figures)
        await ControllerGroup(controllers).run(context)
    }

    private func prepareLocalVolumes() async throws(Fault) {
        do throws(Status) {
            try await LocalPathObjects.createMissing(api.client())
        } catch {
            throw Fault(.failed, "the storage class of local volumes cannot be made", cause: error)
        }
    }
}
