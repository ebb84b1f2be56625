import API
import APIMachinery
import Host
import Runtime
import Support

/// Measures what the pods of the node use of what is scarce. Only done when somebody must go.
struct PodUsages: Sendable {
    let context: PodContext

    func measure(_ signal: EvictionSignal) async throws(Fault) -> [PodUsage] {
        var stats: [String: [CRI.ContainerStats]] = [:]
        for entry in try await context.runtime.listContainerStats(CRI.ContainerStatsFilter()) {
            stats[entry.attributes.labels[PodLabels.podUID] ?? "", default: []].append(entry)
        }
        var usages: [PodUsage] = []
        for record in context.table.records {
            let present = record.present
            guard let pod = present.pod, !present.isGone, present.memory.end == nil,
                !["Succeeded", "Failed"].contains(present.status?.phase ?? pod.status.phase)
            else { continue }
            usages.append(try await usage(of: pod, stats[record.uid] ?? [], signal))
        }
        return usages
    }

    private func usage(
        of pod: Pod, _ stats: [CRI.ContainerStats], _ signal: EvictionSignal
    ) async throws(Fault) -> PodUsage {
        let (uid, name) = (pod.metadata.uid, signal.pressure == .memory ? "memory" : "ephemeral-storage")
        var usage = PodUsage(
            uid: uid, priority: pod.spec.priority ?? 0, isCritical: pod.isCritical, used: 0,
            requested: CgroupValues.total(pod.spec) { $0.amount(name, of: \.requests) ?? 0 } ?? 0)
        for entry in stats {
            let container = entry.attributes.labels[PodLabels.containerName] ?? ""
            let used: UInt64? =
                switch signal {
                case .memory, .podMemory: entry.memory?.workingSetBytes
                case .nodeDisk, .imageDisk: entry.writableLayer?.usedBytes
                case .nodeInodes, .imageInodes: entry.writableLayer?.inodesUsed
                case .processes: nil
                }
            let requested = pod.container(named: container)?.resources.amount(name, of: \.requests) ?? 0
            usage.containers.append(
                PodUsage.Use(name: container, used: Int64(clamping: used ?? 0), requested: requested))
        }
        var sum = usage.containers.reduce(Int128(0)) { $0 + Int128($1.used) }
        switch signal {
        case .memory, .podMemory: break
        case .processes: sum = Int128(context.groups.processCount(pod) ?? 0)
        case .nodeDisk, .nodeInodes, .imageDisk, .imageInodes:
            let folders = folders(of: pod)
            let use = try await BlockingWork.run { () throws(Fault) in FolderUse(of: folders) }
            sum += Int128(signal.isRequested ? use.bytes : use.files)
        }
        usage.used = Int64(clamping: sum)
        return usage
    }

    /// The logs, and the volumes that are on the node's disk and go with the pod.
    private func folders(of pod: Pod) -> [String] {
        let (layout, name, uid) = (context.options.layout, pod.objectName, pod.metadata.uid)
        return [layout.logFolder(namespace: name.namespace, name: name.name, uid: uid)]
            + pod.spec.volumes.compactMap { volume in
                guard let empty = volume.emptyDir, empty.medium.isEmpty else { return nil }
                return layout.volume(volume.name, plugin: EmptyDirectory.plugin, podUID: uid)
            }
    }
}
