import API
import APIMachinery
import Host
import Runtime
import Support
import Wire

extension NodeAPI {
    /// `/stats/summary`: what the node, its pods and their containers use; with `only_cpu_and_memory=true` no more than
    /// that.
    func sendSummary(_ request: HTTPRequest, _ exchange: HTTPExchange) async throws {
        var summary = try await summary()
        if request.query.values(of: "only_cpu_and_memory") == ["true"] {
            (summary.volumes, summary.counters, summary.interfaces) = ([:], [:], [])
        } else {
            summary.disks = await figures?.disks() ?? NodeDisks()
            summary.storage = await figures?.storage() ?? [:]
            summary.processes = NodeAmounts.processes()
        }
        exchange.respond(.ok, ["Content-Type": "application/json"], summary.value.json)
    }

    /// Asks the runtime and the kernel.
    func summary() async throws -> StatsSummary {
        let containers = try await runtime.listContainerStats(CRI.ContainerStatsFilter())
        let node = try Cgroup("/", in: .detect()).usage()
        var summary = StatsSummary(
            pods: pods.pods(), containers: containers, nodeName: nodeName, node: node, now: now())
        summary.volumes = await volumes?.volumeUsages() ?? [:]
        summary.counters = await figures?.counters() ?? [:]
        summary.interfaces = (try? InterfaceCounters.read()) ?? []
        summary.allPods = figures?.allPods()
        summary.memory = try? Machine.memory().total
        return summary
    }
}

/// The document of `/stats/summary` (`kubelet/pkg/apis/stats/v1alpha1.Summary`), as far as the runtime tells. Pure.
struct StatsSummary: Sendable {
    var pods: [Pod]
    var containers: [CRI.ContainerStats]
    var nodeName: String
    var node: Cgroup.Usage
    var now: Timestamp
    /// By the uid of the pod.
    var volumes: [String: [VolumeUsage]] = [:]
    /// By the uid of the pod.
    var counters: [String: PodCounters] = [:]
    /// The node's own.
    var interfaces: [InterfaceCounters] = []
    var disks = NodeDisks()
    /// By the uid of the pod.
    var storage: [String: PodStorage] = [:]
    /// What all pods use together.
    var allPods: Cgroup.Usage?
    /// How many processes there may be, and how many more than there are.
    var processes: EvictionAmount?
    /// What the node has.
    var memory: ByteCount?

    var value: Value {
        ["node": nodeValue, "pods": .array(pods.map(podValue))]
    }

    private var nodeValue: Value {
        var value = figures(of: node, within: memory)
        value["nodeName"] = .string(nodeName)
        if let allPods {
            var pods = figures(of: allPods, within: allPods.memory.limit)
            pods["name"] = "pods"
            value["systemContainers"] = [pods]
        }
        if let processes {
            value["rlimit"] = [
                "time": .string("\(now)"), "maxpid": .integer(processes.capacity),
                "curproc": .integer(processes.capacity - processes.available),
            ]
        }
        value["network"] = network(interfaces)
        if let space = disks.pods { value["fs"] = disk(space, used: nil) }
        if let space = disks.images {
            // containerd tells of one disk for both.
            value["runtime"] = ["imageFs": disk(space, used: disks.imageBytes), "containerFs": disk(space, used: nil)]
        }
        return value
    }

    private func disk(_ space: FileSystemSpace, used: UInt64?) -> Value {
        [
            "time": .string("\(now)"), "availableBytes": .integer(space.available.bytes),
            "capacityBytes": .integer(space.total.bytes),
            "usedBytes": used.map(Self.number) ?? .integer(space.used.bytes),
            "inodes": Self.number(space.inodes), "inodesFree": Self.number(space.freeInodes),
            "inodesUsed": Self.number(space.inodes - min(space.freeInodes, space.inodes)),
        ]
    }

    /// The interface that counts as the pod's, or the node's, is told on its own as well.
    private func network(_ interfaces: [InterfaceCounters]) -> Value? {
        let all = interfaces.map { interface -> Value in
            [
                "name": .string(interface.name), "rxBytes": Self.number(interface.received.bytes),
                "rxErrors": Self.number(interface.received.errors), "txBytes": Self.number(interface.sent.bytes),
                "txErrors": Self.number(interface.sent.errors),
            ]
        }
        guard !all.isEmpty else { return nil }
        var value: Value = ["time": .string("\(now)")]
        let first = all.first { $0["name"] == "eth0" } ?? all[0]
        for (name, figure) in first.fields ?? Fields() { value[name] = figure }
        value["interfaces"] = .array(all)
        return value
    }

    private static func number(_ figure: UInt64) -> Value { .integer(Int64(clamping: figure)) }

    /// `whole`: what the group may have of memory.
    private func figures(of usage: Cgroup.Usage, within whole: ByteCount?) -> Value {
        let memory = usage.memory
        var figures: Value = [
            "time": .string("\(now)"), "usageBytes": .integer(memory.usage.bytes),
            "workingSetBytes": .integer(memory.workingSet.bytes), "rssBytes": .integer(memory.residentSet.bytes),
            "pageFaults": Self.number(memory.pageFaults), "majorPageFaults": Self.number(memory.majorPageFaults),
        ]
        if let whole { figures["availableBytes"] = .integer(max(whole.bytes - memory.workingSet.bytes, 0)) }
        return [
            "cpu": ["time": .string("\(now)"), "usageCoreNanoSeconds": Self.number(usage.processorNanoseconds)],
            "memory": figures,
        ]
    }

    private func podValue(_ pod: Pod) -> Value {
        let own = containers.filter { $0.attributes.labels[PodLabels.podUID] == pod.metadata.uid }
        let stored = storage[pod.metadata.uid]
        var value: Value = [
            "podRef": [
                "name": .string(pod.metadata.name), "namespace": .string(pod.metadata.namespace),
                "uid": .string(pod.metadata.uid),
            ],
            "containers": .array(own.map { containerValue($0, pod, stored) }),
            "cpu": [
                "time": .string("\(now)"),
                "usageCoreNanoSeconds": Self.sum(own.map { $0.cpu?.usageCoreNanoseconds }),
            ],
            "memory": [
                "time": .string("\(now)"), "workingSetBytes": Self.sum(own.map { $0.memory?.workingSetBytes }),
                "usageBytes": Self.sum(own.map { $0.memory?.usageBytes }),
            ],
        ]
        if let start = pod.status.startTime { value["startTime"] = .string("\(start)") }
        if let network = network(counters[pod.metadata.uid]?.network?.interfaces ?? []) { value["network"] = network }
        if let count = counters[pod.metadata.uid]?.processes {
            value["process_stats"] = ["process_count": .integer(Int64(count))]
        }
        let used = (volumes[pod.metadata.uid] ?? []).map(volumeValue) + (stored?.volumes ?? []).map(volumeValue)
        if !used.isEmpty { value["volume"] = .array(used) }
        if let stored { value["ephemeral-storage"] = ephemeral(stored, own) }
        return value
    }

    private func volumeValue(_ volume: VolumeUsage) -> Value {
        var value: Value = ["time": .string("\(now)"), "name": .string(volume.name)]
        if let claim = volume.claim {
            value["pvcRef"] = ["name": .string(claim.name), "namespace": .string(claim.namespace)]
        }
        for usage in volume.usage {
            let names: (String, String, String)? =
                switch usage.unit {
                case .bytes: ("availableBytes", "capacityBytes", "usedBytes")
                case .inodes: ("inodesFree", "inodes", "inodesUsed")
                case .unknown: nil
                }
            guard let names else { continue }
            value[names.0] = .integer(max(usage.available, 0))
            value[names.1] = .integer(max(usage.total, 0))
            value[names.2] = .integer(max(usage.used, 0))
        }
        if let condition = volume.condition {
            value["volumeHealthStats"] = ["abnormal": .bool(condition.abnormal)]
        }
        return value
    }

    private func volumeValue(_ volume: PodStorage.Volume) -> Value {
        var value = disk(volume.space, use: volume.use)
        value["name"] = .string(volume.name)
        return value
    }

    /// What the pod has on the node's disk: layers, logs and volumes.
    private func ephemeral(_ stored: PodStorage, _ containers: [CRI.ContainerStats]) -> Value? {
        guard let space = disks.pods else { return nil }
        var (bytes, files) = (Int128(0), Int128(0))
        for use in Array(stored.logs.values) + stored.volumes.filter({ !$0.isMemory }).map(\.use) {
            (bytes, files) = (bytes + Int128(use.bytes), files + Int128(use.files))
        }
        for layer in containers.compactMap(\.writableLayer) {
            bytes += Int128(layer.usedBytes ?? 0)
            files += Int128(layer.inodesUsed ?? 0)
        }
        return disk(space, use: FolderUse(files: Int64(clamping: files), bytes: Int64(clamping: bytes)))
    }

    private func disk(_ space: FileSystemSpace, use: FolderUse) -> Value {
        var value = disk(space, used: UInt64(clamping: use.bytes))
        value["inodesUsed"] = .integer(use.files)
        return value
    }

    private func containerValue(_ stats: CRI.ContainerStats, _ pod: Pod, _ stored: PodStorage?) -> Value {
        let name = stats.attributes.metadata.name
        var value: Value = ["name": .string(name)]
        if let start = pod.status(ofContainer: name)?.state.running?.startedAt { value["startTime"] = .string("\(start)") }
        if let space = disks.images, let layer = stats.writableLayer {
            let files = Int64(clamping: layer.inodesUsed ?? 0)
            value["rootfs"] = disk(space, use: FolderUse(files: files, bytes: Int64(clamping: layer.usedBytes ?? 0)))
        }
        if let space = disks.pods, let log = stored?.logs[name] { value["logs"] = disk(space, use: log) }
        if let cpu = stats.cpu {
            value["cpu"] = Self.object(
                cpu.timestamp,
                [("usageCoreNanoSeconds", cpu.usageCoreNanoseconds), ("usageNanoCores", cpu.usageNanoCores)])
        }
        if let memory = stats.memory {
            value["memory"] = Self.object(
                memory.timestamp,
                [
                    ("availableBytes", memory.availableBytes), ("usageBytes", memory.usageBytes),
                    ("workingSetBytes", memory.workingSetBytes), ("rssBytes", memory.rssBytes),
                    ("pageFaults", memory.pageFaults), ("majorPageFaults", memory.majorPageFaults),
                ])
        }
        return value
    }

    /// A measurement: its time, in nanoseconds since 1970, and the figures that are known.
    private static func object(_ nanoseconds: Int64, _ figures: [(String, UInt64?)]) -> Value {
        let time = Timestamp(seconds: nanoseconds / 1_000_000_000)
        var value: Value = ["time": .string("\(time)")]
        for (name, figure) in figures { value[name] = figure.map { .integer(Int64(clamping: $0)) } }
        return value
    }

    private static func sum(_ figures: [UInt64?]) -> Value {
        .integer(Int64(clamping: figures.reduce(UInt64(0)) { $0 &+ ($1 ?? 0) }))
    }
}
