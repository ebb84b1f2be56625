import API
import APIMachinery
import Client
import Host
import Logging
import Runtime
import Support

/// What the workers of all pods share.
struct PodContext: Sendable {
    let options: KubeletOptions
    let client: any Client
    let runtime: any RuntimeService
    let images: ImageStore
    let volumes: PodVolumes
    let environment: ContainerEnvironment
    let prober: Prober
    /// What pods wait for.
    let awaited: ObservedObjects
    let hook: LifecycleHook
    let events: EventRecorder
    let operations: Operations
    let table: PodTable
    let groups: PodCgroups
    let log: Logger
    /// The pod shall be looked at again.
    let wake: @Sendable (_ podUID: String) -> Void
    /// What the node has, and what it gives to pods.
    let capacity: NodeCapacity
    let hasAppArmor = Machine.hasAppArmor

    var hostIPs: [String] { options.internalAddresses.map(\.description) }
    var seccompProfiles: String { Path.join(options.layout.root, "seccomp") }

    func files(_ pod: Pod) -> PodFiles { PodFiles(layout: options.layout, uid: pod.metadata.uid) }

    /// Tells people about a container of the pod (`nil`: about the pod).
    func tell(
        _ pod: Pod, _ member: PodContainers.Member?, _ kind: EventNote.Kind, _ reason: String,
        _ message: String
    ) {
        events.record(pod, kind, reason: reason, message: message, fieldPath: member?.fieldPath ?? "")
    }

    func resolver() -> ResolverConfiguration {
        ResolverConfiguration((try? Files.readText(options.resolvConf)) ?? "")
    }
}

extension PodContainers.Member {
    /// Where the container is in its pod, as events name it.
    var fieldPath: String {
        switch role {
        case .initial, .sidecar: "spec.initContainers{\(name)}"
        case .regular: "spec.containers{\(name)}"
        case .ephemeral: "spec.ephemeralContainers{\(name)}"
        }
    }
}
