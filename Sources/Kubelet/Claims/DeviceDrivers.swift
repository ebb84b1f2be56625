import API
import APIMachinery
import Client
import Logging
import Runtime
import Support
import Synchronization

/// The drivers for the devices of claims that are on this node, each as long as it is registered.
///
/// There may be several programs for one driver while it is replaced: the latest one that is connected is
/// asked. When none of a driver has been connected for a while, the node's ResourceSlices of it are deleted,
/// so that no pods come for devices that nobody can prepare (KEP 4381).
final class DeviceDrivers: Sendable {
    typealias Connector = @Sendable (_ endpoint: String, _ service: String) -> any DeviceDriverService

    /// How long a driver may be away before its slices are deleted; Kubernetes' own number.
    static let patience = Duration.seconds(30)
    /// How long a driver that lost its connection is left alone at first, and at most.
    private static let pauses = (first: Duration.seconds(1), most: Duration.seconds(120))

    private struct Program: Sendable {
        var number: Int
        var socket: String
        var endpoint: String
        var service: any DeviceDriverService
        var isConnected = false
    }

    private struct State {
        var programs: [String: [Program]] = [:]
        /// Drivers of which no program is connected.
        var goneSince: [String: ContinuousClock.Instant] = [:]
        var lastNumber = 0
        /// Pods that want a driver which is not there.
        var waiting: [String: Set<String>] = [:]
    }

    /// What is to be deleted: the slices of a driver; those of all that are not here when the node starts.
    private enum Chore: Hashable, Sendable {
        case wipe(driver: String)
        case wipeAtStart
    }

    private let client: any Client
    private let nodeName: String
    private let log: Logger
    private let patience: Duration
    private let connect: Connector
    private let wake: @Sendable (_ podUID: String) -> Void
    private let health: @Sendable (_ driver: String, [ClaimAPI.DeviceHealth]?) -> Void
    private let operations = Operations()
    private let chores = WorkQueue<Chore>(backOff: .init(first: .seconds(1), most: .seconds(300)))
    private let state = Mutex(State())

    /// `wake` is called with the uid of a pod whose driver has come; `health` with what a driver says of its
    /// devices, `nil` when it says no more. Both must return at once.
    init(
        client: any Client, nodeName: String, log: Logger, patience: Duration = DeviceDrivers.patience,
        connect: @escaping Connector = { DeviceDriverClient(socket: $0, service: $1) },
        wake: @escaping @Sendable (_ podUID: String) -> Void,
        health: @escaping @Sendable (_ driver: String, [ClaimAPI.DeviceHealth]?) -> Void
    ) {
        self.client = client
        self.nodeName = nodeName
        self.log = log
        self.patience = patience
        self.connect = connect
        self.wake = wake
        self.health = health
    }

    /// Follows the drivers until cancelled. Run it once.
    func run() async {
        chores.add(.wipeAtStart)
        await withDiscardingTaskGroup { group in
            group.addTask { await self.operations.run() }
            group.addTask {
                await self.chores.run(workers: 1) { [log = self.log] (_: Chore, fault: Fault) in
                    if !Task.isCancelled { log.info("ResourceSlices stay for now: \(fault.summary)") }
                } _: { chore throws(Fault) in
                    try await self.perform(chore)
                }
            }
        }
    }

    /// Who is asked for a driver. If nobody, the pod is woken when there is somebody.
    func service(of driver: String, for podUID: String) throws(Fault) -> any DeviceDriverService {
        let service = state.withLock { state -> (any DeviceDriverService)? in
            let programs = state.programs[driver] ?? []
            if let program = programs.last(where: \.isConnected) ?? programs.last { return program.service }
            state.waiting[driver, default: []].insert(podUID)
            return nil
        }
        guard let service else { throw Fault(.unavailable, "DRA driver \(driver) is not registered") }
        return service
    }

    /// The pod waits for no driver any more.
    func forget(podUID: String) {
        state.withLock { state in
            for driver in state.waiting.keys { state.waiting[driver]?.remove(podUID) }
            state.waiting = state.waiting.filter { !$0.value.isEmpty }
        }
    }

    // MARK: Registration

    func add(_ driver: String, socket: String, endpoint: String, service: String) throws(Fault) {
        let client = connect(endpoint, service)
        let (number, replaced, pods) = state.withLock { state -> (Int?, [Program], Set<String>) in
            let programs = state.programs[driver] ?? []
            guard !programs.contains(where: { $0.endpoint == endpoint && $0.socket != socket }) else {
                return (nil, [], [])
            }
            state.lastNumber += 1
            let program = Program(
                number: state.lastNumber, socket: socket, endpoint: endpoint, service: client)
            state.programs[driver] = programs.filter { $0.socket != socket } + [program]
            if state.goneSince[driver] == nil, !programs.contains(where: \.isConnected) {
                state.goneSince[driver] = .now
            }
            return (
                state.lastNumber, programs.filter { $0.socket == socket },
                state.waiting.removeValue(forKey: driver) ?? []
            )
        }
        guard let number else {
            client.close()
            throw Fault(.conflict, "endpoint \(endpoint) already registered for DRA driver plugin \(driver)")
        }
        for program in replaced { program.service.close() }
        chores.add(.wipe(driver: driver), after: patience)
        operations.start { await self.follow(driver, number, client) }
        operations.start { await self.listen(driver, number, client) }
        for uid in pods { wake(uid) }
    }

    /// The program's socket is gone.
    func remove(_ driver: String, socket: String) {
        let gone = state.withLock { state -> [Program] in
            let gone = (state.programs[driver] ?? []).filter { $0.socket == socket }
            state.programs[driver]?.removeAll { $0.socket == socket }
            if state.programs[driver]?.isEmpty == true { state.programs[driver] = nil }
            return gone
        }
        guard !gone.isEmpty else { return }
        for program in gone { program.service.close() }
        noteAbsence(driver)
    }

    // MARK: Following

    private func isRegistered(_ driver: String, _ number: Int) -> Bool {
        state.withLock { $0.programs[driver]?.contains { $0.number == number } ?? false }
    }

    /// Keeps a connection to a program, which tells that it lives, until it is not registered any more.
    private func follow(_ driver: String, _ number: Int, _ service: any DeviceDriverService) async {
        var pause = Self.pauses.first
        while !Task.isCancelled, isRegistered(driver, number) {
            let start = ContinuousClock.now
            do throws(Fault) {
                try await service.stay { self.setConnected(driver, number, true) }
            } catch {
                if !Task.isCancelled { log.info("the driver \(driver) cannot be reached: \(error.summary)") }
            }
            if Task.isCancelled { break }
            setConnected(driver, number, false)
            if ContinuousClock.now - start > Self.pauses.most { pause = Self.pauses.first }
            guard isRegistered(driver, number) else { break }
            try? await Task.sleep(for: pause)
            pause = min(pause + pause, Self.pauses.most)
        }
        service.close()
    }

    private func setConnected(_ driver: String, _ number: Int, _ isConnected: Bool) {
        state.withLock { state in
            guard let index = state.programs[driver]?.firstIndex(where: { $0.number == number }) else {
                return
            }
            state.programs[driver]?[index].isConnected = isConnected
            if isConnected { state.goneSince[driver] = nil }
        }
        if !isConnected { noteAbsence(driver) }
    }

    private func noteAbsence(_ driver: String) {
        let isNew = state.withLock { state in
            guard state.goneSince[driver] == nil,
                !(state.programs[driver]?.contains(where: \.isConnected) ?? false)
            else { return false }
            state.goneSince[driver] = .now
            return true
        }
        if isNew { chores.add(.wipe(driver: driver), after: patience) }
    }

    /// Hears how the devices are, from a driver that tells. One that does not is not asked again.
    private func listen(_ driver: String, _ number: Int, _ service: any DeviceDriverService) async {
        while !Task.isCancelled, isRegistered(driver, number) {
            do throws(Fault) {
                try await service.watchHealth { devices in self.health(driver, devices) }
            } catch  where error.code == .unsupported {
                return
            } catch {
                log.debug("the driver \(driver) does not tell how its devices are: \(error.summary)")
            }
            if Task.isCancelled { return }
            health(driver, nil)
            try? await Task.sleep(for: .seconds(5))
        }
    }

    // MARK: Slices

    /// Returns after how long it is to be looked at again.
    private func perform(_ chore: Chore) async throws(Fault) -> Duration? {
        switch chore {
        case .wipeAtStart:
            try await wipe("spec.nodeName=\(nodeName)")
        case .wipe(let driver):
            guard let since = state.withLock({ $0.goneSince[driver] }) else { return nil }
            let left = patience - since.duration(to: .now)
            guard left <= .zero else { return left }
            log.info("deleting the ResourceSlices of the driver \(driver), which has left")
            try await wipe("spec.nodeName=\(nodeName),spec.driver=\(driver)")
            // One that is registered and cannot be reached may come back by itself.
            state.withLock { if $0.programs[driver] == nil { $0.goneSince[driver] = nil } }
        }
        return nil
    }

    private func wipe(_ selector: String) async throws(Fault) {
        do throws(Status) {
            let slices = try await client.list(Target(.resourceSlices), ListOptions(fieldSelector: selector))
                .items
            for slice in slices where !isHere(slice.value.at("spec", "driver")?.string ?? "") {
                do throws(Status) {
                    try await client.delete(
                        Target(.resourceSlices, slice.objectName), DeletionOptions(preconditionUID: slice.uid)
                    )
                } catch {
                    guard error.isNotFound || error.code == 409 else { throw error }
                }
            }
        } catch {
            throw Fault(error, "cannot delete ResourceSlices")
        }
    }

    /// Whether a program of the driver is connected by now.
    private func isHere(_ driver: String) -> Bool {
        state.withLock { $0.programs[driver]?.contains(where: \.isConnected) ?? false }
    }
}

/// Takes drivers for the devices of claims into use (plug-ins of the type `DRAPlugin`).
struct DeviceDriverRegistration: PluginHandler {
    let drivers: DeviceDrivers

    func register(_ plugin: RegisteredPlugin) async throws(Fault) {
        let service: String
        do throws(Fault) { service = try Self.service(among: plugin.info.supportedVersions) } catch {
            throw error.prefixed(
                "invalid supported gRPC versions of DRA driver plugin \(plugin.name) at endpoint \(plugin.endpoint): "
            )
        }
        try drivers.add(plugin.name, socket: plugin.socket, endpoint: plugin.endpoint, service: service)
    }

    func deregister(_ plugin: RegisteredPlugin) async throws(Fault) {
        drivers.remove(plugin.name, socket: plugin.socket)
    }

    /// The first of the services that the driver names which is known here.
    static func service(among offered: [String]) throws(Fault) -> String {
        guard !offered.isEmpty else {
            throw Fault(.invalid, "empty list of supported gRPC services (aka supported versions)")
        }
        let known = DeviceDriverClient.services
        guard let service = offered.first(where: known.contains) else {
            func list(_ names: [String]) -> String {
                "[" + names.map { QuotedText.quoted($0) }.joined(separator: " ") + "]"
            }
            throw Fault(
                .unsupported,
                "none of services supported by the plugin (\(list(offered))) are supported by the kubelet "
                    + "(\(list(known)))")
        }
        return service
    }
}
