public import Support

extension CRIClient: RuntimeService {
    public func version() async throws(Fault) -> CRI.Version {
        try await call(
            .runtime("Version"), IDRequest("v1"), timeout: limits.request,
            "cannot ask the runtime for its version")
    }

    public func status() async throws(Fault) -> CRI.StatusResponse {
        try await call(
            .runtime("Status"), EmptyMessage(), timeout: limits.request,
            "cannot ask the runtime for its status")
    }

    public func cgroupDriver() async throws(Fault) -> CRI.LinuxRuntimeConfiguration.CgroupDriver? {
        do throws(Fault) {
            let answer: CRI.RuntimeConfigResponse = try await call(
                .runtime("RuntimeConfig"), EmptyMessage(), timeout: limits.request,
                "cannot ask the runtime for its configuration")
            return answer.linux?.cgroupDriver
        } catch where error.code == .unsupported {
            return nil
        }
    }

    // MARK: - Sandboxes

    public func runPodSandbox(_ config: CRI.PodSandboxConfig, handler: String) async throws(Fault) -> String {
        let answer: IDRequest = try await call(
            .runtime("RunPodSandbox"), RunPodSandboxRequest(config: config, runtimeHandler: handler),
            timeout: limits.sandbox,
            "cannot make a sandbox for the pod \(config.metadata.namespace)/\(config.metadata.name)")
        return answer.id
    }

    public func stopPodSandbox(_ id: String) async throws(Fault) {
        let _: EmptyMessage = try await call(
            .runtime("StopPodSandbox"), IDRequest(id), timeout: limits.request,
            "cannot stop the sandbox \(id)")
    }

    public func removePodSandbox(_ id: String) async throws(Fault) {
        let _: EmptyMessage = try await call(
            .runtime("RemovePodSandbox"), IDRequest(id), timeout: limits.request,
            "cannot remove the sandbox \(id)")
    }

    public func podSandboxStatus(_ id: String) async throws(Fault) -> CRI.PodSandboxStatus {
        let answer: Single<CRI.PodSandboxStatus> = try await call(
            .runtime("PodSandboxStatus"), IDRequest(id), timeout: limits.request,
            "cannot look at the sandbox \(id)")
        return try answer.required("the sandbox \(id)")
    }

    public func listPodSandboxes(_ filter: CRI.PodSandboxFilter) async throws(Fault) -> [CRI.PodSandbox] {
        let answer: Items<CRI.PodSandbox> = try await call(
            .runtime("ListPodSandbox"), Single(filter), timeout: limits.request, "cannot list sandboxes")
        return answer.items
    }

    // MARK: - Containers

    public func createContainer(
        in sandbox: String, _ config: CRI.ContainerConfig, sandboxConfig: CRI.PodSandboxConfig
    ) async throws(Fault) -> String {
        let answer: IDRequest = try await call(
            .runtime("CreateContainer"),
            CreateContainerRequest(podSandboxID: sandbox, config: config, sandboxConfig: sandboxConfig),
            timeout: limits.request, "cannot create the container \(config.metadata.name)")
        return answer.id
    }

    public func startContainer(_ id: String) async throws(Fault) {
        let _: EmptyMessage = try await call(
            .runtime("StartContainer"), IDRequest(id), timeout: limits.request,
            "cannot start the container \(id)")
    }

    public func stopContainer(_ id: String, timeout: Duration) async throws(Fault) {
        // The runtime takes the grace period before it kills: the call may last so much longer.
        let _: EmptyMessage = try await call(
            .runtime("StopContainer"), StopContainerRequest(id: id, timeout: timeout.wholeSeconds),
            timeout: limits.request + timeout, "cannot stop the container \(id)")
    }

    public func removeContainer(_ id: String) async throws(Fault) {
        let _: EmptyMessage = try await call(
            .runtime("RemoveContainer"), IDRequest(id), timeout: limits.request,
            "cannot remove the container \(id)")
    }

    public func containerStatus(_ id: String) async throws(Fault) -> CRI.ContainerStatus {
        let answer: Single<CRI.ContainerStatus> = try await call(
            .runtime("ContainerStatus"), IDRequest(id), timeout: limits.request,
            "cannot look at the container \(id)")
        return try answer.required("the container \(id)")
    }

    public func listContainers(_ filter: CRI.ContainerFilter) async throws(Fault) -> [CRI.Container] {
        let answer: Items<CRI.Container> = try await call(
            .runtime("ListContainers"), Single(filter), timeout: limits.request, "cannot list containers")
        return answer.items
    }

    public func updateContainerResources(
        _ id: String, _ resources: CRI.LinuxContainerResources, annotations: [String: String]
    ) async throws(Fault) {
        let _: EmptyMessage = try await call(
            .runtime("UpdateContainerResources"),
            UpdateContainerResourcesRequest(id: id, linux: resources, annotations: annotations),
            timeout: limits.request, "cannot change the limits of the container \(id)")
    }

    public func reopenContainerLog(_ id: String) async throws(Fault) {
        let _: EmptyMessage = try await call(
            .runtime("ReopenContainerLog"), IDRequest(id), timeout: limits.request,
            "cannot reopen the log of the container \(id)")
    }

    public func checkpointContainer(_ id: String, to path: String, timeout: Duration) async throws(Fault) {
        // The runtime is told the limit, too.
        let limit = max(timeout, limits.request)
        let _: EmptyMessage = try await call(
            .runtime("CheckpointContainer"),
            CheckpointContainerRequest(id: id, location: path, timeout: limit.wholeSeconds), timeout: limit,
            "cannot checkpoint the container \(id)")
    }

    // MARK: - Statistics

    public func containerStats(_ id: String) async throws(Fault) -> CRI.ContainerStats {
        let answer: Single<CRI.ContainerStats> = try await call(
            .runtime("ContainerStats"), IDRequest(id), timeout: limits.request,
            "cannot measure the container \(id)")
        return try answer.required("what the container \(id) uses")
    }

    public func listContainerStats(
        _ filter: CRI.ContainerStatsFilter
    ) async throws(Fault) -> [CRI.ContainerStats] {
        let answer: Items<CRI.ContainerStats> = try await call(
            .runtime("ListContainerStats"), Single(filter), timeout: limits.request,
            "cannot measure containers")
        return answer.items
    }

    public func podSandboxStats(_ id: String) async throws(Fault) -> CRI.PodSandboxStats {
        let answer: Single<CRI.PodSandboxStats> = try await call(
            .runtime("PodSandboxStats"), IDRequest(id), timeout: limits.request,
            "cannot measure the sandbox \(id)")
        return try answer.required("what the sandbox \(id) uses")
    }
}

struct RunPodSandboxRequest: ProtobufMessage {
    var config = CRI.PodSandboxConfig()
    var runtimeHandler = ""

    mutating func visit<F: ProtobufFields>(_ fields: inout F) {
        fields.message(1, &config)
        fields.string(2, &runtimeHandler)
    }
}

struct CreateContainerRequest: ProtobufMessage {
    var podSandboxID = ""
    var config = CRI.ContainerConfig()
    var sandboxConfig = CRI.PodSandboxConfig()

    mutating func visit<F: ProtobufFields>(_ fields: inout F) {
        fields.string(1, &podSandboxID)
        fields.message(2, &config)
        fields.message(3, &sandboxConfig)
    }
}

struct StopContainerRequest: ProtobufMessage {
    var id = ""
    /// Seconds.
    var timeout: Int64 = 0

    mutating func visit<F: ProtobufFields>(_ fields: inout F) {
        fields.string(1, &id)
        fields.integer(2, &timeout)
    }
}

struct CheckpointContainerRequest: ProtobufMessage {
    var id = ""
    var location = ""
    /// Seconds.
    var timeout: Int64 = 0

    mutating func visit<F: ProtobufFields>(_ fields: inout F) {
        fields.string(1, &id)
        fields.string(2, &location)
        fields.integer(3, &timeout)
    }
}

struct UpdateContainerResourcesRequest: ProtobufMessage {
    var id = ""
    var linux = CRI.LinuxContainerResources()
    var annotations: [String: String] = [:]

    mutating func visit<F: ProtobufFields>(_ fields: inout F) {
        fields.string(1, &id)
        fields.message(2, &linux)
        fields.map(4, &annotations)
    }
}
