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
    let logs: LogKeeper
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
    let desk: ResizeDesk
    let collector: ImageCollector
    let mirrors: MirrorKeeper
    let admission: AdmissionDesk
    let storage: StorageKeeper
    let resources: ResourceDesk
    let claims: ClaimKeeper
    let shutdown: ShutdownKeeper
    let users: UserKeeper
    let hasAppArmor = Machine.hasAppArmor

    var hostIPs: [String] { options.internalAddresses.map(\.description) }
    var seccompProfiles: String { Path.join(options.layout.root, "seccomp") }

    func files(_ pod: Pod) -> PodFiles { PodFiles(layout: options.layout, uid: pod.metadata.uid) }

    /// The pod is over for good, unless it is already. Its worker does the rest.
    func end(_ uid: String, _ end: PodEnd) {
        guard let record = table[uid], let pod = record.present.pod else { return }
        let isNew = record.change { state in
            guard state.memory.end == nil, !state.isGone else { return false }
            state.memory.end = end
            return true
        }
        guard isNew else { return }
        if let note = end.note { tell(pod, nil, note.isWarning ? .warning : .normal, end.reason, note.message) }
        wake(uid)
    }

    /// Tells people about a container of the pod (`nil`: about the pod).
    func tell(
        _ pod: Pod, _ member: PodContainers.Member?, _ kind: EventNote.Kind, _ reason: String,
        _ message: String
    ) {
        events.record(pod, kind, reason: reason, message: message, fieldPath: member?.fieldPath ?? "")
    }

    /// How the runtime is to run the pod (KEP 585); empty for its default.
    func handler(_ spec: PodSpec) async throws(Fault) -> String {
        guard let name = spec.runtimeClassName, !name.isEmpty else { return "" }
        do throws(Status) {
            return try await client.get(RuntimeClass.self, ObjectName(name: name)).handler
        } catch {
            throw Fault(error, "cannot find the RuntimeClass \(name)")
        }
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
