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
    var pressures: Set<NodePressure> = []
    /// What the runtime can do; empty where it does not tell.
    var handlers: [CRI.RuntimeHandler] = []
    var features: CRI.RuntimeFeatures?
    /// What there is of the resources of device plug-ins.
    var devices: [String: DeviceAmounts] = [:]

    /// Asks the runtime.
    static func check(_ runtime: any RuntimeService, _ pressures: Set<NodePressure>) async -> NodeHealth {
        var health = NodeHealth()
        health.pressures = pressures
        do throws(Fault) {
            let answer = try await runtime.status()
            (health.handlers, health.features) = (answer.runtimeHandlers, answer.features)
            let status = answer.status
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
        return health
    }
}
