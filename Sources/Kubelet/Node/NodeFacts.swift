import API
import APIMachinery
import Host
import Runtime
import Support

/// What a node tells the cluster about itself.
struct NodeFacts: Hashable, Sendable {
    var capacity: NodeCapacity
    var info: NodeSystemInfo

    static func read(
        _ options: KubeletOptions, _ capacity: NodeCapacity, _ runtime: any RuntimeService
    ) async throws(Fault) -> NodeFacts {
        let version = try await runtime.version()
        var info = NodeSystemInfo()
        info.machineID = try Machine.machineID()
        info.systemUUID = try Machine.systemUUID()
        info.bootID = try Machine.bootID()
        info.kernelVersion = try Machine.kernelVersion()
        info.osImage = Machine.osImage()
        info.containerRuntimeVersion = "\(version.runtimeName)://\(version.runtimeVersion.withoutLeadingV)"
        info.kubeletVersion = options.version
        info.kubeProxyVersion = options.version
        info.operatingSystem = "linux"
        info.architecture = Machine.architecture
        return NodeFacts(capacity: capacity, info: info)
    }
}

extension String {
    fileprivate var withoutLeadingV: Substring { hasPrefix("v") ? dropFirst() : self[...] }
}

/// How the node is doing.
struct NodeHealth: Hashable, Sendable {
    /// Why it cannot run pods; empty when it can.
    var complaints: [String] = []
    var isShortOfMemory = false
    var isShortOfDisk = false

    /// Reads the machine and asks the runtime.
    static func check(_ options: KubeletOptions, _ runtime: any RuntimeService) async -> NodeHealth {
        var health = NodeHealth()
        do throws(Fault) {
            let status = try await runtime.status().status
            for type in [CRI.RuntimeCondition.runtimeReady, CRI.RuntimeCondition.networkReady] {
                guard let condition = status[type], !condition.status else { continue }
                let subject =
                    type == CRI.RuntimeCondition.networkReady
                    ? "container runtime network" : "container runtime"
                health.complaints.append(
                    "\(subject) not ready: \(type)=false reason:\(condition.reason) "
                        + "message:\(condition.message)"
                )
            }
        } catch {
            health.complaints.append("container runtime is down: \(error.summary)")
        }
        // Kubernetes' own threshold: 100 MiB of memory.
        if let memory = try? Machine.memory() { health.isShortOfMemory = memory.available < .mebibytes(100) }
        if let space = try? Files.space(at: options.layout.root) {
            health.isShortOfDisk =
                space.available.bytes < space.total.bytes / 20
                || space.inodes > 0 && space.freeInodes < space.inodes / 20
        }
        return health
    }
}
