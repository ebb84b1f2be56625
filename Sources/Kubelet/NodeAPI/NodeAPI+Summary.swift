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

    var value: Value {
        ["node": nodeValue, "pods": .array(pods.map(podValue))]
    }

    private var nodeValue: Value {
        var value = nodeFigures
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

    private var nodeFigures: Value {
        [
            "nodeName": .string(nodeName),
            "cpu": ["time": .string("\(now)"), "usageCoreNanoSeconds": .integer(Int64(node.processorNanoseconds))],
            "memory": [
                "time": .string("\(now)"), "usageBytes": .integer(node.memory.usage.bytes),
                "workingSetBytes": .integer(node.memory.workingSet.bytes),
                "rssBytes": .integer(node.memory.residentSet.bytes),
                "pageFaults": .integer(Int64(node.memory.pageFaults)),
                "majorPageFaults": .integer(Int64(node.memory.majorPageFaults)),
            ],
        ]
    }

    private func podValue(_ pod: Pod) -> Value {
        let own = containers.filter { $0.attributes.labels[PodLabels.podUID] == pod.metadata.uid }
        var value: Value = [
            "podRef": [
                "name": .string(pod.metadata.name), "namespace": .string(pod.metadata.namespace),
                "uid": .string(pod.metadata.uid),
            ],
            "containers": .array(own.map { containerValue($0, pod) }),
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
        let used = volumes[pod.metadata.uid] ?? []
        if !used.isEmpty { value["volume"] = .array(used.map(volumeValue)) }
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

    private func containerValue(_ stats: CRI.ContainerStats, _ pod: Pod) -> Value {
        let name = stats.attributes.metadata.name
        var value: Value = ["name": .string(name)]
        if let start = pod.status(ofContainer: name)?.state.running?.startedAt { value["startTime"] = .string("\(start)") }
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
