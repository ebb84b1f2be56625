import API
import APIMachinery
public import Client
import Host
public import Logging
public import Runtime
public import Support
import Synchronization

/// Runs the pods of one node.
///
/// Everything is caused by something: a change in the API, an event of the runtime, a probe, a deadline.
/// Each pod has one worker at a time, which looks, decides (``PodDecision``) and acts. Stopping a kubelet
/// stops no container: the next one finds them by their labels and goes on.
public final class Kubelet: Sendable {
    /// How often everything is looked at without a cause, in case a cause was missed.
    private static let relist: Duration = .seconds(300)
    /// Pods that are worked on at once.
    private static let workers = 16

    let options: KubeletOptions
    private let client: any Client
    private let runtime: any RuntimeService
    let imageService: any ImageService
    private let events: EventRecorder
    private let log: Logger
    let table = PodTable()
    private let queue: WorkQueue<String>
    private let operations = Operations()
    private let volumes: PodVolumes
    private let claims: ClaimKeeper
    private let resources: ResourceDesk
    let prober: Prober
    private let logs: LogKeeper
    private let mirrors: MirrorKeeper
    private let statics: StaticPods?
    private let clock = Mutex(ClockWatch())
    /// Whether the API has told which pods there are: without that, nobody knows which are gone.
    private let isInformed = Mutex(false)

    public init(
        _ options: KubeletOptions, client: any Client, runtime: any RuntimeService, images: any ImageService,
        events: EventRecorder, log: Logger
    ) {
        self.options = options
        self.client = client
        self.runtime = runtime
        imageService = images
        self.events = events.named("kubelet", host: options.nodeName)
        self.log = log
        let queue = WorkQueue<String>(backOff: .init(first: .milliseconds(200), most: .seconds(30)))
        self.queue = queue
        let devices = DeviceKeeper(folder: options.layout.devicePlugins, log: log)
        // One of which only traces are left, a folder or an empty control group, has no name and needs nothing.
        resources = ResourceDesk(devices: devices, folder: options.layout.root, log: log) { [table] uid in
            table[uid]?.present.name != nil
        }
        devices.observePods { uids in for uid in uids { queue.add(uid) } }
        claims = ClaimKeeper(
            client: client, nodeName: options.nodeName, file: options.layout.deviceClaims, log: log,
            wake: { queue.add($0) },
            came: { [table] uid in
                table[uid]?.remember { $0.lift(\.isForClaims) }
                queue.add(uid)
            })
        volumes = PodVolumes(
            layout: options.layout, client: client, nodeName: options.nodeName, events: self.events,
            plugins: [
                "DevicePlugin": DevicePluginRegistration(devices: devices),
                "DRAPlugin": DeviceDriverRegistration(drivers: claims.drivers),
            ], log: log,
            wake: { [table] uid in
                table[uid]?.remember { $0.lift(\.isForVolumes) }
                queue.add(uid)
            }, now: { .now })
        prober = Prober(runtime: runtime, log: log)
        logs = LogKeeper(runtime: runtime, limits: options.logLimits, log: log)
        mirrors = MirrorKeeper(client, node: options.nodeName, table: table, log: log)
        statics = options.staticPods.map { [events = self.events, table, queue, mirrors] path in
            StaticPods(path, node: options.nodeName, table: table, events: events, log: log) { uid in
                queue.add(uid)
                if let name = table[uid]?.present.name { mirrors.add(name) }
            }
        }
    }

    /// The node's pods, for the node API.
    public var directory: any PodDirectory { table }

    /// How full their volumes are, for the node API.
    public var volumeUsages: any VolumeUsages { volumes }

    /// Registers the node, adopts what runs, and keeps the pods until cancelled. `ready` is called once,
    /// when the API has been told that the node is ready, `clockWasSet` whenever somebody has set the clock.
    ///
    /// Fails when the node cannot be described or the API does not let its pods be read. Events are written
    /// by whoever runs the recorder that the kubelet was given.
    public func run(
        ready: @escaping @Sendable () -> Void, clockWasSet: @escaping @Sendable () -> Void = {}
    ) async throws(Fault) {
        try Files.makeDirectory(options.layout.pods, mode: 0o750)
        let capacity = try NodeCapacity.read(options)
        let facts = try await NodeFacts.read(options, capacity, runtime)
        let node = NodeKeeper(
            options, facts, client: client, runtime: runtime, images: imageService, devices: resources.devices,
            events: events, log: log)
        let context = makeContext(capacity, node)
        let pressure = PressureKeeper(options, context, images: imageService, context.collector)
        do throws(Fault) { try await context.groups.prepare() } catch {
            log.warning("the control groups of pods are not as they should be: \(error)")
        }
        let allocatable = AllocatableGroups(options, capacity, events: events, log: log)
        try await allocatable.holdReserved()
        try resources.begin(
            options, try MachineTopology.read(memory: capacity.memory, system: options.systemDevices))
        try claims.recall()
        let observation = try await observePods(context)
        defer { observation?.cancel() }
        let writer = PodStatusWriter(client, table, log)
        await withDiscardingTaskGroup { group in
            group.addTask { await self.operations.run() }
            group.addTask { await writer.run() }
            group.addTask { await self.volumes.run() }
            group.addTask { await self.resources.run() }
            group.addTask { await self.claims.run() }
            group.addTask { await allocatable.holdPods() }
            group.addTask { await SharedProcessors(self.resources, self.runtime, log: self.log).run() }
            group.addTask { await self.probe() }
            group.addTask { await self.logs.run() }
            group.addTask {
                await node.run(ready: ready, complaint: { context.shutdown.complaint }) {
                    if self.lookAtClock() { clockWasSet() }
                    context.storage.look(context)
                    return await pressure.look()
                }
            }
            group.addTask { await self.followRuntime(context) }
            group.addTask { await self.keepStatics() }
            group.addTask { await context.shutdown.run(context) }
            group.addTask {
                await PodResourcesKeeper(
                    layout: self.options.layout, table: self.table, resources: self.resources,
                    claims: self.claims, log: self.log
                ).run()
            }
            if observation == nil { group.addTask { await self.awaitAPI(context) } }
            group.addTask { await self.work(context, writer) }
        }
    }

    private func makeContext(_ capacity: NodeCapacity, _ node: NodeKeeper) -> PodContext {
        let (table, queue) = (table, queue)
        let records = PulledRecords(options.layout.imageRecords, log: log)
        let images = ImageStore(
            imageService, client: client, events: events, operations: operations, options, records,
            CredentialProviders(options.credentialProviders, client: client, log: log),
            wake: { uid in
                // A container that waits for a pull waits without an end.
                table[uid]?.remember { memory in
                    memory.holds = memory.holds.filter { $0.value.until != nil }
                }
                queue.add(uid)
            }, changed: { node.imagesChanged() })
        let isGone = { @Sendable (uid: String) in table[uid]?.present.isGone ?? false }
        let admission = AdmissionDesk(client, options.nodeName, capacity, resources, isGone: isGone) { queue.add($0) }
        let shutdown = ShutdownKeeper(options, events: events, log: log) { isShuttingDown in
            admission.set(isShuttingDown: isShuttingDown)
            node.look()
        }
        return PodContext(
            options: options, client: client, runtime: runtime, images: images, volumes: volumes,
            environment: ContainerEnvironment(client: client), prober: prober, logs: logs,
            awaited: ObservedObjects(client: client) { queue.add($0) }, hook: LifecycleHook(runtime: runtime),
            events: events, operations: operations, table: table,
            groups: PodCgroups(options, log: log), log: log, wake: { queue.add($0) },
            capacity: capacity, desk: ResizeDesk(capacity, isGone: isGone) { queue.add($0) },
            collector: ImageCollector(imageService, runtime, table, options.imageLimits) {
                records.keep($0, at: $1)
            }, mirrors: mirrors,
            admission: admission, storage: StorageKeeper(), resources: resources, claims: claims, shutdown: shutdown,
            users: UserKeeper(options, log: log))
    }

    // MARK: Causes

    /// `nil` while the API does not answer: the node runs what it has until it does.
    private func observePods(_ context: PodContext) async throws(Fault) -> (any Observation)? {
        let scope = ObservationScope(fieldSelector: "spec.nodeName=\(options.nodeName)")
        let pods: any ObjectSet
        do throws(Status) { pods = try await client.observe(Pod.self, scope) } catch {
            log.warning("the kubelet cannot read its pods: \(error.message)")
            guard error.code < 500 else { return nil }
            throw Fault(.failed, "the kubelet cannot read its pods: \(error.message)")
        }
        let (table, queue, mirrors) = (table, queue, mirrors)
        let observation = pods.observe { change in
            let (uids, mirror) = table.take(change)
            if let old = change.old, old.uid != change.new?.uid, mirror == nil {
                context.desk.forget(old.uid)
                context.admission.leave(old.uid)
            }
            if let mirror {
                mirrors.add(mirror)
            } else if let new = change.new {
                context.desk.expect(new)
                context.admission.expect(new)
            }
            for uid in uids { queue.add(uid) }
        }
        isInformed.withLock { $0 = true }
        return observation
    }

    /// Asks an API that did not answer again, and observes until cancelled.
    private func awaitAPI(_ context: PodContext) async {
        var pause = Duration.milliseconds(250)
        while !Task.isCancelled {
            try? await Task.sleep(for: pause)
            pause = min(pause + pause, .seconds(10))
            guard let observation = try? await observePods(context) else { continue }
            await adoptAll(context)
            await Bell().wait()
            observation.cancel()
        }
    }

    /// Pods from files, and what the API shows of them.
    private func keepStatics() async {
        guard let statics else { return await mirrors.run() }
        await withDiscardingTaskGroup { group in
            let (begun, input) = AsyncStream<Void>.makeStream()
            group.addTask { await statics.run { input.finish() } }
            for await _ in begun {}
            group.addTask { await self.mirrors.run() }
        }
    }

    /// Events of containers; after every loss everything is looked at again.
    private func followRuntime(_ context: PodContext) async {
        var pause = Duration.milliseconds(100)
        while !Task.isCancelled {
            let start = ContinuousClock.now
            do throws(Fault) {
                try await runtime.containerEvents(ready: { await self.adoptAll(context) }) { event in
                    self.take(event)
                }
            } catch {
                if Task.isCancelled { return }
                log.warning("the runtime's events ended, trying again: \(error.forPeople)")
            }
            // What held for long may be tried again at once.
            if ContinuousClock.now - start > .seconds(30) { pause = .milliseconds(100) }
            try? await Task.sleep(for: pause)
            pause = min(pause + pause, .seconds(10))
        }
    }

    private func take(_ event: ContainerEvent) {
        // What is not known is being made by a worker, which looks by itself when it has made it.
        guard event.kind != .created, event.kind != .started, let uid = table.owner(of: event.id) else {
            return
        }
        queue.add(uid)
    }

    /// Every pod that the API, the runtime, the disk or the control groups know is looked at: pods that are gone
    /// leave, all others go on. Until the API has told which there are, those that it did not tell of are left alone.
    private func adoptAll(_ context: PodContext) async {
        do throws(Fault) {
            var found: [String: ObjectName?] = [:]
            let traces = try volumes.podsOnDisk() + context.groups.emptyPods() + claims.read(\.pods)
            for uid in table.records.map(\.uid) + traces { found[uid] = .some(nil) }
            let sandboxes = try await runtime.listPodSandboxes(CRI.PodSandboxFilter()).map(\.labels)
            let containers = try await runtime.listContainers(CRI.ContainerFilter()).map(\.labels)
            for labels in sandboxes + containers {
                guard let uid = labels[PodLabels.podUID], !uid.isEmpty else { continue }
                found[uid] = PodLabels.name(in: labels)
            }
            // Before what nobody wants is ended.
            statics?.begin()
            if !isInformed.withLock(\.self) { found = found.filter { table[$0.key] != nil } }
            for (uid, name) in found { table.adopt(uid, name: name) }
            resources.sourcesAreReady()
            // Those that came meanwhile may wait for this.
            for uid in Set(found.keys).union(table.records.map(\.uid)) { queue.add(uid) }
        } catch {
            log.warning("cannot see what runs: \(error.forPeople)")
        }
    }

    private func probe() async {
        let (table, queue, events) = (table, queue, events)
        await prober.run { uid in
            queue.add(uid)
        } failed: { uid, container, reason, message in
            guard let object = table[uid]?.present.object else { return }
            let pod = Pod(object)
            guard let member = PodContainers(pod.spec)[container] else { return }
            events.record(
                pod, .warning, reason: reason, message: message, fieldPath: member.fieldPath)
        }
    }

    /// What waits for a time of day is looked at again when that was set. Returns whether it was.
    private func lookAtClock() -> Bool {
        guard let jump = clock.withLock({ $0.look(now: .now, sinceBoot: .sinceBoot) }) else { return false }
        log.warning("somebody set the clock by \(jump)")
        volumes.clockWasSet()
        for record in table.records { queue.add(record.uid) }
        return true
    }

    // MARK: Work

    private func work(_ context: PodContext, _ writer: PodStatusWriter) async {
        let (table, log, volumes) = (table, log, volumes)
        await queue.run(workers: Self.workers) { (uid: String, fault: Fault) in
            if !Task.isCancelled { log.warning("pod \(uid): \(fault.forPeople)") }
        } _: { uid throws(Fault) in
            guard let record = table[uid] else { return nil }
            let again = try await PodWorker(context: context, writer: writer, record: record).work()
            let present = record.present
            if present.volumes != nil, let pod = present.pod { volumes.update(pod) }
            guard table[uid] != nil else { return nil }
            return min(again ?? Self.relist, Self.relist)
        }
    }
}
