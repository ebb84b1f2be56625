import API
import APIMachinery
import Client
import Logging
import Support

/// Makes again what somebody took away of the control plane's own objects while the server runs: the namespaces that
/// every cluster has, the service `kubernetes` with its endpoints, and what extension API servers are told.
///
/// Roles, priority classes and the like come back at the next start, as in Kubernetes.
struct FirstObjectsKeeper: Sendable {
    let bootstrap: Bootstrap
    /// The live set of a resource's objects.
    let objects: @Sendable (GroupVersionResource) -> any ObjectSet
    let clock: any Clock<Duration>
    let report: Logger

    /// How long after a change it is set right: two servers that disagree do not keep each other busy.
    private static let calm = Duration.seconds(1)

    private static let observed: [GroupVersionResource] = [
        .namespaces, .services, .endpoints, .endpointSlices, .configMaps,
    ]

    /// Which step of the bootstrap sets a change right; `nil` for one that is none of its business. Pure.
    static func step(after change: ObjectChange, of resource: GroupVersionResource) -> Bootstrap.Step? {
        let name = change.name
        switch resource {
        case .namespaces where Bootstrap.namespaces.contains(name.name):
            return change.new == nil ? .namespaces : nil
        case .services where name == Bootstrap.kubernetesService:
            // What somebody wrote into it stays until the next start and after it, as in Kubernetes.
            return change.new == nil ? .kubernetesService : nil
        case .endpoints where name == Bootstrap.kubernetesService:
            return isEmpty(change.new, "subsets") ? .kubernetesService : nil
        case .endpointSlices where name == Bootstrap.kubernetesService:
            return isEmpty(change.new, "endpoints") ? .kubernetesService : nil
        // Whom others believe must not be what somebody wrote.
        case .configMaps where name == ExtensionAuthentication.name: return .extensionAuthentication
        default: return nil
        }
    }

    /// Whether nobody is told of anymore. Which of several servers are told of is not decided here.
    private static func isEmpty(_ object: StoredObject?, _ list: String) -> Bool {
        (object?.value[list]?.array ?? []).isEmpty
    }

    /// Runs until the task is cancelled.
    func run() async {
        let queue = WorkQueue<Bootstrap.Step>(clock: clock)
        let observations = Self.observed.map { resource in
            objects(resource).observe { change in
                // What is there in the beginning is looked at below.
                guard change.old != nil, let step = Self.step(after: change, of: resource) else { return }
                queue.add(step, after: Self.calm)
            }
        }
        defer { for observation in observations { observation.cancel() } }
        // Whatever went between the start's look and this one.
        for step in [Bootstrap.Step.namespaces, .kubernetesService, .extensionAuthentication] { queue.add(step) }
        await queue.run(workers: 1) { (step: Bootstrap.Step, error: Status) in
            report.warning("what was taken away cannot be made again, \(step.rawValue) failed: \(error)")
        } _: { step throws(Status) in
            try await bootstrap.take(step)
            return nil
        }
    }
}
