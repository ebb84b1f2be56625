public import Host
public import Logging
import Support
import Synchronization

/// Runs containerd: writes its configuration, starts it or adopts the one that runs, and starts it again when
/// it ends.
///
/// It outlives us on purpose (docs/decisions/0003-containerd-outlives-k3s.md): containers write their logs
/// through it, and would stand still without it. ``stop()`` ends it for those who want that, ``undo()`` for a
/// start of k3s that came to nothing.
public struct Containerd: Sendable {
    public let layout: ContainerdLayout
    let options: ContainerdOptions
    let programs: ContainerdPrograms
    let environment: [String: String]
    let logger: Logger
    private let own = Own()

    /// How long things may take.
    struct Limits: Sendable {
        /// From the start of the process until the runtime answers. Bounds a hang only: a start that fails
        /// ends sooner.
        var start = Duration.seconds(120)
        /// Until one that was found running answers. It has nothing to load; one that hangs is replaced.
        var adoption = Duration.seconds(15)
        var stop = Duration.seconds(10)
        var restarts = RestartPolicy.Limits()
        /// Between the two looks at network namespaces that nobody seems to have.
        var abandonment = Duration.seconds(30)
        /// When shims are looked for that a containerd left which was killed, each after the one before. What has
        /// them in its way is taken away meanwhile: the sandboxes that were half made.
        var shims: [Duration] = [5, 5, 10, 20, 60, 200].map { .seconds($0) }
    }
    var limits = Limits()

    /// Does nothing yet. `environment` is that of this process.
    public init(
        layout: ContainerdLayout, options: ContainerdOptions, programs: ContainerdPrograms,
        environment: [String: String] = Command.ownEnvironment,
        logger: Logger = Logger(label: "containerd")
    ) {
        self.layout = layout
        self.options = options
        self.programs = programs
        self.environment = environment
        self.logger = logger
    }

    /// Keeps containerd running until the task is cancelled, and then leaves it running.
    ///
    /// `ready` is called when the runtime answers for the first time, with the image of the sandboxes in
    /// place, and again after each restart. A containerd that never gets so far is a fault, with its own last
    /// words; one that ends later is started again, each time after a longer pause. `conflict` when another
    /// process runs one of the same layout: it would take ours for an old one and replace it.
    public func run(ready: @Sendable (CRIClient) async throws -> Void) async throws {
        let client = CRIClient(socket: layout.socket)
        defer { client.close() }
        let lock = try takeLock()
        defer { withExtendedLifetime(lock) {} }
        own.process.withLock { $0 = ProcessRecord.running(at: layout.processRecord) == nil ? .none : .another }
        do {
            let rewriter = RegistryRewriter(
                try RewritePlan(options.registries), record: layout.root + "/k3s-rewrites.json", log: logger)
            let fingerprint = try await configure(try await rewriter.begin())
            try await withThrowingTaskGroup { group in
                group.addTask { await rewriter.run() }
                group.addTask { try await BoundedLog(path: layout.log).keep() }
                try await supervise(client, fingerprint, ready)
                group.cancelAll()
            }
        } catch where Task.isCancelled {
            // Being told to stop is how this ends.
        }
    }

    private func takeLock() throws(Fault) -> LockFile {
        try Files.makeDirectory(layout.state, mode: 0o700)
        do throws(Fault) {
            return try LockFile(layout.lock)
        } catch where error.code == .conflict {
            throw Fault(
                .conflict, "another k3s runs the containers of this machine", remedy: "stop it first", cause: error)
        }
    }

    private func supervise(
        _ client: CRIClient, _ fingerprint: String, _ ready: @Sendable (CRIClient) async throws -> Void
    ) async throws {
        var restarts = RestartPolicy(limits: limits.restarts)
        var wasReady = false
        while !Task.isCancelled {
            let start = ContinuousClock.now
            let adopted = try await adopt(fingerprint)
            let abandoned = AbandonedNamespaces().find()
            let process = if let adopted { adopted } else { try await launch(fingerprint) }
            var isAnswering = false
            do {
                try await untilAnswers(client, process)
                isAnswering = true
                try await importPauseImage(client)
                logger.info(
                    "containerd answers",
                    metadata: ["pid": "\(process.pid)", "after": "\(ContinuousClock.now - start)"])
                try await ready(client)
                wasReady = true
            } catch is Fault where process.isAdopted && !isAnswering && !Task.isCancelled {
                // It hangs, or was about to end.
                logger.warning("the containerd that runs does not answer: starting it anew")
                try await process.stop(grace: limits.stop)
                continue
            } catch let fault as Fault where wasReady && !Task.isCancelled {
                logger.warning("containerd does not answer: \(fault)")
            }
            async let _: Void = remove(abandoned)
            async let _: Void = removeLeases(client)
            async let _: Void = endShims(client)
            let end: String
            do { end = try await process.waitForEnd() } catch where Task.isCancelled { return }
            let pause = restarts.ended(after: ContinuousClock.now - start)
            logger.error("containerd ended (\(end)); starting it again in \(pause)")
            do { try await Task.sleep(for: pause) } catch { return }
        }
    }

    /// What a containerd left that was killed before this one began. Ends early, and removes nothing, when
    /// cancelled.
    private func remove(_ abandoned: Set<String>) async {
        guard !abandoned.isEmpty else { return }
        do { try await Task.sleep(for: limits.abandonment) } catch { return }
        let removed = AbandonedNamespaces().remove(abandoned)
        guard !removed.isEmpty else { return }
        logger.info("removed network namespaces that nobody has: \(removed.joined(separator: ", "))")
    }

    /// What a containerd was making that was killed before this one began. Once is enough: those who took part
    /// were cut off.
    private func removeLeases(_ client: CRIClient) async {
        guard let begun = ProcessRecord.running(at: layout.processRecord)?.begun else { return }
        do {
            let removed = try await AbandonedLeases(grpc: client.grpc).remove(before: begun)
            guard !removed.isEmpty else { return }
            logger.info("gave back leases that nobody has: \(removed.joined(separator: ", "))")
        } catch {
            guard !Task.isCancelled else { return }
            logger.warning("cannot give back leases that nobody has: \(error)")
        }
    }

    /// What a containerd left that was killed in the middle of starting it, or of ending it. Ends early when
    /// cancelled.
    private func endShims(_ client: CRIClient) async {
        var unheard: Set<String> = []
        for pause in limits.shims {
            do {
                try await Task.sleep(for: pause)
                let ended = try await LeakedShims(layout: layout).end(client)
                for id in ended {
                    logger.info("ended a shim that runs nothing", metadata: ["container": "\(id)"])
                }
                for id in try await LeakedShims(layout: layout).clearFolders(client) {
                    logger.info("removed the folder of a process that nobody has", metadata: ["container": "\(id)"])
                }
                let sockets = AbandonedSockets()
                let removed = sockets.remove(unheard).count
                if removed > 0 { logger.info("removed sockets of shims that have ended: \(removed)") }
                unheard = sockets.find()
            } catch {
                if Task.isCancelled { return }
                logger.warning("cannot look for shims that run nothing: \(error)")
            }
        }
    }

    /// Ends the containerd of this layout, whoever started it; sandboxes and containers stay. None is no
    /// fault.
    public func stop() async throws {
        guard let record = ProcessRecord.running(at: layout.processRecord) else { return }
        try await end(record.identity)
    }

    /// Ends the containerd that ``run(ready:)`` has started, for a start of k3s that came to nothing. Where one
    /// ran before, ours has taken its place and stays: there may be containers.
    public func undo() async throws {
        guard case .ours(let identity) = own.process.withLock({ $0 }) else { return }
        try await end(identity)
    }

    private func end(_ identity: ProcessIdentity) async throws {
        try await ContainerdProcess.adopted(identity).stop(grace: limits.stop)
        try Files.remove(layout.processRecord)
    }

    /// What ``undo()`` has to know.
    private final class Own: Sendable {
        enum Process: Sendable {
            case none
            /// One ran when we came.
            case another
            case ours(ProcessIdentity)
        }

        let process = Mutex(Process.none)
    }

    // MARK: - Starting

    /// The process of an earlier run, if it is what we would start now; one that is not is ended, and `nil`
    /// returned.
    private func adopt(_ fingerprint: String) async throws -> ContainerdProcess? {
        guard let record = ProcessRecord.running(at: layout.processRecord) else { return nil }
        let process = ContainerdProcess.adopted(record.identity)
        guard record.fingerprint == fingerprint else {
            logger.info("containerd runs with another configuration or version: starting it anew")
            try await process.stop(grace: limits.stop)
            return nil
        }
        logger.info("adopting the containerd that runs", metadata: ["pid": "\(process.pid)"])
        return process
    }

    private func launch(_ fingerprint: String) async throws -> ContainerdProcess {
        do throws(Fault) { try LeakedShims(layout: layout).clearHalfRemoved() } catch {
            logger.warning("what an earlier containerd left stays: \(error)")
        }
        let launch = ContainerdLaunch(layout: layout, programs: programs, environment: environment)
        var command = launch.command
        let log = Command.Stream.descriptor(try Files.openForAppending(layout.log, mode: 0o600))
        command.output = log
        command.errors = log
        let (begun, bootID) = (Timestamp.now, try Machine.bootID())
        // Before it runs: a process that nobody remembers would hold the socket for ever.
        let child = try await command.start(recording: { (identity) throws(Fault) in
            let record = ProcessRecord(identity: identity, bootID: bootID, fingerprint: fingerprint, begun: begun)
            own.process.withLock { process in
                if case .another = process { return }
                process = .ours(identity)
            }
            try Files.write(record.json, to: layout.processRecord, mode: 0o600)
        })
        return .child(child)
    }

    /// Returns when the runtime answers, and throws when the process ends before that.
    private func untilAnswers(_ client: CRIClient, _ process: ContainerdProcess) async throws {
        let limit = process.isAdopted ? limits.adoption : limits.start
        try await withThrowingTaskGroup { group in
            group.addTask { try await client.untilAnswers(within: limit) }
            group.addTask {
                let end = try await process.waitForEnd()
                let words = BoundedLog(path: layout.log).lastError().map { ": \($0)" } ?? ""
                throw Fault(
                    .failed, "containerd does not start (\(end))\(words)", remedy: "see \(layout.log)")
            }
            try await group.next()
            group.cancelAll()
        }
    }

    private func importPauseImage(_ client: CRIClient) async throws {
        let pause = PauseImage(reference: options.pauseImage)
        if try await pause.importIfAbsent(client) {
            logger.info("imported the built-in image \(options.pauseImage)")
        }
    }
}

extension CRIClient {
    /// Returns when the runtime serves requests. It does not listen at first, and then refuses them until it
    /// knows its sandboxes again: asks in growing intervals, of which the longest is short next to its start.
    func untilAnswers(within limit: Duration) async throws {
        let start = ContinuousClock.now
        var pause = Duration.milliseconds(2)
        var filter = CRI.PodSandboxFilter()
        filter.id = "none"
        var client = self
        while true {
            // A process that hangs accepts connections and answers none.
            client.limits.request = max(limit - (ContinuousClock.now - start), .milliseconds(10))
            do throws(Fault) {
                _ = try await client.listPodSandboxes(filter)
                return
            } catch {
                guard ContinuousClock.now - start < limit else {
                    throw Fault(
                        .timedOut, "the container runtime does not answer after \(limit)",
                        remedy: "see its log",
                        cause: error)
                }
            }
            try await Task.sleep(for: pause)
            pause = min(pause * 2, .milliseconds(50))
        }
    }
}
