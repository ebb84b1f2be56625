import API
import APIMachinery
public import Client
import Host
public import Logging
public import Support

/// Leads connections to services to their endpoints, on one node, by rules of the kernel.
///
/// A shell around ``ServiceRules``: it is told which services, endpoints and pods changed, looks at those
/// alone, and sends the difference in one transaction. What changes while a transaction is under way goes
/// into the next one. At rest it runs nothing.
public final class ServiceProxy: Sendable {
    private let client: any Client
    private let options: ServiceProxyOptions
    private let log: Logger

    public init(client: any Client, options: ServiceProxyOptions, log: Logger) {
        self.client = client
        self.options = options
        self.log = log
    }

    /// Runs until the task is cancelled. The rules stay in place then: pods go on running.
    public func run() async throws(Fault) {
        try await prepareHost()
        let sources = try await Sources(client, options)
        let installer = try RuleInstaller(in: options.namespace)
        var rules = ServiceRules(options)
        // The first transaction has everything, and takes the place of what an earlier process left.
        sources.read(sources.inbox.take(), into: &rules)
        await install(rules.takeEverything(), &rules, installer)
        while let changed = await sources.inbox.next() {
            sources.read(changed, into: &rules)
            let change = rules.takeChange()
            if !change.transaction.isEmpty { await install(change, &rules, installer) }
        }
    }

    /// Installs a change. When the kernel refuses it, something else has been at our table: then all of it is
    /// installed anew, until that works.
    private func install(
        _ change: ServiceRules.Change, _ rules: inout ServiceRules, _ installer: RuleInstaller
    ) async {
        var change = change
        var delay = Self.retry.first
        while !Task.isCancelled {
            do throws(Fault) {
                try await installer.install(change.transaction)
                return await forget(change.stale, installer)
            } catch {
                log.warning("the rules for services cannot be changed; making them anew: \(error)")
            }
            try? await Task.sleep(for: delay)
            delay = min(delay * 2, Self.retry.most)
            change = rules.takeEverything()
        }
    }

    private func forget(_ stale: StaleConnections, _ installer: RuleInstaller) async {
        do throws(Fault) {
            try await installer.forget(stale)
        } catch {
            log.warning("UDP connections to endpoints that are gone may stay: \(error)")
        }
    }

    private static let retry: (first: Duration, most: Duration) = (.milliseconds(50), .seconds(30))

    private func prepareHost() async throws(Fault) {
        if !Sysctl.exists(ForwardingSettings.bridged) {
            do throws(Fault) {
                try await KernelModules.load("br_netfilter")
            } catch {
                // The settings tell what is missing, if it is.
                log.debug("\(error)")
            }
        }
        let (options, log) = (options, log)
        if let namespace = options.namespace {
            try namespace.perform { () throws(Fault) in try ForwardingSettings.apply(options, log: log) }
        } else {
            try ForwardingSettings.apply(options, log: log)
        }
    }
}

/// What the proxy observes.
private final class Sources: Sendable {
    let inbox = ChangeInbox<ServiceRules.Owner>()
    private let services: any ObjectSet
    private let slices: any ObjectSet
    private let pods: any ObjectSet
    private let index = SliceIndex()
    private let options: ServiceProxyOptions
    private let observations: [any Observation]

    init(_ client: any Client, _ options: ServiceProxyOptions) async throws(Fault) {
        self.options = options
        do throws(Status) {
            services = try await client.observe(Service.self)
            slices = try await client.observe(EndpointSlice.self)
            let own = ObservationScope(fieldSelector: "spec.nodeName=" + options.nodeName)
            pods = try await client.observe(Pod.self, own)
        } catch {
            throw Fault(.unavailable, "the service proxy cannot observe the cluster", cause: error)
        }
        observations = [
            services.observe { [inbox] in inbox.add(.service($0.name)) },
            slices.observe { [inbox, index] change in
                for service in index.record(change) { inbox.add(.service(service)) }
            },
            pods.observe { [inbox] in inbox.add(.pod($0.name)) },
        ]
    }

    deinit { for observation in observations { observation.cancel() } }

    /// Looks at what changed.
    func read(_ owners: Set<ServiceRules.Owner>, into rules: inout ServiceRules) {
        for owner in owners {
            switch owner {
            case .service(let name): rules.set(entrances(ofService: name), of: owner)
            case .pod(let name):
                rules.set(pods.get(Pod.self, name).map { HostPorts(pod: $0).entrances } ?? [:], of: owner)
            }
        }
    }

    private func entrances(ofService name: ObjectName) -> [Entrance.Key: Entrance] {
        guard let service = services.get(Service.self, name) else { return [:] }
        let slices = index.slices(of: name, in: slices)
        return ServiceEntrances(service: service, slices: slices, options: options).entrances
    }
}
