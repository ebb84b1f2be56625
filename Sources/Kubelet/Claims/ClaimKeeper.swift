import API
import APIMachinery
import Client
import Host
import Logging
import Runtime
import Support
import Synchronization

/// Has the devices of claims made ready before the containers of a pod are made, and taken back when they are
/// gone (KEP 4381).
///
/// Nobody waits here for a driver: what is under way says so (``Fault/isUnderWay``), and the pod is woken
/// when it has ended. What pods use is written down before a driver is asked, so that it is taken back
/// whatever happens between.
final class ClaimKeeper: Sendable {
    private struct State: Sendable {
        var ledger = ClaimLedger()
        var health = ClaimHealth()
    }

    private enum Work {
        static let preparing = "preparing claims"
        static let unpreparing = "unpreparing claims"
    }

    /// Those that are registered.
    let drivers: DeviceDrivers
    private let client: any Client
    private let file: String
    private let operations: VolumeOperations
    private let turns = Turns()
    private let state: SharedState
    private let checks = WorkQueue<String>()
    private let wake: @Sendable (_ podUID: String) -> Void

    /// Where drivers tell of the health of devices as well.
    private final class SharedState: Sendable {
        let value = Mutex(State())
        func withLock<Output: Sendable>(_ body: (inout State) -> Output) -> Output {
            value.withLock { body(&$0) }
        }
    }

    /// `wake` is called with the uid of a pod for which something has ended, `came` with that of one whose driver has
    /// come. Both must return at once.
    init(
        client: any Client, nodeName: String, file: String, log: Logger,
        patience: Duration = DeviceDrivers.patience,
        connect: @escaping DeviceDrivers.Connector = { DeviceDriverClient(socket: $0, service: $1) },
        wake: @escaping @Sendable (_ podUID: String) -> Void,
        came: @escaping @Sendable (_ podUID: String) -> Void
    ) {
        self.client = client
        self.file = file
        self.wake = wake
        let (state, checks) = (SharedState(), checks)
        self.state = state
        operations = VolumeOperations(ended: wake)
        drivers = DeviceDrivers(
            client: client, nodeName: nodeName, log: log, patience: patience, connect: connect, wake: came
        ) { driver, devices in
            let pods = state.withLock { state -> [String] in
                let hasChanged =
                    devices.map { state.health.take(driver, $0, at: .now) } ?? state.health.forget(driver)
                return hasChanged ? state.ledger.pods(with: driver) : []
            }
            for uid in pods { wake(uid) }
            checks.add(driver)
        }
    }

    /// Recalls what was made ready. To be called before pods are worked on.
    ///
    /// Fails with `corrupt` for a file that is not what was written: nobody guesses who has which device.
    func recall() throws(Fault) {
        guard Files.exists(file) else { return }
        let ledger: ClaimLedger
        do throws(Fault) { ledger = try ClaimCheckpoint.ledger(json: try Files.read(file)) } catch {
            throw Fault(
                error.code, "\(file): \(error.summary)",
                remedy: "drain the node and remove the file", cause: error.cause)
        }
        state.withLock { $0.ledger = ledger }
    }

    /// Keeps the drivers until cancelled. Run it once.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.drivers.run() }
            group.addTask { await self.operations.run() }
            group.addTask { await self.watchHealth() }
        }
    }

    /// What a driver does not repeat in time counts no more, and the pods' statuses say so.
    private func watchHealth() async {
        await checks.run(workers: 1) { (_: String, _: Never) in
        } _: { driver -> Duration? in
            let now = ContinuousClock.now
            let (next, pods) = self.state.withLock { state -> (ContinuousClock.Instant?, [String]) in
                let hasLapsed = state.health.lapse(driver, at: now)
                return (state.health.nextEnd(driver), hasLapsed ? state.ledger.pods(with: driver) : [])
            }
            for uid in pods { self.wake(uid) }
            // Just after it.
            return next.map { max(now.duration(to: $0), .zero) + .milliseconds(10) }
        }
    }

    func read<Result: Sendable>(_ body: (ClaimLedger) -> Result) -> Result {
        state.withLock { body($0.ledger) }
    }

    /// How the devices of a container are, for its status.
    func statuses(of container: Container, in pod: Pod) -> [ResourceStatus] {
        guard !container.resources.claims.isEmpty else { return [] }
        return state.withLock { $0.health.statuses(of: container, in: pod, $0.ledger) }
    }

    /// Whether the pod has something of a driver, or is about to have.
    func hasClaims(_ podUID: String) -> Bool {
        operations.isBusy(podUID: podUID) || read { !$0.claims(of: podUID).isEmpty }
    }

    /// The pod is gone.
    func forget(podUID: String) {
        _ = operations.cancel(podUID: podUID)
        drivers.forget(podUID: podUID)
    }

    // MARK: Before containers are made

    /// Has all claims of the pod made ready. The fault is in the words of the event that tells of it.
    func prepare(_ pod: Pod) throws(Fault) {
        guard pod.needsDeviceClaims else { return }
        let key = VolumeOperations.Key(podUID: pod.metadata.uid, what: Work.preparing)
        try operations.perform(key) { () throws(Fault) in
            do throws(Fault) { try await self.makeReady(pod) } catch {
                throw error.prefixed("prepare dynamic resources: ")
            }
        }
    }

    /// What the runtime is told for a container, by the names of the Container Device Interface.
    func devices(of container: Container, in pod: Pod) throws(Fault) -> [CRI.CDIDevice] {
        let uses = try pod.deviceClaims(of: container)
        guard !uses.isEmpty else { return [] }
        let result = state.withLock { state in
            Result { () throws(Fault) in try state.ledger.cdiDevices(uses, in: pod.objectName.namespace) }
        }
        return try result.get().map { id in
            var device = CRI.CDIDevice()
            device.name = id
            return device
        }
    }

    private struct Wanted: Sendable {
        var claim: DeviceClaim
        var services: [String: any DeviceDriverService]
    }

    /// Looks first, without a change, so that a pod that cannot have its devices can be deleted without any
    /// driver.
    private func makeReady(_ pod: Pod) async throws(Fault) {
        var wanted: [Wanted] = []
        for reference in try pod.deviceClaims() {
            let claim = try await read(reference.name, pod.objectName.namespace)
            try claim.check(for: pod, mustBeOwn: reference.mustBeOwn)
            var services: [String: any DeviceDriverService] = [:]
            for driver in (claim.drivers ?? []).sorted() {
                services[driver] = try drivers.service(of: driver, for: pod.metadata.uid)
            }
            wanted.append(Wanted(claim: claim, services: services))
        }
        let all = wanted
        try await inTurn(all.map(\.claim.name)) { () throws(Fault) in
            try await self.makeReady(all, pod.metadata.uid)
        }
    }

    private func read(_ name: String, _ namespace: String) async throws(Fault) -> DeviceClaim {
        let target = Target(.resourceClaims, namespace: namespace, name: name)
        do throws(Status) { return DeviceClaim(try await client.get(target).value) } catch {
            throw Fault(error, "fetch ResourceClaim \(name)")
        }
    }

    private func makeReady(_ wanted: [Wanted], _ podUID: String) async throws(Fault) {
        let result = state.withLock { state in
            Result { () throws(Fault) in
                var ledger = state.ledger
                for entry in wanted {
                    let claim = entry.claim
                    try ledger.use(claim.name, uid: claim.uid, drivers: claim.drivers ?? [], by: podUID)
                }
                state.ledger = ledger
            }
        }
        try result.get()
        try await save()
        let missing = wanted.filter { entry in read { $0[entry.claim.name]?.isPrepared != true } }
        var batches: [String: [Wanted]] = [:]
        for entry in missing {
            for driver in entry.services.keys { batches[driver, default: []].append(entry) }
        }
        for (driver, batch) in batches.sorted(by: { $0.key < $1.key }) {
            guard let service = batch.first?.services[driver] else { continue }
            try await prepare(batch.map(\.claim.name), driver, service)
        }
        state.withLock { state in for entry in missing { state.ledger.setPrepared(entry.claim.name) } }
        try await save()
    }

    private func prepare(
        _ names: [ObjectName], _ driver: String, _ service: any DeviceDriverService
    ) async throws(Fault) {
        let claims = messages(names)
        let answers: [String: ClaimAPI.PreparedClaim]
        do throws(Fault) { answers = try await service.prepare(claims) } catch {
            throw error.prefixed("NodePrepareResources: ")
        }
        try Self.check(answers.mapValues(\.error), claims, "NodePrepareResources")
        state.withLock { state in
            for claim in claims {
                let devices = (answers[claim.uid]?.devices ?? []).map(ClaimLedger.Device.init)
                state.ledger.give(ObjectName(namespace: claim.namespace, name: claim.name), driver, devices)
            }
        }
    }

    // MARK: When containers are gone

    /// Has all claims taken back that no other pod uses.
    func unprepare(_ podUID: String) throws(Fault) {
        // What is being made ready is broken off first.
        guard operations.cancel(podUID: podUID, except: { $0.what == Work.unpreparing }) else {
            throw .underWay("claims are being prepared")
        }
        try operations.perform(VolumeOperations.Key(podUID: podUID, what: Work.unpreparing)) {
            () throws(Fault) in
            do throws(Fault) { try await self.takeBack(podUID) } catch {
                throw error.prefixed("unprepare dynamic resources: ")
            }
        }
    }

    private func takeBack(_ podUID: String) async throws(Fault) {
        let names = read { $0.claims(of: podUID) }
        try await inTurn(names) { () throws(Fault) in
            let mine = self.state.withLock { state -> [ObjectName] in
                var mine: [ObjectName] = []
                for name in names {
                    if let entry = state.ledger[name], entry.pods != [podUID] {
                        state.ledger.leave(name, podUID)
                    } else {
                        mine.append(name)
                    }
                }
                return mine
            }
            var batches: [String: [ObjectName]] = [:]
            for name in mine {
                for driver in self.read({ $0[name]?.drivers.keys.sorted() ?? [] }) {
                    batches[driver, default: []].append(name)
                }
            }
            for (driver, batch) in batches.sorted(by: { $0.key < $1.key }) {
                let service = try self.drivers.service(of: driver, for: podUID)
                try await self.unprepare(batch, service)
            }
            self.state.withLock { state in for name in mine { state.ledger.forget(name) } }
            try await self.save()
        }
    }

    private func unprepare(_ names: [ObjectName], _ service: any DeviceDriverService) async throws(Fault) {
        let claims = messages(names)
        let answers: [String: ClaimAPI.UnpreparedClaim]
        do throws(Fault) { answers = try await service.unprepare(claims) } catch {
            throw error.prefixed("NodeUnprepareResources: ")
        }
        try Self.check(answers.mapValues(\.error), claims, "NodeUnprepareResources")
    }

    // MARK: Both

    private func messages(_ names: [ObjectName]) -> [ClaimAPI.Claim] {
        let entries = read(\.entries)
        return names.map { name in
            var claim = ClaimAPI.Claim()
            (claim.namespace, claim.name, claim.uid) = (name.namespace, name.name, entries[name]?.uid ?? "")
            return claim
        }
    }

    /// Every claim that was asked for must have an answer, and no other.
    private static func check(
        _ errors: [String: String], _ claims: [ClaimAPI.Claim], _ method: String
    ) throws(Fault) {
        for (uid, error) in errors.sorted(by: { $0.key < $1.key }) {
            guard let claim = claims.first(where: { $0.uid == uid }) else {
                throw Fault(.failed, "\(method) returned result for unknown claim UID \(uid)")
            }
            guard error.isEmpty else {
                throw Fault(.failed, "\(method) failed for ResourceClaim \(claim.name): \(error)")
            }
        }
        let missing = claims.count - errors.count
        guard missing == 0 else { throw Fault(.failed, "\(method) skipped \(missing) ResourceClaims") }
    }

    /// One at a time works on a claim. All take theirs in one order, so that nobody waits in a circle.
    private func inTurn(
        _ claims: [ObjectName], _ body: @escaping @Sendable () async throws(Fault) -> Void
    ) async throws(Fault) {
        guard let first = claims.sorted().first else { return try await body() }
        let rest = Set(claims).subtracting([first])
        try await turns.run(first.description) { () throws(Fault) in try await self.inTurn(Array(rest), body)
        }
    }

    /// One writer at a time, so that the last one knows all.
    private func save() async throws(Fault) {
        do throws(Fault) {
            // No claim has such a name.
            try await turns.run("/") { () throws(Fault) in
                try Files.write(ClaimCheckpoint.json(self.read(\.self)), to: self.file, mode: 0o600)
            }
        } catch {
            throw error.prefixed("checkpoint ResourceClaim state: ")
        }
    }
}

extension ClaimLedger.Device {
    fileprivate init(_ device: ClaimAPI.Device) {
        self.init(
            pool: device.poolName, name: device.deviceName,
            share: device.shareID.isEmpty ? nil : device.shareID,
            requests: device.requestNames, cdi: device.cdiDeviceIDs)
    }
}
