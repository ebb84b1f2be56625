import API
import APIMachinery
import Client
import Logging
import Runtime
import Support
import Synchronization

/// Keeps the Node object and the node's lease: registers, tells how the node is doing when that changes,
/// renews the lease (KEP 589).
///
/// One timer, every ten seconds; in between it wakes when the images of the node changed or somebody
/// deleted the Node object.
final class NodeKeeper: Sendable {
    static let leaseDuration = 40
    static let period: Duration = .seconds(10)
    /// No more images than this in the status, the largest ones.
    static let imageLimit = 50

    private let options: KubeletOptions
    private let client: any Client
    private let runtime: any RuntimeService
    private let service: any ImageService
    private let devices: DeviceKeeper?
    private let events: EventRecorder
    private let log: Logger
    private let object: NodeObject
    private let bell = Bell()
    private let haveImagesChanged = Mutex(true)

    private var name: ObjectName { ObjectName(name: options.nodeName) }

    init(
        _ options: KubeletOptions, _ facts: NodeFacts, client: any Client, runtime: any RuntimeService,
        images: any ImageService, devices: DeviceKeeper? = nil, events: EventRecorder, log: Logger
    ) {
        self.options = options
        self.client = client
        self.runtime = runtime
        service = images
        self.devices = devices
        self.events = events
        self.log = log
        object = NodeObject(options: options, facts: facts)
        devices?.observe { [bell] in bell.ring() }
    }

    /// How the node is doing has changed: it is told now.
    func look() { bell.ring() }

    /// The node's images are not what they were.
    func imagesChanged() {
        haveImagesChanged.withLock { $0 = true }
        bell.ring()
    }

    /// Registers and keeps the node until cancelled. `ready` is called once, when the API has been told
    /// that it is. `pressures` tells what the node is short of, at each look, `complaint` what else keeps it from
    /// running pods.
    func run(
        ready: @escaping @Sendable () -> Void,
        complaint: @escaping @Sendable () -> String? = { nil },
        pressures: @escaping @Sendable () async -> Set<NodePressure> = { [] }
    ) async {
        let observation = await observe()
        defer { observation?.cancel() }
        var state = Tick()
        while !Task.isCancelled {
            var health = await NodeHealth.check(runtime, await pressures())
            if let complaint = complaint() { health.complaints.append(complaint) }
            if let devices { health.devices = devices.amounts }
            let pause = await tick(&state, health, ready)
            await bell.wait(atMost: pause, tolerance: .milliseconds(100))
        }
    }

    private struct Tick {
        var images: [ContainerImage] = []
        var isReady = false
        /// How often in a row it went wrong, or the node was not ready yet.
        var attempts = 0
        var leaseDue: ContinuousClock.Instant = .now
    }

    private func observe() async -> (any Observation)? {
        let scope = ObservationScope(fieldSelector: "metadata.name=\(options.nodeName)")
        do throws(Status) {
            let nodes = try await client.observe(Node.self, scope)
            let bell = bell
            return nodes.observe { if $0.new == nil { bell.ring() } }
        } catch {
            log.warning("a deleted Node object is noticed at the next report only: \(error.message)")
            return nil
        }
    }

    /// One round. Returns how long to rest.
    private func tick(_ state: inout Tick, _ health: NodeHealth, _ ready: @Sendable () -> Void) async -> Duration {
        await lookAtImages(&state)
        do throws(Status) {
            try await report(health, state.images)
            if state.leaseDue <= .now {
                try await renewLease()
                state.leaseDue = .now + Self.period
            }
            let isReady = health.complaints.isEmpty
            if isReady, !state.isReady {
                state.isReady = true
                ready()
            }
            state.attempts = isReady ? 0 : state.attempts + 1
        } catch {
            if !Task.isCancelled { log.warning("cannot report the node's status: \(error.message)") }
            state.attempts += 1
        }
        // What is not ready yet, at the start above all, is looked at often at first.
        guard state.attempts > 0 else { return Self.period }
        return min(.milliseconds(20 << min(state.attempts, 9)), Self.period)
    }

    /// Lists the images if they are not what they were. What cannot be listed now is, the next time.
    private func lookAtImages(_ state: inout Tick) async {
        guard haveImagesChanged.withLock({ $0 }) else { return }
        haveImagesChanged.withLock { $0 = false }
        do throws(Fault) { state.images = try await listImages() } catch {
            haveImagesChanged.withLock { $0 = true }
            if !Task.isCancelled { log.warning("cannot list the node's images: \(error.forPeople)") }
        }
    }

    // MARK: Writing

    private func report(_ health: NodeHealth, _ images: [ContainerImage]) async throws(Status) {
        let now = Timestamp.now
        let present: Node
        if let found = try await client.find(Node.self, name) {
            present = found
        } else {
            present = try await client.create(object.fresh(health, images: images, now: now))
            log.info("registered the node \(options.nodeName)")
        }
        let wanted = object.updated(present, health, images: images, now: now)
        var withoutStatus = wanted
        withoutStatus.status = present.status
        if withoutStatus != present {
            try await client.update(withoutStatus)
        }
        guard wanted.status != present.status else { return }
        var patch = Value.emptyObject
        for (key, value) in wanted.status.value.fields ?? Fields() where present.status.value[key] != value {
            patch[key] = value
        }
        if patch["addresses"] != nil, let list = patch["addresses"]?.array {
            patch["addresses"] = .array([["$patch": "replace"]] + list)
        }
        try await client.patch(Node.self, name, subresource: "status", .strategicMerge(["status": patch]))
        tellChanges(from: present.status.conditions, to: wanted.status.conditions)
    }

    private func tellChanges(from old: [NodeCondition], to new: [NodeCondition]) {
        for condition in new where condition.type == "Ready" {
            guard old.first(where: { $0.type == "Ready" })?.status != condition.status else { continue }
            let reason = condition.status == "True" ? "NodeReady" : "NodeNotReady"
            events.record(
                Node(name: options.nodeName), reason: reason,
                message: "Node \(options.nodeName) status is now: \(reason)")
        }
    }

    private func renewLease() async throws(Status) {
        let name = ObjectName(namespace: "kube-node-lease", name: options.nodeName)
        if var lease = try await client.find(Lease.self, name) {
            lease.spec.holderIdentity = options.nodeName
            lease.spec.leaseDurationSeconds = Self.leaseDuration
            lease.spec.renewTime = .now
            try await client.update(lease)
            return
        }
        var lease = Lease(namespace: name.namespace, name: name.name)
        lease.spec.holderIdentity = options.nodeName
        lease.spec.leaseDurationSeconds = Self.leaseDuration
        lease.spec.renewTime = .now
        if let node = try await client.find(Node.self, self.name) {
            var owner = OwnerReference()
            (owner.apiVersion, owner.kind) = ("v1", "Node")
            (owner.name, owner.uid) = (options.nodeName, node.metadata.uid)
            lease.metadata.ownerReferences = [owner]
        }
        try await client.create(lease)
    }

    private func listImages() async throws(Fault) -> [ContainerImage] {
        try await service.listImages().sorted { $0.size > $1.size }.prefix(Self.imageLimit).map { image in
            var shown = ContainerImage()
            shown.names = image.repoDigests + image.repoTags
            shown.sizeBytes = Int(image.size)
            return shown
        }
    }
}
