import API
import APIMachinery
import Runtime
import Support

extension RuntimePod {
    /// Asks the runtime what it holds of a pod. `ended` spares it questions about what does not change any
    /// more.
    static func look(
        _ uid: String, in runtime: any RuntimeService, ended: [String: Container]
    ) async throws(Fault) -> RuntimePod {
        var sandboxFilter = CRI.PodSandboxFilter()
        sandboxFilter.labelSelector = [PodLabels.podUID: uid]
        var containerFilter = CRI.ContainerFilter()
        containerFilter.labelSelector = [PodLabels.podUID: uid]
        var sandboxes: [Sandbox] = []
        for listed in try await runtime.listPodSandboxes(sandboxFilter) {
            var sandbox = Sandbox(
                id: listed.id, attempt: listed.metadata.attempt, isReady: listed.state == .ready)
            if sandbox.isReady,
                let status = try await unlessGone({ () throws(Fault) in
                    try await runtime.podSandboxStatus(listed.id)
                })
            {
                sandbox.ips = status.network.ips
            }
            sandboxes.append(sandbox)
        }
        var containers: [Container] = []
        for listed in try await runtime.listContainers(containerFilter) {
            if let known = ended[listed.id] {
                containers.append(known)
            } else if let status = try await unlessGone({ () throws(Fault) in
                try await runtime.containerStatus(listed.id)
            }) {
                var container = Container(status, sandboxID: listed.podSandboxID)
                container.scheme = runtime.idScheme
                containers.append(container)
            }
        }
        return RuntimePod(sandboxes: sandboxes, containers: containers)
    }

    /// What was listed may be gone when its turn comes.
    private static func unlessGone<Status>(
        _ ask: () async throws(Fault) -> Status
    ) async throws(Fault) -> Status? {
        do throws(Fault) { return try await ask() } catch {
            guard error.code == .notFound else { throw error }
            return nil
        }
    }
}

extension RuntimePod.Container {
    init(_ status: CRI.ContainerStatus, sandboxID: String) {
        let state: State =
            switch status.state {
            case .created: .created
            case .running: .running
            case .exited: .exited
            case .unknown: .unknown
            }
        self.init(
            id: status.id, name: status.metadata.name, attempt: status.metadata.attempt, sandboxID: sandboxID,
            state: state, createdAt: Timestamp(nanoseconds: status.createdAt) ?? Timestamp(seconds: 0),
            startedAt: Timestamp(nanoseconds: status.startedAt),
            finishedAt: Timestamp(nanoseconds: status.finishedAt), exitCode: status.exitCode,
            reason: status.reason, message: status.message,
            image: status.image.userSpecifiedImage.isEmpty
                ? status.image.image : status.image.userSpecifiedImage,
            imageRef: status.imageRef, fingerprint: status.annotations[PodLabels.fingerprint] ?? "",
            logPath: status.logPath)
        podMadeWith = Self.resources(status.annotations[PodLabels.podResources])
        // Who wrote down those of the pod would have written down its own, had it any.
        madeWith = Self.resources(status.annotations[PodLabels.resources]) ?? podMadeWith.map { _ in ResourceRequirements() }
        imageID = status.imageID
        recursiveReadOnly = Set(status.mounts.filter(\.recursiveReadOnly).map(\.containerPath))
        values = status.resources.flatMap { CgroupValues(reported: $0.linux) }
    }

    private static func resources(_ annotation: String?) -> ResourceRequirements? {
        annotation.flatMap { try? Value(json: $0) }.map { ResourceRequirements($0) }
    }
}

extension CgroupValues {
    /// Of a container, as the runtime tells it; `nil` where it tells nothing.
    init?(reported: CRI.LinuxContainerResources) {
        guard reported.cpuShares > 0 else { return nil }
        self.init(ResourceRequirements())
        cpuShares = reported.cpuShares
        if reported.cpuPeriod > 0 { cpuPeriod = reported.cpuPeriod }
        cpuQuota = reported.cpuQuota > 0 ? reported.cpuQuota : nil
        memoryLimit = reported.memoryLimitInBytes > 0 ? reported.memoryLimitInBytes : nil
    }
}

extension Timestamp {
    /// Of the runtime's clock; `nil` for what has not happened.
    init?(nanoseconds: Int64) {
        guard nanoseconds > 0 else { return nil }
        self.init(
            seconds: nanoseconds / 1_000_000_000, nanoseconds: Int32(nanoseconds % 1_000_000_000))
    }
}
