import APIMachinery
import APIServer
import Client
import Datastore
import Glibc
import Host
import Logging
import Network
import PKI
import Scheduler
import Supervisor
import Support
import Synchronization
import Wire

/// `k3s server`: wires the parts together and runs them until a signal says stop.
struct ServerCommand {
    private let configuration: ServerConfiguration
    private let stage: RootlessStage
    private let log: Logger
    private let started = ContinuousClock.now
    private let figures = QueueFigures()
    private let schedulerFigures = SchedulerFigures()

    init(_ arguments: [String]) throws(Fault) {
        stage = RootlessStage.take()
        let environment = Self.environment()
        let values = try OptionValues(
            arguments, options: Option.server, files: try Self.configurationFiles(arguments, environment, stage),
            environment: environment)
        configuration = try ServerConfiguration(values, home: Self.home)
        if let file = configuration.logFile { try Terminal.sendLog(to: file) }
        let level: Logger.Level = configuration.isVerbose ? .debug : .info
        LoggingSystem.bootstrap { _ in LogLine(level: level) }
        log = Logger(label: "k3s")
        for key in values.unknownKeys {
            log.warning("the configuration file has a key that this version does not know: \(key)")
        }
        for warning in configuration.warnings { log.warning("\(warning)") }
    }

    private static var home: String? {
        Command.ownEnvironment["HOME"] ?? Machine.account(ofUser: Machine.effectiveUserID)?.home
    }

    /// Whether the command line asks what the command does, not for doing it. Fails when it cannot be understood.
    static func isAskedForHelp(_ arguments: [String]) throws(Fault) -> Bool {
        try OptionValues(arguments, options: Option.server).flag("help")
    }

    func run() async throws(Fault) {
        Signals.ignoreBrokenPipes()
        if configuration.isRootless {
            switch stage {
            case .inside: break
            // Nothing of a server without a node is root's alone.
            case .outside where !configuration.runsAgent: break
            case .outside: return end(try await RootlessOutside(configuration: configuration, log: log).run())
            case .first(let within):
                return end(try await RootlessFirst(configuration: configuration, within: within, log: log).run())
            }
        } else if Machine.effectiveUserID != 0 {
            throw Fault(
                .denied, "k3s server must run as root", remedy: "start it with sudo, or as another user with --rootless")
        }
        try await runHere()
    }

    /// What k3s has to say of its end it has said.
    private func end(_ status: ExitStatus) {
        if !status.isSuccess { exit(status.shellCode) }
    }

    /// In this very process.
    private func runHere() async throws(Fault) {
        let signals = try Signals([.terminate, .interrupt])
        let ground = try await takeGround()
        guard configuration.runsAgent else {
            guard try await serve(on: ground, nil, until: signals) else { return }
            return try stage.beginAnew()
        }
        let ports = try await NodeAgent.Ports(configuration, log: log)
        let runtime = try NodeRuntime(
            configuration, podCIDR: ground.identity.podCIDR, hasNoCgroups: stage.within?.cgroups == RootlessCgroups.none,
            log: log)
        let mustBeginAnew = Mutex(false)
        do throws(Fault) {
            try await Parts.untilFirstEnds([
                { try await runtime.run() },
                {
                    let isWanted = try await serve(on: ground, (runtime, ports), until: signals)
                    mustBeginAnew.withLock { $0 = isWanted }
                },
            ])
        } catch {
            await runtime.undo()
            throw error
        }
        if mustBeginAnew.withLock(\.self) { try stage.beginAnew() }
    }

    // MARK: Running

    /// What must be ours before anything is begun: who finds it in use leaves everything as it was.
    private struct Ground {
        let identity: ServerIdentity
        let state: SQLiteDatastore
        let port: HeldPort
    }

    private func takeGround() async throws(Fault) -> Ground {
        let identity = try ServerIdentity(configuration)
        try Files.makeDirectory(Path.join(configuration.dataDirectory, "server/db"), mode: 0o700)
        let state = try SQLiteDatastore(path: Path.join(configuration.dataDirectory, "server/db/state.db"))
        var limits = HTTPServerLimits()
        if let streams = configuration.apiServer.listener.streamsPerConnection { limits.concurrentStreams = streams }
        let port = try await HeldPort(configuration.ownBindAddress, configuration.port, limits: limits, log: log)
        if let within = stage.within {
            guard let number = UInt16(exactly: configuration.port) else {
                preconditionFailure("a port was checked when it was read")
            }
            let wanted = LentPort(.tcp, try configuration.hostAddress(), number)
            try await port.take(try await HostSockets.borrow(wanted, over: within.connection))
        }
        return Ground(identity: identity, state: state, port: port)
    }

    /// Returns whether the server shall begin anew.
    private func serve(
        on ground: Ground, _ node: (runtime: NodeRuntime, ports: NodeAgent.Ports)?, until signals: Signals
    ) async throws(Fault) -> Bool {
        let (identity, server) = (ground.identity, ground.port.server)
        let requirements = try configuration.apiServer.serving.requirements()
        let credentials = try await CredentialsStore.prepare(try credentialsRequest(identity))
        var options = options(ground.state, credentials, identity)
        try options.apply(configuration.apiServer, credentials)
        let identities = try ServingIdentities(
            configuration.apiServer.listener,
            own: try TLSIdentity(
                certificatePEM: credentials.serving.certificatePEM, keyPEM: credentials.serving.key.pem,
                requiring: requirements), requiring: requirements)
        let api = try await APIServer.open(options)
        ground.port.open(to: api.handler, as: identities)
        log.info("serving the API on \(ground.port.address)")
        try CredentialsStore.publish(credentials)
        // Who writes early waits until the first objects are there (docs/decisions/0008-bootstrap-before-writes.md).
        let unmade = await api.bootstrap()
        log.info("the API is \(unmade.isEmpty ? "ready" : "served") after \(elapsed())")
        let control = ControlPlane(
            configuration: configuration, nodeName: identity.name, api: api, credentials: credentials,
            figures: figures, schedulerFigures: schedulerFigures, log: log)
        let watch = CredentialsWatch(credentials, log: log)
        var parts: [Parts.Part] = [
            { await watch.run() },
            { await server.run() },
            { try await control.run() },
            { try await waitForStop(signals, api) },
        ]
        if let within = stage.within {
            let user = User(name: "system:kube-proxy", groups: [User.authenticatedGroup])
            let publisher = PortPublisher(
                client: api.client(as: user), connection: within.connection, host: try configuration.hostAddress(),
                node: identity.addresses[0], log: log)
            parts.append { try await publisher.run() }
        }
        let reloaded = ReloadedFiles(configuration.apiServer, options, api, identities, log: log)
        if !reloaded.files.isEmpty { parts.append { try await reloaded.run() } }
        if let (runtime, ports) = node {
            let agent = NodeAgent(
                configuration: configuration, identity: identity, api: api, credentials: credentials, log: log,
                clockWasSet: { watch.look() })
            parts.append {
                for await clients in runtime.clients {
                    log.info("the container runtime answers after \(elapsed())")
                    runtime.keep()
                    return try await agent.run(on: clients, ports) { announce("the node \(identity.name) is Ready") }
                }
            }
        } else {
            announce("ready")
        }
        let result: Result<Void, Fault>
        do throws(Fault) {
            try await Parts.untilFirstEnds(parts)
            result = .success(())
        } catch {
            result = .failure(error)
        }
        api.willStop()
        await server.stop(within: .seconds(3))
        await api.close()
        log.info("stopped")
        try result.get()
        return watch.mustBeginAnew
    }

    private func announce(_ what: String) {
        let kubeconfig = configuration.kubeconfigPath ?? "/etc/rancher/k3s/k3s.yaml"
        log.info("\(what) after \(elapsed()); try: KUBECONFIG=\(kubeconfig) kubectl get nodes,pods -A")
    }

    private func waitForStop(_ signals: Signals, _ api: APIServer) async throws(Fault) {
        var arriving = signals.makeAsyncIterator()
        guard let signal = try await arriving.next(isolation: nil) else { return }
        let delay = configuration.apiServer.listener.shutdownDelay
        log.info("stopping on \(signal)")
        guard delay > .zero else { return }
        log.info("answering for \(delay) more")
        // Who asks before he sends requests goes elsewhere meanwhile; all others are answered as ever.
        api.willStop()
        // Whoever stops us a second time does not want to wait.
        await withTaskGroup { group in
            group.addTask { try? await Task.sleep(for: delay) }
            group.addTask {
                var again = signals.makeAsyncIterator()
                _ = try? await again.next(isolation: nil)
            }
            await group.next()
            group.cancelAll()
        }
    }

    private func elapsed() -> String {
        let milliseconds = (ContinuousClock.now - started).components
        let total = milliseconds.seconds * 1000 + milliseconds.attoseconds / 1_000_000_000_000_000
        return "\(total / 1000).\(String(total % 1000 + 1000).dropFirst()) s"
    }

    // MARK: What the parts are made from

    private func credentialsRequest(_ identity: ServerIdentity) throws(Fault) -> ServerCredentialsRequest {
        guard let serviceAddress = configuration.serviceCIDR.first.advanced(by: 1) else {
            throw Fault(.invalid, "--service-cidr \(configuration.serviceCIDR) has no first address")
        }
        var request = ServerCredentialsRequest(
            dataDirectory: configuration.dataDirectory, nodeName: identity.name,
            nodeAddresses: identity.addresses, serviceAddresses: [serviceAddress], now: .now)
        request.additionalNames = configuration.additionalNames
        request.clusterDomain = configuration.clusterDomain
        request.advertiseAddress = configuration.advertiseAddress
        request.token = try token()
        request.agentToken = configuration.agentToken
        request.secretsEncryption = configuration.secretsEncryption
        request.kubeconfig.path = configuration.kubeconfigPath
        request.kubeconfig.mode = FileMode(configuration.kubeconfigMode)
        request.kubeconfig.name = configuration.kubeconfigName
        let host = configuration.bindAddress == "0.0.0.0" ? "127.0.0.1" : configuration.bindAddress
        // With a node the user has an `/etc/rancher` of his own.
        if configuration.isRootless, !configuration.runsAgent {
            request.configDirectory = Path.join(configuration.dataDirectory, "etc/rancher")
        }
        request.serverURL = "https://\(host):\(configuration.port)"
        request.includesAgent = configuration.runsAgent
        return request
    }

    private func token() throws(Fault) -> String? {
        guard let file = configuration.tokenFile, configuration.token == nil else { return configuration.token }
        return String(try Files.readText(file).prefix { !$0.isNewline })
    }

    private func options(
        _ durable: any Datastore, _ credentials: ServerCredentials, _ identity: ServerIdentity
    ) -> APIServerOptions {
        // Above everything given out before, so that watches of an earlier run are told to begin anew.
        let volatile = MemoryDatastore(startingAt: Timestamp.now.seconds * 1000)
        var options = APIServerOptions(
            durable: durable, volatile: volatile,
            clientAuthorities: credentials[Authority.client].chain,
            serviceAccountKeys: credentials.serviceAccountKeys, serviceCIDR: configuration.serviceCIDR,
            advertiseAddress: configuration.advertiseAddress ?? identity.addresses[0], advertisePort: configuration.port,
            version: Self.versionDocument)
        options.hostname = identity.hostname
        options.clusterDomain = configuration.clusterDomain
        options.nodePorts = configuration.nodePorts
        if configuration.runsAgent {
            let client = credentials[.apiServerClient]
            options.kubeletConnection = KubeletConnectionOptions(
                authoritiesPEM: credentials[Authority.server].pem, certificatePEM: client.certificatePEM,
                keyPEM: client.keyPEM)
        }
        options.measuresUsage = !configuration.disabled.contains("metrics-server")
        let proxy = credentials[.authProxy]
        options.aggregation = AggregationOptions(
            certificatePEM: proxy.certificatePEM, keyPEM: proxy.keyPEM,
            authoritiesPEM: credentials[Authority.requestHeader].pem,
            allowedNames: [proxy.certificate.subject.commonName])
        options.returnMemory = {
            ProcessMemory.returnFree()
            ProcessMemory.returnCode()
        }
        options.processMetrics = { [figures, schedulerFigures] text in
            ProcessMetrics.write(to: &text)
            figures.write(to: &text)
            schedulerFigures.write(to: &text)
        }
        return options
    }

    private static let versionDocument: Value = [
        "major": "1", "minor": "36", "gitVersion": .string(Program.version), "gitCommit": "", "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z", "goVersion": "swift6.3.1", "compiler": "swiftc",
        "platform": .string("linux/" + Machine.architecture),
    ]

    // MARK: Where options come from

    private static func environment() -> [String: String] {
        var variables: [String: String] = [:]
        for name in Option.server.compactMap(\.environment) {
            if let value = getenv(name) { variables[name] = String(cString: value) }
        }
        return variables
    }

    /// The configuration file and its drop-ins. The default file may be missing; one that was asked for may not.
    private static func configurationFiles(
        _ arguments: [String], _ environment: [String: String], _ stage: RootlessStage
    ) throws(Fault) -> [String] {
        let asked = try OptionValues(arguments, options: Option.server, environment: environment).text("config")
        // Within, `/etc/rancher` is the user's.
        let usual = ServerConfiguration.defaultConfigFile
        let main = asked ?? (stage.within == nil ? usual : RootlessLayout.ofHost(usual))
        var texts: [String] = []
        if asked != nil || Files.exists(main) { texts.append(try Files.readText(main)) }
        let folder = main + ".d"
        guard Files.exists(folder) else { return texts }
        for name in try Files.list(folder).sorted() where name.hasSuffix(".yaml") || name.hasSuffix(".yml") {
            texts.append(try Files.readText(Path.join(folder, name)))
        }
        return texts
    }
}
