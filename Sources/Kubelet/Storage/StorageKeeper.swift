import API
import APIMachinery
import Host
import Logging
import Runtime
import Support
import Synchronization

/// Ends pods that use more of the disk than they may.
///
/// The kernel counts for nobody, so that somebody must look: at pods that have limits, when the node's keeper looks.
/// Without such a pod it costs nothing, and measuring takes a twentieth of the time at most.
final class StorageKeeper: Sendable {
    private struct State: Sendable {
        var limits: [String: StorageLimits] = [:]
        /// Pods without limits.
        var others: Set<String> = []
        var isMeasuring = false
        var next: ContinuousClock.Instant = .now
    }

    private let state = Mutex(State())

    /// The pod runs here.
    func watch(_ pod: Pod) {
        let uid = pod.metadata.uid
        guard !state.withLock({ $0.limits[uid] != nil || $0.others.contains(uid) }) else { return }
        let limits = StorageLimits(pod)
        state.withLock { state in
            state.limits[uid] = limits
            if limits == nil { state.others.insert(uid) }
        }
    }

    /// The pod has ended.
    func forget(_ uid: String) {
        state.withLock { state in
            state.limits[uid] = nil
            state.others.remove(uid)
        }
    }

    /// Measures those that have limits, beside whoever asks.
    func look(_ context: PodContext) {
        let due = state.withLock { state in
            guard !state.limits.isEmpty, !state.isMeasuring, state.next <= .now else { return [String: StorageLimits]() }
            state.isMeasuring = true
            return state.limits
        }
        guard !due.isEmpty else { return }
        context.operations.start { [self] in
            let start = ContinuousClock.now
            for (uid, limits) in due { await measure(uid, limits, context) }
            state.withLock { state in
                state.isMeasuring = false
                state.next = .now + (.now - start) * 20
            }
        }
    }

    private func measure(_ uid: String, _ limits: StorageLimits, _ context: PodContext) async {
        guard let pod = context.table[uid]?.present.pod else { return forget(uid) }
        guard !pod.isCritical else { return }
        do throws(Fault) {
            guard let message = limits.excess(try await Self.use(of: pod, context)) else { return }
            context.end(
                uid,
                PodEnd(
                    phase: "Failed", reason: PodEnd.evicted, message: message, gracePeriod: .seconds(1),
                    note: PodEnd.Note(message: message)))
        } catch {
            if !Task.isCancelled { context.log.warning("cannot see what pod \(pod.objectName) stores: \(error.forPeople)") }
        }
    }

    /// What the pod has on the disk.
    static func use(of pod: Pod, _ context: PodContext) async throws(Fault) -> StorageLimits.Use {
        let (layout, name, uid) = (context.options.layout, pod.objectName, pod.metadata.uid)
        var use = StorageLimits.Use()
        var filter = CRI.ContainerStatsFilter()
        filter.labelSelector = [PodLabels.podUID: uid]
        for entry in try await context.runtime.listContainerStats(filter) {
            let container = entry.attributes.labels[PodLabels.containerName] ?? ""
            use.containers[container] = Int64(clamping: entry.writableLayer?.usedBytes ?? 0)
        }
        let logs = layout.logFolder(namespace: name.namespace, name: name.name, uid: uid)
        let members = PodContainers(pod.spec).members.map(\.name)
        let volumes = pod.spec.volumes.filter { $0.emptyDir?.medium.isEmpty ?? false }.map(\.name)
        return try await BlockingWork.run { [use] () throws(Fault) in
            var use = use
            for container in members {
                let sum = Int128(use.containers[container] ?? 0) + Int128(FolderUse(of: [Path.join(logs, container)]).bytes)
                use.containers[container] = Int64(clamping: sum)
            }
            for volume in volumes {
                let folder = layout.volume(volume, plugin: EmptyDirectory.plugin, podUID: uid)
                use.volumes[volume] = FolderUse(of: [folder]).bytes
            }
            return use
        }
    }
}
