import APIMachinery
import Host
import Logging
public import Support
import Wire

extension DockerRuntime: RuntimeService {
    public var idScheme: String { "docker" }

    public func createContainer(
        in sandbox: String, _ config: CRI.ContainerConfig, sandboxConfig: CRI.PodSandboxConfig
    ) async throws(Fault) -> String {
        var container = DockerContainer(sandbox: sandbox, config: config, sandboxConfig: sandboxConfig)
        container.config.image.image = DockerImage.name(config.image.image)
        container.version = client.version
        container.leastOOMScore = options.leastOOMScore
        container.handler = checkpoints.read(sandbox)?.handler ?? ""
        container.seccompProfile = try Self.profile(config.linux.securityContext.seccomp)
        if config.mounts.contains(where: { $0.image != nil }) {
            throw Fault(.unsupported, "Docker mounts no images in the container \(config.metadata.name)")
        }
        return try await create(
            container.creation, DockerName(config.metadata, in: sandboxConfig.metadata))
    }

    /// The content of a seccomp profile of the node, in one line; `nil` where none is named.
    private static func profile(_ profile: CRI.SecurityProfile?) throws(Fault) -> String? {
        guard let profile, profile.profileType == .localhost else { return nil }
        let prefix = "localhost/"
        let name = profile.localhostRef
        let path = name.hasPrefix(prefix) ? String(name.dropFirst(prefix.utf8.count)) : name
        let bytes = try Files.read(path)
        guard let value = try? Value(json: bytes) else {
            throw Fault(.invalid, "the seccomp profile \(path) is no JSON")
        }
        return value.description
    }

    public func startContainer(_ id: String) async throws(Fault) {
        do throws(Fault) {
            _ = try await client.call(.post, "/containers/\(id)/start", "cannot start the container \(id)")
        } catch {
            // It may have written why.
            try? await linkLog(id)
            throw error
        }
        try await linkLog(id)
    }

    /// Lets the path at which the kubelet looks for the log lead to the file that Docker writes. That is known when the
    /// container has been started.
    private func linkLog(_ id: String) async throws(Fault) {
        let inspected = try await client.inspect(id)
        guard let path = inspected.at("Config", "Labels")?.strings[DockerLabels.logPath], !path.isEmpty else { return }
        guard let target = inspected["LogPath"]?.string, !target.isEmpty else {
            return log.warning("Docker writes the log of the container \(id) into no file")
        }
        try Files.makeDirectory(Path.parent(of: path))
        try Files.remove(path)
        try Files.makeSymbolicLink(at: path, to: target)
    }

    public func stopContainer(_ id: String, timeout: Duration) async throws(Fault) {
        try await end(id, seconds: timeout.wholeSeconds)
    }

    public func removeContainer(_ id: String) async throws(Fault) { try await remove(id) }

    public func containerStatus(_ id: String) async throws(Fault) -> CRI.ContainerStatus {
        let inspected = try await client.inspect(id)
        var image: Value?
        if let name = inspected["Image"]?.string { image = try await client.image(name) }
        guard let status = DockerContainer.status(inspected, image: image) else {
            throw Fault(.notFound, "the container \(id) is no pod's")
        }
        return status
    }

    public func listContainers(_ filter: CRI.ContainerFilter) async throws(Fault) -> [CRI.Container] {
        let wanted = DockerFilter(
            type: DockerLabels.container, labels: filter.labelSelector, id: filter.id, sandbox: filter.podSandboxID)
        return try await client.containers(wanted).compactMap(DockerContainer.listed)
            .filter { filter.state == nil || $0.state == filter.state }
    }

    public func updateContainerResources(
        _ id: String, _ resources: CRI.LinuxContainerResources, annotations: [String: String]
    ) async throws(Fault) {
        _ = try await client.call(
            .post, "/containers/\(id)/update", body: .object(DockerResources.fields(resources)),
            "cannot change the limits of the container \(id)")
    }

    /// Docker begins new files by itself, as its settings say (`max-size`), and at nobody's word.
    public func reopenContainerLog(_ id: String) async throws(Fault) {
        throw Fault(.unsupported, "Docker does not begin a new log for the container \(id)")
    }

    /// Docker's own checkpoints are experimental, and are no archives that other runtimes could read.
    public func checkpointContainer(_ id: String, to path: String, timeout: Duration) async throws(Fault) {
        throw Fault(.unsupported, "Docker makes no checkpoint of the container \(id)")
    }

    // MARK: Events

    public func containerEvents(
        ready: @Sendable () async -> Void, _ body: @Sendable (ContainerEvent) async -> Void
    ) async throws(Fault) {
        // Docker answers a moment before it listens: what happened meanwhile it tells from memory.
        let now = Timestamp.now
        let since = "\(now.seconds).\(Self.nineDigits(now.nanoseconds))"
        try await client.lines(
            .get, "/events", query: [("since", since), ("filters", DockerFilter.events.json)],
            "cannot hear Docker's events", begun: ready
        ) { line in
            if let event = DockerEvent.read(line) { await body(event) }
        }
        throw Fault(.unavailable, "Docker's events ended")
    }

    static func nineDigits(_ number: Int32) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 9 - digits.utf8.count)) + digits
    }
}
