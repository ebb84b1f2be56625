import API
public import APIMachinery
public import Client
public import Datastore
public import Logging
public import PKI
public import Support
import Synchronization
public import Wire

/// What an API server is made from. Files, sockets and flags are the caller's.
public struct APIServerOptions: Sendable {
    /// Where the cluster's state lives.
    public var durable: any Datastore
    /// Where events and leases live.
    public var volatile: any Datastore
    /// Who issues client certificates.
    public var clientAuthorities: [Certificate]
    /// Keys of service account tokens, the one that signs first.
    public var serviceAccountKeys: [PrivateKey]
    /// How the durable state is encrypted; `nil` when it is kept as it is.
    public var encryption: EncryptionConfiguration?
    public var serviceAccounts = ServiceAccountOptions()
    /// How users are known, besides certificates and service account tokens.
    public var authentication = AuthenticationOptions()
    /// Who decides what users may do; ``APIServer/replace(authorization:)`` changes it.
    public var authorization = AuthorizationConfiguration()
    /// Which of the built-in resources clients see.
    public var served = RuntimeConfig()
    public var clusterDomain = "cluster.local"
    public var serviceCIDR: IPPrefix
    public var nodePorts: ClosedRange<Int> = 30_000...32_767
    /// Where nodes and pods reach this server; the endpoint of the `kubernetes` service.
    public var advertiseAddress: Support.IPAddress
    public var advertisePort: Int
    /// Under what name, or `NAME:PORT`, this server is known outside (`--external-hostname`); `nil` for its address.
    public var externalHostname: String?
    /// Whether the service `kubernetes` is told where this server is (`--endpoint-reconciler-type`).
    public var tellsEndpoints = true
    /// What browsers are told of encrypted connections (`--strict-transport-security-directives`).
    public var transportSecurity: [String] = []
    /// How long the server counts as alive though it has not begun (`--livez-grace-period`).
    public var livezGrace = Duration.zero
    /// The name of this machine, under which the server tells that it is there; `nil` when it does not.
    public var hostname: String?
    /// The answer of `/version`.
    public var version: Value
    /// How nodes are reached for logs, exec, attach, port-forward and proxies; `nil` when they are not.
    public var kubeletConnection: KubeletConnectionOptions?
    /// Whether to say what nodes and pods use (`metrics.k8s.io`), as long as nobody else does.
    public var measuresUsage = true
    /// Which plug-ins judge and complete what is written.
    public var admission = AdmissionOptions()
    /// Who this server is to extension API servers; without it they see no certificate.
    public var aggregation: AggregationOptions?
    /// What is written down of requests; `nil` when nothing is.
    public var audit: AuditOptions?
    /// How many requests may run at once, of those that read and of those that write (`--max-requests-inflight`,
    /// `--max-mutating-requests-inflight`); their sum is shared out by priority levels, if it is.
    public var readsAtOnce = 400
    public var writesAtOnce = 200
    /// Whether requests wait for their turn by flow schemas and priority levels (`--enable-priority-and-fairness`).
    public var sharesFairly = true
    /// How long a request may take that is not long by nature (`--request-timeout`).
    public var requestTimeout = Duration.seconds(60)
    /// How long a watch lasts at least whose client does not say; at most it lasts twice that (`--min-request-timeout`).
    public var shortestWatch = Duration.seconds(1800)
    /// Whose pages may use the API from a browser (`--cors-allowed-origins`); nobody's when `nil`.
    public var crossOrigin: CrossOrigin?
    /// How long events are kept after they were last seen (`--event-ttl`).
    public var eventLifetime = Duration.seconds(3600)
    public var now: @Sendable () -> Timestamp = { .now }
    /// For deadlines.
    public var clock: any Clock<Duration> = ContinuousClock()
    /// Where uids, generated names, and services' addresses and ports come from.
    public var randomness = Randomness.system
    /// How long after a write watches tell their clients how far the log has come.
    public var bookmarkPeriod = WatchBookmarks.period
    /// Gives memory that nobody needs now back to the system.
    public var returnMemory: @Sendable () -> Void = {}
    /// Adds figures of the process to `/metrics`.
    public var processMetrics: @Sendable (inout MetricText) -> Void = { _ in }

    public init(
        durable: any Datastore, volatile: any Datastore, clientAuthorities: [Certificate],
        serviceAccountKeys: [PrivateKey], serviceCIDR: IPPrefix, advertiseAddress: Support.IPAddress, advertisePort: Int,
        version: Value
    ) {
        self.durable = durable
        self.volatile = volatile
        self.clientAuthorities = clientAuthorities
        self.serviceAccountKeys = serviceAccountKeys
        self.serviceCIDR = serviceCIDR
        self.advertiseAddress = advertiseAddress
        self.advertisePort = advertisePort
        self.version = version
    }
}

extension APIServerOptions {
    /// Host and port by which others know this server.
    var externalAddress: String {
        guard let name = externalHostname else { return "\(advertiseAddress):\(advertisePort)" }
        if Support.IPAddress(name)?.family == .v6 { return "[\(name)]:\(advertisePort)" }
        let rest = name.hasPrefix("[") ? name.drop { $0 != "]" } : name[...]
        return rest.contains(":") ? name : "\(name):\(advertisePort)"
    }
}

/// The Kubernetes API: state, rules and both doors to them.
public final class APIServer: Sendable {
    private let options: APIServerOptions
    private let api: Verbs
    private let access: AccessControl
    private let configuredAuthentication: ConfiguredAuthentication?
    private let tokenUses: SecretTokenUses
    private let health: Health
    private let auditor: Auditor?
    private let calls = LocalCalls()
    private let customResources: CustomResources
    private let aggregation: Aggregation
    private let shelf: DocumentShelf
    /// What of the first objects could not be made yet.
    private let unmade = Mutex<[Bootstrap.Failure]>([])
    /// Answers HTTP requests. Give it to an `HTTPServer`.
    public let handler: any HTTPHandler

    /// Loads the state. Requests can be answered from here on; ``bootstrap()`` makes the server ready.
    public static func open(_ options: APIServerOptions) async throws(Fault) -> APIServer {
        let logs: ObjectLogs
        do throws(DatastoreError) {
            logs = try await ObjectLogs.open(
                durable: options.durable, volatile: options.volatile, encryption: options.encryption)
        } catch {
            throw Fault(.corrupt, "the cluster's state cannot be loaded", cause: error)
        }
        let server = try APIServer(options, logs)
        do throws(Status) {
            try await server.customResources.load()
        } catch {
            throw Fault(.corrupt, "the definitions of custom resources cannot be loaded", cause: error)
        }
        return server
    }

    private init(_ options: APIServerOptions, _ logs: ObjectLogs) throws(Fault) {
        self.options = options
        access = try AccessControl(logs.objects, options.authorization, now: options.now)
        let ranges = ServiceRangeObjects(
            configured: options.serviceCIDR, ranges: logs.objects(.serviceCIDRs), addresses: logs.objects(.ipAddresses))
        let allocator = ServiceAllocator(ranges, ports: options.nodePorts, randomness: options.randomness)
        let resolver = ServiceResolver(
            services: logs.objects(.services), endpointSlices: logs.objects(.endpointSlices))
        let caller = WebhookClient(services: resolver)
        let versions = ServedVersions()
        let webhooks = AdmissionWebhooks(
            logs.objects, caller: caller, versions: versions, authorizer: access.authorizer)
        let policies = AdmissionPolicies(logs.objects, kinds: versions, authorizer: access.authorizer)
        let kubelets = try options.kubeletConnection.map { kubelets throws(Fault) in try KubeletClient(kubelets) }
        var computed: [GroupVersionResource: any ComputedResource] = [.componentStatuses: ComponentStatuses()]
        if let kubelets, options.measuresUsage {
            let nodes = logs.objects(.nodes)
            let ledger = UsageLedger(nodes: nodes, now: options.now) { node throws(Status) in
                try await kubelets.usage(of: node)
            }
            computed[.metricsV1beta1Nodes] = NodeMetricsResource(nodes: nodes, ledger: ledger)
            computed[.metricsV1beta1Pods] = PodMetricsResource(pods: logs.objects(.pods), ledger: ledger)
        }
        let registry = Registry(
            logs, served: options.served, computed: computed, strategies: BuiltinStrategies(services: ServiceStrategy(allocator: allocator), now: options.now),
            admission: try .builtin(
                logs.objects, access, webhooks, policies, options.admission,
                quotas: QuotaLedger(logs.cache(of:)), now: options.now, clock: options.clock,
                randomness: options.randomness), now: options.now, randomness: options.randomness)
        versions.follow(registry)
        let accounts = ServiceAccountTokens(
            keys: options.serviceAccountKeys, options: options.serviceAccounts, clusterDomain: options.clusterDomain,
            objects: ServiceAccountTokens.Objects(
                accounts: logs.objects(.serviceAccounts), pods: logs.objects(.pods), secrets: logs.objects(.secrets),
                nodes: logs.objects(.nodes)), now: options.now)
        let lives = CertificateLives()
        let tokenUses = SecretTokenUses(now: options.now, clock: options.clock)
        self.tokenUses = tokenUses
        let authenticator = try options.authentication.authenticator(
            options, accounts: accounts, uses: tokenUses, secrets: logs.objects(.secrets), lives: lives)
        configuredAuthentication = authenticator.configured
        var actions = Reviews.actions(
            access.authorizer, tokens: authenticator.tokens, audiences: authenticator.audiences)
        actions[ActionName(resource: .serviceAccounts, subresource: "token")] = TokenRequestAction(tokens: accounts)
        actions[ActionName(resource: .pods, subresource: "binding")] = BindingAction()
        actions[ActionName(resource: .bindings)] = BindingAction()
        actions[ActionName(resource: .pods, subresource: "eviction")] = EvictionAction()
        let connections = Connections(
            pods: logs.objects(.pods), nodes: logs.objects(.nodes), services: logs.objects(.services),
            endpointSlices: logs.objects(.endpointSlices),
            kubelets: kubelets,
            backends: HTTPClient(tls: try TLSClientIdentity(isVerifying: false)), admission: registry.admission)
        api = Verbs(
            registry: registry, connections: connections, actions: actions, now: options.now,
            memory: MemoryKeeper(clock: options.clock, giveBack: options.returnMemory))
        customResources = CustomResources(
            registry,
            client: LocalClient(
                api: api, authorizer: access.authorizer, user: .apiServer, observer: .apiServer, calls: calls),
            webhooks: caller, now: options.now, clock: options.clock)
        let requests = RequestMetrics()
        let gateFigures = GateFigures()
        let auditor = options.audit.map { Auditor($0, now: options.now) }
        self.auditor = auditor
        health = Health(
            version: options.version, loaded: Health.loaded, steps: Bootstrap.Step.allCases.flatMap(\.checks),
            isYoung: Self.youth(options.livezGrace, options.clock))
        let address = options.externalAddress
        let discovery = Discovery(registry, serverAddress: address)
        let issuer = IssuerDocuments(
            issuer: accounts.issuers[0], keys: accounts.publicKeys, serverAddress: address,
            keysURL: options.serviceAccounts.keysURL)
        let release = options.version["gitVersion"]?.string ?? ""
        let swagger = OpenAPI2(registry, release: release)
        let workshop = Workshop()
        shelf = DocumentShelf(workshop) { [memory = api.memory] in memory.note(bytes: $0) }
        aggregation = Aggregation(
            options.aggregation, logs.objects, services: resolver, swagger: swagger, workshop: workshop)
        let flows = options.sharesFairly ? FlowControl(options, logs.objects) : nil
        var documents: [any DocumentSource] = [
            health, issuer,
            AggregatedDocuments(
                table: aggregation.table, discovery: discovery, openAPI: OpenAPI(registry, release: release)),
            swagger,
            Metrics(
                requests: requests, gate: gateFigures, webhooks: webhooks.metrics, policies: policies.metrics,
                aggregation: aggregation.metrics, audit: auditor, flows: flows, lives: lives, calls: calls,
                registry: registry, version: options.version,
                process: options.processMetrics),
        ]
        if let flows { documents.append(FlowDumps(flows: flows)) }
        handler = APIHandler(
            api: api, gate: RequestGate(authenticator: authenticator, authorizer: access.authorizer, figures: gateFigures),
            documents: documents + [PathIndex(sources: documents)], shelf: shelf, aggregation: aggregation,
            metrics: requests, auditor: auditor,
            turns: flows.map(Turns.byFlow)
                ?? .counted(InFlightLimits(reads: options.readsAtOnce, writes: options.writesAtOnce)),
            deadline: RequestDeadline(longest: options.requestTimeout, shortestWatch: options.shortestWatch),
            crossOrigin: options.crossOrigin, transportSecurity: options.transportSecurity)
    }

    /// The in-process way to the API, in the name of `user`; live sets are observed in the name of `observer` when one
    /// is given.
    public func client(as user: User = .apiServer, observingAs observer: User? = nil) -> LocalClient {
        LocalClient(
            api: api, authorizer: access.authorizer, user: user, observer: observer ?? user, auditor: auditor, calls: calls)
    }

    /// What extension servers serve, and this one where they do not, read in the name of `user`.
    public func extensions(as user: User) -> ExtensionReader {
        ExtensionReader(
            table: aggregation.table, caller: aggregation.caller, authorizer: access.authorizer, user: user,
            own: client(as: user))
    }

    private var flowUpkeep: FlowUpkeep {
        let objects = api.registry.logs.objects
        return FlowUpkeep(
            client: client(), schemas: objects(.flowSchemas), levels: objects(.priorityLevelConfigurations),
            now: options.now)
    }

    /// Whether so much time has not passed yet.
    private static func youth(_ time: Duration, _ clock: some Clock<Duration>) -> @Sendable () -> Bool {
        let begun = clock.now
        return { begun.duration(to: clock.now) < time }
    }

    /// Whether clients see the resource.
    public func serves(_ resource: GroupVersionResource) -> Bool { api.registry[resource] != nil }

    /// Which resources are served, for those who look at all of them.
    public var catalog: any ResourceCatalog { api.registry.catalog }

    /// Believes other issuers from now on, and forgets what it knew of their keys.
    public func replace(authentication configuration: AuthenticationConfiguration) {
        configuredAuthentication?.replace(configuration)
    }

    /// Lets others decide from now on. Fails, and changes nothing, when nodes or roles would begin or cease to count.
    public func replace(authorization configuration: AuthorizationConfiguration) throws(Fault) {
        try access.replace(configuration)
    }

    /// Seals values by another configuration from now on. Fails when none were sealed when the server began.
    public func replace(encryption configuration: EncryptionConfiguration) throws(Fault) {
        guard let sealed = api.registry.logs.sealed else {
            throw Fault(
                .invalid, "the server was started without a configuration of encryption", remedy: "start it again")
        }
        sealed.replace(configuration)
    }

    /// Makes the objects that every cluster has, and says that the server is ready. Returns what could not be made, of which
    /// `/readyz` tells as well: ``run(reportingTo:)`` goes on trying, while the API serves.
    @discardableResult
    public func bootstrap() async -> [Fault] {
        let failures = await makeFirstObjects(Bootstrap.Step.allCases)
        unmade.withLock { $0 = failures }
        return failures.map { Fault(.failed, "\($0.step.rawValue) failed", cause: $0.status) }
    }

    private var firstObjects: Bootstrap {
        Bootstrap(
            client: client(), flows: flowUpkeep, serviceCIDR: options.serviceCIDR,
            advertiseAddress: options.advertiseAddress, advertisePort: options.advertisePort,
            tellsEndpoints: options.tellsEndpoints, now: options.now,
            extensionAuthentication: ExtensionAuthentication.data(
                options.aggregation, clientAuthorities: options.clientAuthorities.pem),
            apiServices: Array(LocalAPIService.all(of: api.registry.present).values))
    }

    private func makeFirstObjects(_ steps: [Bootstrap.Step]) async -> [Bootstrap.Failure] {
        await firstObjects.run(steps) { step in step.checks.forEach(health.pass) }
    }

    /// Makes what ``bootstrap()`` could not, until all is there: less and less often.
    private func makeUnmade(reportingTo log: Logger) async {
        var failures = unmade.withLock(\.self)
        var pause = Duration.seconds(1)
        while !failures.isEmpty {
            for failure in failures {
                log.warning("\(failure.step.rawValue) failed and is tried again in \(pause): \(failure.status)")
            }
            do { try await options.clock.sleep(for: pause) } catch { return }
            pause = min(pause * 2, .seconds(10))
            failures = await makeFirstObjects(failures.map(\.step))
        }
    }

    /// Serves what is defined at run time, and keeps state and memory in bounds: drops history, lets events expire, gives
    /// memory back. Runs until the task is cancelled.
    public func run(reportingTo log: Logger) async {
        let history = HistoryKeeper(log: api.registry.logs.durable, datastore: options.durable, report: log)
        let events = EventExpiry(
            lifetime: options.eventLifetime, client: client(), events: api.registry.logs.objects(.events), now: options.now, clock: options.clock,
            report: log)
        let policies = PolicyStatus(
            client: client(), policies: api.registry.logs.objects(.validatingAdmissionPolicies), registry: api.registry,
            clock: options.clock, report: log)
        let addresses = ServiceAddressKeeper(
            client: client(), configured: ConfiguredServiceRange(client: client(), range: options.serviceCIDR),
            services: api.registry.logs.objects(.services), addresses: api.registry.logs.objects(.ipAddresses),
            ranges: api.registry.logs.objects(.serviceCIDRs), clock: options.clock, report: log)
        let firstObjects = FirstObjectsKeeper(
            bootstrap: self.firstObjects, objects: api.registry.logs.objects, clock: options.clock, report: log)
        let identity = options.hostname.map { hostname in
            var randomness = options.randomness
            return IdentityLeaseKeeper(
                lease: IdentityLease(hostname: hostname, run: GeneratedName.uuid(using: &randomness)), client: client(),
                leases: api.registry.logs.objects(.leases), now: options.now, clock: options.clock, report: log)
        }
        for name in options.admission.enabledInVain {
            log.warning("the admission plug-in \(name) is enabled and is not part of this version: it does nothing")
        }
        await withDiscardingTaskGroup { group in
            group.addTask { await self.makeUnmade(reportingTo: log) }
            group.addTask { await history.run() }
            group.addTask { await policies.run() }
            group.addTask { [api, aggregation, options, own = client()] in
                await aggregation.run(
                    api.registry, client: own, now: options.now, clock: options.clock, reportingTo: log)
            }
            group.addTask { await events.run() }
            group.addTask { await addresses.run() }
            group.addTask { await firstObjects.run() }
            if let identity { group.addTask { await identity.run() } }
            group.addTask { [shelf] in await shelf.run() }
            group.addTask { [tokenUses, own = client(), secrets = api.registry.logs.objects(.secrets)] in
                await tokenUses.run(own, secrets: secrets, reportingTo: log)
            }
            group.addTask { [flowUpkeep] in await flowUpkeep.run(reportingTo: log) }
            if let auditor { group.addTask { await auditor.run() } }
            group.addTask { [customResources] in await customResources.run(reportingTo: log) }
            group.addTask { [api] in await api.memory.run(following: api.registry.logs.durable) }
            for kept in [api.registry.logs.durable, api.registry.logs.volatile] {
                group.addTask { [options] in
                    await kept.bookmarks.run(following: kept, each: options.bookmarkPeriod, clock: options.clock)
                }
            }
        }
    }

    /// Says from now on that the server is about to stop, to those who ask before they send it requests (`/readyz`).
    public func willStop() { health.fail(Health.shutdown) }

    /// Ends the delivery of changes and closes the logs.
    public func close() async {
        await auditor?.close()
        await api.registry.logs.close()
    }
}
