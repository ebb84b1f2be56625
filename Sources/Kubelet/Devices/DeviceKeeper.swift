import API
import Host
import Logging
import Runtime
import Support
import Synchronization
import Wire

/// What a container's devices bring into it.
struct ContainerDevices: Hashable, Sendable {
    var environment: [(name: String, value: String)] { variables.map { ($0.name, $0.value) } }
    var mounts: [CRI.Mount] = []
    var devices: [CRI.Device] = []
    var annotations: [String: String] = [:]
    var cdiDevices: [CRI.CDIDevice] = []
    private var variables: [Variable] = []

    private struct Variable: Hashable, Sendable {
        var name: String
        var value: String
    }

    init() {}

    /// Of each thing that several resources bring the first one counts.
    init(_ answers: [DeviceAPI.ContainerAllocateResponse]) {
        for answer in answers {
            for (name, value) in answer.envs.sorted(by: { $0.key < $1.key })
            where !variables.contains(where: { $0.name == name }) {
                variables.append(Variable(name: name, value: value))
            }
            for mount in answer.mounts
            where !mounts.contains(where: { $0.containerPath == mount.containerPath }) {
                mounts.append(CRI.Mount(mount.hostPath, at: mount.containerPath, readonly: mount.readOnly))
            }
            for device in answer.devices
            where !devices.contains(where: { $0.containerPath == device.containerPath }) {
                var file = CRI.Device()
                (file.containerPath, file.hostPath) = (device.containerPath, device.hostPath)
                file.permissions = device.permissions
                devices.append(file)
            }
            annotations.merge(answer.annotations) { first, _ in first }
            for device in answer.cdiDevices where !cdiDevices.contains(device) { cdiDevices.append(device) }
        }
    }
}

/// Takes device plug-ins into use, knows their devices, and has them prepared for containers.
///
/// A plug-in registers by the kubelet's own socket, or by one of its own (``PluginRegistry``); then its list
/// of devices is followed until it leaves. What containers have outlives a restart (``DeviceCheckpoint``).
final class DeviceKeeper: Sendable {
    typealias Connector = @Sendable (_ socket: String) -> any DevicePluginService

    private struct Plugin: Sendable {
        var socket: String
        var service: any DevicePluginService
        var options: DeviceAPI.DevicePluginOptions
        /// Of two plug-ins for one resource the later one counts.
        var number: Int
    }

    private struct State: Sendable {
        var ledger = DeviceLedger()
        var plugins: [String: Plugin] = [:]
        var lastNumber = 0
        var observer: (@Sendable () -> Void)?
        var podObserver: (@Sendable (_ podUIDs: [String]) -> Void)?
    }

    private let folder: String
    private let log: Logger
    private let connect: Connector
    private let operations = Operations()
    private let turns = Turns()
    private let state = Mutex(State())

    private var checkpoint: String { Path.join(folder, "kubelet_internal_checkpoint") }
    /// Where plug-ins register.
    var socket: String { Path.join(folder, "kubelet.sock") }

    init(
        folder: String, log: Logger,
        connect: @escaping Connector = { DevicePluginClient(socket: $0) }
    ) {
        self.folder = folder
        self.log = log
        self.connect = connect
    }

    /// `observer` is called when there are other devices than before. It must return at once.
    func observe(_ observer: @escaping @Sendable () -> Void) { state.withLock { $0.observer = observer } }

    /// `observer` is called with the pods whose devices are not as they were. It must return at once.
    func observePods(_ observer: @escaping @Sendable (_ podUIDs: [String]) -> Void) {
        state.withLock { $0.podObserver = observer }
    }

    private func tellPods(of resource: String) {
        let (observer, pods) = state.withLock { ($0.podObserver, $0.ledger.pods(with: resource)) }
        if !pods.isEmpty { observer?(pods) }
    }

    /// Recalls what containers have. To be called before pods are worked on.
    func recall() {
        guard Files.exists(checkpoint) else { return }
        do throws(Fault) {
            let stored = try DeviceCheckpoint(json: try Files.read(checkpoint))
            state.withLock {
                $0.ledger = DeviceLedger(
                    stored.allocations, registered: Set(stored.registered.keys), at: .now)
            }
        } catch {
            log.warning("which pods have which devices is not known: \(error)")
        }
    }

    // MARK: Registration

    /// Serves registration, and follows the plug-ins, until cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.operations.run() }
            group.addTask { await self.serve() }
        }
    }

    private func serve() async {
        var pause = Duration.milliseconds(100)
        // Plug-ins whose sockets vanish know that there is a new kubelet, and register again.
        clean()
        while !Task.isCancelled {
            do throws(Fault) {
                try Files.makeDirectory(folder, mode: 0o750)
                try await serveWhileThere()
                pause = .milliseconds(100)
            } catch {
                log.warning("device plug-ins cannot register at \(socket): \(error)")
            }
            try? await Task.sleep(for: pause)
            pause = min(pause + pause, .seconds(60))
        }
    }

    private func clean() {
        for name in (try? Files.list(folder)) ?? [] {
            let path = Path.join(folder, name)
            guard path != checkpoint, (try? Files.status(of: path, followingLinks: false))?.kind != .directory
            else {
                continue
            }
            try? Files.remove(path)
        }
    }

    /// Returns when somebody removed the socket.
    private func serveWhileThere() async throws(Fault) {
        let (socket, folder) = (socket, folder)
        let server = DeviceRegistrationServer { request async throws(GRPCStatus) in
            try await self.register(request)
        }
        let begun = Bell()
        let failure = await withTaskGroup(of: Fault?.self) { group in
            group.addTask {
                do throws(Fault) { try await server.run(at: socket) { begun.ring() } } catch { return error }
                return nil
            }
            group.addTask {
                await begun.wait()
                do throws(Fault) {
                    let watch = try FileWatch()
                    try watch.add(folder)
                    var events = watch.makeAsyncIterator()
                    while Files.exists(socket), try await events.next() != nil {}
                    return nil
                } catch { return error }
            }
            let first = await group.next()
            group.cancelAll()
            return first ?? nil
        }
        if let failure, !Task.isCancelled { throw failure }
    }

    private func register(_ request: DeviceAPI.RegisterRequest) async throws(GRPCStatus) {
        let (version, name) = (request.version, request.resourceName)
        guard version == DeviceAPI.version else {
            throw GRPCStatus(
                .unknown,
                "requested API version \(QuotedText.quoted(version)) is not supported by kubelet. "
                    + "Supported version is [\(QuotedText.quoted(DeviceAPI.version))]")
        }
        do throws(Fault) { try await register(name, socket: Path.join(folder, request.endpoint)) } catch {
            throw GRPCStatus(.unknown, error.summary)
        }
    }

    /// Takes the plug-in into use; one that served the resource before is left alone from now on.
    func register(_ resource: String, socket: String) async throws(Fault) {
        guard ComputeResource(resource).isExtended else {
            throw Fault(.invalid, "the ResourceName \(QuotedText.quoted(resource)) is invalid")
        }
        let service = connect(socket)
        let options: DeviceAPI.DevicePluginOptions
        do throws(Fault) { options = try await service.options() } catch {
            service.close()
            throw error
        }
        let (number, old) = state.withLock { state in
            state.lastNumber += 1
            let old = state.plugins[resource]
            state.plugins[resource] = Plugin(
                socket: socket, service: service, options: options, number: state.lastNumber)
            state.ledger.connect(resource)
            return (state.lastNumber, old)
        }
        old?.service.close()
        log.info("the device plug-in at \(socket) serves \(resource)")
        operations.start { await self.follow(resource, service, number) }
    }

    /// The plug-in's own socket is gone.
    func deregister(_ resource: String, socket: String) {
        guard let plugin = state.withLock({ $0.plugins[resource] }), plugin.socket == socket else { return }
        lose(resource, plugin.number)
    }

    // MARK: Devices

    private func follow(_ resource: String, _ service: any DevicePluginService, _ number: Int) async {
        do throws(Fault) {
            try await service.listAndWatch { self.take($0, resource, number) }
        } catch {
            if !Task.isCancelled { log.info("\(resource): \(error.forPeople)") }
        }
        // A kubelet that stops says nothing of the node's devices.
        if !Task.isCancelled { lose(resource, number) }
        service.close()
    }

    private func take(_ devices: [DeviceAPI.Device], _ resource: String, _ number: Int) {
        let observer = state.withLock { state -> (@Sendable () -> Void)? in
            guard state.plugins[resource]?.number == number else { return nil }
            let before = state.ledger.resources[resource]
            state.ledger.update(resource, devices)
            return before == state.ledger.resources[resource] ? nil : state.observer
        }
        guard let observer else { return }
        observer()
        tellPods(of: resource)
        operations.start { await self.save() }
    }

    private func lose(_ resource: String, _ number: Int) {
        let (service, observer) = state.withLock {
            state -> ((any DevicePluginService)?, (@Sendable () -> Void)?) in
            guard state.plugins[resource]?.number == number else { return (nil, nil) }
            state.ledger.disconnect(resource, at: .now)
            return (state.plugins.removeValue(forKey: resource)?.service, state.observer)
        }
        guard let service else { return }
        service.close()
        log.info("no device plug-in serves \(resource) any more")
        observer?()
        tellPods(of: resource)
    }

    /// What the Node object tells.
    var amounts: [String: DeviceAmounts] { state.withLock { $0.ledger.amounts(at: .now) } }

    /// How much of each resource containers have.
    var used: [String: Int64] { state.withLock { $0.ledger.used } }

    func read<Result: Sendable>(_ body: (DeviceLedger) -> Result) -> Result {
        state.withLock { body($0.ledger) }
    }

    // MARK: Pods

    /// Pods that have devices.
    var pods: [String] { state.withLock { Array($0.ledger.allocations.keys) } }

    /// The resources of plug-ins that a container asks for, and how many of each. They cannot be
    /// overcommitted, so that the limits tell.
    func wanted(by container: Container) -> [(resource: String, count: Int)] {
        let limits = container.resources.limits.keys.filter { $0.contains("/") }.sorted()
        return limits.compactMap { name in
            guard state.withLock({ $0.ledger.isManaged(name) }) else { return nil }
            return (name, Int(clamping: container.resources.amount(name, of: \.limits) ?? 0))
        }
    }

    /// Gives a container of a pod its devices. `reusable` holds by resource what containers that end before
    /// it have. One pod at a time.
    func allocate(
        _ container: Container, of pod: String, reusing reusable: [String: Set<String>], affinity: NUMAMask?
    ) async throws(Fault) {
        for (resource, count) in wanted(by: container) {
            let (chosen, plugin) = state.withLock { state in
                let choice = Result { () throws(Fault) in
                    try state.ledger.choice(
                        pod, container.name, resource, count: count, reusable: reusable[resource] ?? [],
                        affinity: affinity)
                }
                return (choice, state.plugins[resource])
            }
            guard let choice = try chosen.get() else { continue }
            guard let plugin else { throw Fault(.unavailable, "unknown Device Plugin \(resource)") }
            var preferred: [String] = []
            if plugin.options.getPreferredAllocationAvailable, let question = choice.question {
                do throws(Fault) { preferred = try await plugin.service.preferredAllocation(question) } catch
                {
                    throw Fault(
                        error.code,
                        "device plugin GetPreferredAllocation rpc failed with err: \(error.summary)")
                }
            }
            let ids = choice.devices(preferring: preferred)
            let answer = try await plugin.service.allocate(ids.sorted())
            state.withLock { $0.ledger.give(pod, container.name, resource, ids, answer) }
            await save()
        }
    }

    /// The pod needs none any more.
    func release(_ pod: String) {
        guard state.withLock({ $0.ledger.release(pod) }) else { return }
        operations.start { await self.save() }
    }

    /// Has the devices of a container made ready, and tells what it needs for them.
    func prepare(_ container: Container, of pod: String) async throws(Fault) -> ContainerDevices {
        for (resource, count) in wanted(by: container) where count > 0 {
            guard let plugin = state.withLock({ $0.plugins[resource] }), plugin.options.preStartRequired
            else { continue }
            guard let ids = state.withLock({ $0.ledger.devices(of: pod, container.name, resource)?.all })
            else {
                throw Fault(
                    .notFound,
                    "no devices found allocated in local cache for pod \(QuotedText.quoted(pod)), container "
                        + "\(QuotedText.quoted(container.name)), resource \(QuotedText.quoted(resource))")
            }
            do throws(Fault) { try await plugin.service.preStartContainer(ids.sorted()) } catch {
                throw Fault(
                    error.code, "device plugin PreStartContainer rpc failed with err: \(error.summary)")
            }
        }
        let given = state.withLock { $0.ledger.allocations[pod]?[container.name] ?? [:] }
        return ContainerDevices(given.sorted { $0.key < $1.key }.map(\.value.answer))
    }

    /// Writes down what there is now; one writer at a time, so that the last one knows all.
    private func save() async {
        do throws(Fault) {
            try await turns.run("checkpoint") { () throws(Fault) in
                let json = self.state.withLock { DeviceCheckpoint($0.ledger) }.json
                try Files.makeDirectory(self.folder, mode: 0o750)
                try Files.write(json, to: self.checkpoint, mode: 0o600)
            }
        } catch {
            log.warning("which pods have which devices does not outlive a restart: \(error)")
        }
    }
}

/// Device plug-ins that register by a socket of their own.
struct DevicePluginRegistration: PluginHandler {
    let devices: DeviceKeeper

    func register(_ plugin: RegisteredPlugin) async throws(Fault) {
        guard plugin.info.supportedVersions.contains(DeviceAPI.version) else {
            throw Fault(
                .unsupported,
                "manager version, \(DeviceAPI.version), is not among plugin supported versions "
                    + "[\(plugin.info.supportedVersions.joined(separator: " "))]")
        }
        guard ComputeResource(plugin.name).isExtended else {
            throw Fault(
                .invalid,
                "invalid name of device plugin socket: the ResourceName \(QuotedText.quoted(plugin.name)) is invalid"
            )
        }
        try await devices.register(plugin.name, socket: plugin.endpoint)
    }

    func deregister(_ plugin: RegisteredPlugin) async throws(Fault) {
        devices.deregister(plugin.name, socket: plugin.endpoint)
    }
}
