import APIMachinery
import APIServer
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
    let api: APIServer
    let credentials: ServerCredentials
    let log: Logger

    /// Runs until the task is cancelled; ends earlier only with the fault of a part that cannot run.
    func run() async throws(Fault) {
        let result = await withTaskGroup(of: Result<Void, Fault>.self) { group in
            group.addTask {
                await api.run(reportingTo: log)
                return .success(())
            }
            for (account, controllers) in controllers {
                group.addTask {
                    await run(controllers, as: account)
                    return .success(())
                }
            }
            group.addTask { await schedule() }
            for await result in group {
                guard case .failure = result else { continue }
                group.cancelAll()
                return result
            }
            return .success(())
        }
        try result.get()
    }

    /// Service account and what runs in its name.
    private var controllers: [(account: String, controllers: [any Controller])] {
        let authority = String(decoding: credentials[Authority.server].pem, as: UTF8.self)
        return [
            ("deployment-controller", [DeploymentController()]),
            ("replicaset-controller", [ReplicaSetController()]),
            ("namespace-controller", [NamespaceController()]),
            ("generic-garbage-collector", [GarbageCollector()]),
            ("service-account-controller", [ServiceAccountController()]),
            ("root-ca-cert-publisher", [RootCAPublisher(certificates: authority)]),
            ("endpoint-controller", [EndpointsController()]),
        ]
    }

    private func run(_ controllers: [any Controller], as account: String) async {
        let client = api.client(
            as: .serviceAccount(namespace: "kube-system", name: account), observingAs: .controllerManager)
        // The group names the recorder after each of its controllers.
        let events = EventRecorder(client, component: account)
        await ControllerGroup(controllers).run(ControllerContext(client: client, events: events, log: log))
    }

    private func schedule() async -> Result<Void, Fault> {
        do throws(Status) {
            try await Scheduler(client: api.client(as: .scheduler), log: log).run()
            return .success(())
        } catch {
            return .failure(Fault(.failed, "the scheduler cannot run", cause: error))
        }
    }
}
