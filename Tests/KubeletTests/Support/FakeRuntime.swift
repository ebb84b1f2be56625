import Host
import Runtime
import Support
import Synchronization

@testable import Kubelet

/// A runtime that only remembers: containers run until a test ends them.
final class FakeRuntime: RuntimeService, ImageService {
    struct State {
        var sandboxes: [String: CRI.PodSandboxStatus] = [:]
        var containers: [String: CRI.ContainerStatus] = [:]
        var homes: [String: String] = [:]
        var configs: [String: CRI.ContainerConfig] = [:]
        var sandboxConfigs: [String: CRI.PodSandboxConfig] = [:]
        var images: Set<String> = []
        var handlers: [CRI.RuntimeHandler] = []
        var refusedPulls: Set<String> = []
        var mountsImages = true
        /// Without it the registry gives nothing; `nil` for a registry that gives to all.
        var wantedPassword: String?
        /// What each pull showed.
        var passwords: [String] = []
        var calls: [String] = []
        var nextID = 0
        var clock: Int64 = 1_700_000_000_000_000_000
        var events: [Int: AsyncStream<ContainerEvent>.Continuation] = [:]
        /// Containers that do not end by being asked.
        var stubborn: Set<String> = []
        /// Containers that can be made and not started.
        var broken: Set<String> = []
        var onStart: (@Sendable () -> Void)?
        /// Each pull takes as long as this.
        var whilePulling: (@Sendable () async -> Void)?
        /// Each container takes as long as this to stop.
        var whileStopping: (@Sendable () async -> Void)?
    }

    private let state = Mutex(State())

    init(images: Set<String> = []) { state.withLock { $0.images = images } }

    func read<Result: Sendable>(_ body: (State) -> Result) -> Result { state.withLock { body($0) } }
    func change(_ body: (inout State) -> Void) { state.withLock { body(&$0) } }

    /// Calls back after each start of a container.
    func onStart(_ body: @escaping @Sendable () -> Void) { change { $0.onStart = body } }

    /// `VERB NAME`, in order.
    var calls: [String] { read(\.calls) }

    func container(named name: String) -> CRI.ContainerStatus? {
        read { state in
            state.containers.values.filter { $0.metadata.name == name }
                .max { $0.metadata.attempt < $1.metadata.attempt }
        }
    }

    /// The container of this name ends by itself.
    func exit(_ name: String, code: Int32) {
        guard let id = container(named: name)?.id else { return }
        end(id, code: code)
    }

    private func end(_ id: String, code: Int32) {
        let listeners = state.withLock { state in
            guard state.containers[id]?.state == .running else {
                return [AsyncStream<ContainerEvent>.Continuation]()
            }
            state.containers[id]?.state = .exited
            state.containers[id]?.exitCode = code
            state.containers[id]?.finishedAt = Self.now
            state.containers[id]?.reason = code == 0 ? "Completed" : "Error"
            return Array(state.events.values)
        }
        for listener in listeners { listener.yield(ContainerEvent(.exited, id)) }
    }

    private static var now: Int64 {
        let now = Timestamp.now
        return now.seconds * 1_000_000_000 + Int64(now.nanoseconds)
    }

    // MARK: RuntimeService

    func version() async throws(Fault) -> CRI.Version {
        var version = CRI.Version()
        (version.runtimeName, version.runtimeVersion) = ("containerd", "v2.0.0")
        return version
    }

    func status() async throws(Fault) -> CRI.StatusResponse {
        var response = CRI.StatusResponse()
        response.status.conditions = [CRI.RuntimeCondition.runtimeReady, CRI.RuntimeCondition.networkReady]
            .map {
                var condition = CRI.RuntimeCondition()
                (condition.type, condition.status) = ($0, true)
                return condition
            }
        response.runtimeHandlers = read(\.handlers)
        return response
    }

    func runPodSandbox(_ config: CRI.PodSandboxConfig, handler: String) async throws(Fault) -> String {
        state.withLock { state in
            state.nextID += 1
            var status = CRI.PodSandboxStatus()
            status.id = "s\(state.nextID)"
            (status.metadata, status.labels) = (config.metadata, config.labels)
            status.network.ip = "10.42.0.\(state.nextID)"
            state.sandboxes[status.id] = status
            state.sandboxConfigs[status.id] = config
            state.calls.append("run \(config.metadata.name)")
            return status.id
        }
    }

    func stopPodSandbox(_ id: String) async throws(Fault) {
        let running = state.withLock { state in
            state.calls.append("stop \(state.sandboxes[id]?.metadata.name ?? id)")
            state.sandboxes[id]?.state = .notReady
            return state.homes.filter { $0.value == id }.map(\.key)
        }
        for container in running { end(container, code: 137) }
    }

    func removePodSandbox(_ id: String) async throws(Fault) {
        state.withLock { state in
            state.calls.append("remove \(state.sandboxes[id]?.metadata.name ?? id)")
            state.sandboxes[id] = nil
            for (container, home) in state.homes where home == id { state.containers[container] = nil }
        }
    }

    func podSandboxStatus(_ id: String) async throws(Fault) -> CRI.PodSandboxStatus {
        guard let status = read({ $0.sandboxes[id] }) else { throw Fault(.notFound, "no sandbox \(id)") }
        return status
    }

    func listPodSandboxes(_ filter: CRI.PodSandboxFilter) async throws(Fault) -> [CRI.PodSandbox] {
        read { state in
            state.sandboxes.values.filter { filter.labelSelector.isSatisfied(by: $0.labels) }.map { status in
                var sandbox = CRI.PodSandbox()
                (sandbox.id, sandbox.metadata, sandbox.state) = (status.id, status.metadata, status.state)
                sandbox.labels = status.labels
                return sandbox
            }
        }
    }

    func createContainer(
        in sandbox: String, _ config: CRI.ContainerConfig, sandboxConfig: CRI.PodSandboxConfig
    ) async throws(Fault) -> String {
        state.withLock { state in
            state.nextID += 1
            var status = CRI.ContainerStatus()
            status.id = "c\(state.nextID)"
            (status.metadata, status.labels) = (config.metadata, config.labels)
            status.annotations = config.annotations
            status.image = config.image
            status.imageRef = "sha256:" + config.image.image
            status.createdAt = Self.now
            state.containers[status.id] = status
            state.homes[status.id] = sandbox
            state.configs[status.id] = config
            state.calls.append("create \(config.metadata.name)")
            return status.id
        }
    }

    func startContainer(_ id: String) async throws(Fault) {
        let isBroken = state.withLock { state in
            guard let name = state.containers[id]?.metadata.name, state.broken.contains(name) else { return false }
            state.containers[id]?.state = .exited
            state.containers[id]?.exitCode = 128
            state.containers[id]?.reason = "StartError"
            state.containers[id]?.startedAt = Self.now
            state.containers[id]?.finishedAt = Self.now
            return true
        }
        guard !isBroken else { throw Fault(.failed, "no such program") }
        let onStart = state.withLock { state in
            state.containers[id]?.state = .running
            state.containers[id]?.startedAt = Self.now
            state.calls.append("start \(state.containers[id]?.metadata.name ?? id)")
            return state.onStart
        }
        onStart?()
    }

    func stopContainer(_ id: String, timeout: Duration) async throws(Fault) {
        let isStubborn = state.withLock { state in
            let name = state.containers[id]?.metadata.name ?? id
            // It counts whole seconds, and begun ones in full.
            let (seconds, rest) = timeout.components
            state.calls.append("stop \(name) \(rest > 0 ? seconds + 1 : seconds)")
            return state.stubborn.contains(name)
        }
        await read(\.whileStopping)?()
        end(id, code: isStubborn ? 137 : 143)
    }

    func removeContainer(_ id: String) async throws(Fault) {
        state.withLock { state in
            state.calls.append("remove \(state.containers[id]?.metadata.name ?? id)")
            state.containers[id] = nil
            state.homes[id] = nil
        }
    }

    func containerStatus(_ id: String) async throws(Fault) -> CRI.ContainerStatus {
        guard let status = read({ $0.containers[id] }) else { throw Fault(.notFound, "no container \(id)") }
        return status
    }

    func listContainers(_ filter: CRI.ContainerFilter) async throws(Fault) -> [CRI.Container] {
        read { state in
            state.containers.values.filter { filter.labelSelector.isSatisfied(by: $0.labels) }.map { status in
                var container = CRI.Container()
                (container.id, container.metadata, container.state) = (
                    status.id, status.metadata, status.state
                )
                container.podSandboxID = state.homes[status.id] ?? ""
                container.labels = status.labels
                return container
            }
        }
    }

    func containerEvents(
        ready: @Sendable () async -> Void, _ body: @Sendable (ContainerEvent) async -> Void
    ) async throws(Fault) {
        let (stream, input) = AsyncStream<ContainerEvent>.makeStream()
        let key = state.withLock { state in
            state.nextID += 1
            state.events[state.nextID] = input
            return state.nextID
        }
        defer { change { $0.events[key] = nil } }
        await ready()
        for await event in stream { await body(event) }
        throw Fault(.unavailable, "the events ended")
    }

    // MARK: ImageService

    func pullImage(
        _ image: CRI.ImageSpec, auth: CRI.AuthConfig?, sandboxConfig: CRI.PodSandboxConfig?
    ) async throws(Fault) -> String {
        change { $0.calls.append("pull \(image.image)") }
        await read(\.whilePulling)?()
        let isRefused = state.withLock { state in
            state.passwords.append(auth?.password ?? "")
            if let wanted = state.wantedPassword, auth?.password != wanted { return true }
            if state.refusedPulls.contains(image.image) { return true }
            state.images.insert(image.image)
            return false
        }
        if isRefused { throw Fault(.notFound, "\(image.image): not found") }
        return image.image
    }

    func imageStatus(_ image: CRI.ImageSpec) async throws(Fault) -> CRI.Image? {
        guard read({ $0.images.contains(image.image) }) else { return nil }
        var found = CRI.Image()
        (found.id, found.size) = (image.image, 1000)
        return found
    }

    func listImages() async throws(Fault) -> [CRI.Image] { [] }
    func removeImage(_ image: CRI.ImageSpec) async throws(Fault) {}
    func imageFilesystems() async throws(Fault) -> CRI.ImageFilesystems { CRI.ImageFilesystems() }

    func mountImage(_ id: String, at path: String) async throws(Fault) -> Bool {
        guard !read(\.mountsImages) else { return false }
        change { $0.calls.append("mount \(id)") }
        try Files.makeDirectory(path)
        return true
    }

    // MARK: What no test here asks for

    func updateContainerResources(
        _ id: String, _ resources: CRI.LinuxContainerResources, annotations: [String: String]
    ) async throws(Fault) {
        change { state in
            state.calls.append(
                "update \(state.containers[id]?.metadata.name ?? id) \(resources.cpuShares) "
                    + "\(resources.cpuQuota) \(resources.memoryLimitInBytes)")
            // What is not given stays as it is.
            var present = state.configs[id]?.linux.resources ?? resources
            if resources.cpuShares != 0 { present.cpuShares = resources.cpuShares }
            if resources.cpuPeriod != 0 { present.cpuPeriod = resources.cpuPeriod }
            if resources.cpuQuota != 0 { present.cpuQuota = resources.cpuQuota }
            if resources.memoryLimitInBytes != 0 { present.memoryLimitInBytes = resources.memoryLimitInBytes }
            if !resources.cpusetCPUs.isEmpty { present.cpusetCPUs = resources.cpusetCPUs }
            state.configs[id]?.linux.resources = present
        }
    }
    func reopenContainerLog(_ id: String) async throws(Fault) {
        guard let path = read({ $0.containers[id]?.logPath }) else { throw Fault(.notFound, "no container \(id)") }
        try Files.write("", to: path)
        change { $0.calls.append("reopen \(id)") }
    }
    func checkpointContainer(_ id: String, to path: String, timeout: Duration) async throws(Fault) {
        change { $0.calls.append("checkpoint \($0.containers[id]?.metadata.name ?? id)") }
    }
    func execSync(
        _ id: String, _ command: [String], timeout: Duration?
    ) async throws(Fault) -> CRI.ExecSyncResponse {
        change { $0.calls.append("exec \(command.joined(separator: " "))") }
        return CRI.ExecSyncResponse()
    }
    func exec(_ id: String, _ command: [String], _ streams: CRI.Streams) async throws(Fault) -> String { "" }
    func attach(_ id: String, _ streams: CRI.Streams) async throws(Fault) -> String { "" }
    func portForward(_ sandbox: String) async throws(Fault) -> String { "" }
    func containerStats(_ id: String) async throws(Fault) -> CRI.ContainerStats { CRI.ContainerStats() }
    func listContainerStats(_ filter: CRI.ContainerStatsFilter) async throws(Fault) -> [CRI.ContainerStats] {
        []
    }
    func podSandboxStats(_ id: String) async throws(Fault) -> CRI.PodSandboxStats { CRI.PodSandboxStats() }
}

extension [String: String] {
    /// As a label selector.
    fileprivate func isSatisfied(by labels: [String: String]) -> Bool {
        allSatisfy { labels[$0.key] == $0.value }
    }
}
