import API
import APIMachinery
import Host
import Runtime
import Support

/// What the node's containers have used, as text for Prometheus. Pure.
///
/// `/metrics/resource` (KEP-1206) tells little, for autoscalers; `/metrics/cadvisor` tells what dashboards ask for, under
/// the names and labels of cAdvisor, as far as the runtime knows it.
struct UsageMetrics: Sendable {
    /// A container that the runtime has figures of, and that its pod knows.
    fileprivate struct Measured {
        var pod: Pod
        var name: String
        var status: ContainerStatus?
        var spec: Container?
        var stats: CRI.ContainerStats
        /// What the kernel counts beyond that.
        var counters: Cgroup.Counters?

        /// In seconds since 1970.
        var start: Double? { status?.state.running?.startedAt.map { Double($0.seconds) } }
    }

    private let summary: StatsSummary
    private let containers: [Measured]

    init(_ summary: StatsSummary) {
        self.summary = summary
        let pods = Dictionary(summary.pods.map { ($0.metadata.uid, $0) }) { first, _ in first }
        containers = summary.containers.compactMap { stats in
            guard let pod = pods[stats.attributes.labels[PodLabels.podUID] ?? ""] else { return nil }
            let name = stats.attributes.metadata.name
            return Measured(
                pod: pod, name: name, status: pod.status(ofContainer: name),
                spec: (pod.spec.containers + pod.spec.initContainers).first { $0.name == name }, stats: stats,
                counters: summary.counters[pod.metadata.uid]?.containers[stats.attributes.id])
        }.sorted {
            ($0.pod.objectName.description, $0.name) < ($1.pod.objectName.description, $1.name)
        }
    }

    // MARK: /metrics/resource

    var resources: [UInt8] {
        var text = MetricText()
        write(&text, "container_cpu_usage_seconds_total", .counter, "Cumulative cpu time consumed by the container in core-seconds") {
            ($0.labels, $0.stats.cpu?.usageCoreNanoseconds.map(Self.seconds))
        }
        write(&text, "container_memory_working_set_bytes", .gauge, "Current working set of the container in bytes") {
            ($0.labels, $0.stats.memory?.workingSetBytes.map { Double($0) })
        }
        write(&text, "container_start_time_seconds", .gauge, "Start time of the container since unix epoch in seconds") {
            ($0.labels, $0.start)
        }
        text.begin("node_cpu_usage_seconds_total", .counter, "Cumulative cpu time consumed by the node in core-seconds")
        text.sample("node_cpu_usage_seconds_total", [], Self.seconds(summary.node.processorNanoseconds))
        text.begin("node_memory_working_set_bytes", .gauge, "Current working set of the node in bytes")
        text.sample("node_memory_working_set_bytes", [], Double(summary.node.memory.workingSet.bytes))
        writePods(&text, "pod_cpu_usage_seconds_total", .counter, "Cumulative cpu time consumed by the pod in core-seconds") {
            $0.stats.cpu?.usageCoreNanoseconds.map(Self.seconds)
        }
        writePods(&text, "pod_memory_working_set_bytes", .gauge, "Current working set of the pod in bytes") {
            $0.stats.memory?.workingSetBytes.map { Double($0) }
        }
        text.begin("resource_scrape_error", .gauge, "1 if there was an error while getting container metrics, 0 otherwise")
        text.sample("resource_scrape_error", [], 0)
        return text.bytes
    }

    // MARK: /metrics/cadvisor

    /// - Parameters:
    ///   - processors: How many the node has.
    ///   - memory: What it has.
    func cadvisor(processors: Int, memory: ByteCount) -> [UInt8] {
        var text = MetricText()
        write(&text, "container_cpu_usage_seconds_total", .counter, "Cumulative cpu time consumed in seconds.") {
            ($0.cadvisorLabels([("cpu", "total")]), $0.stats.cpu?.usageCoreNanoseconds.map(Self.seconds))
        }
        writeGroups(&text, "container_cpu_usage_seconds_total", [("cpu", "total")]) { Self.seconds($0.processorNanoseconds) }
        let bytes: [(String, String, @Sendable (CRI.ContainerStats) -> UInt64?)] = [
            ("container_fs_usage_bytes", "Number of bytes that are consumed by the container on this filesystem.",
             { $0.writableLayer?.usedBytes }),
            ("container_memory_rss", "Size of RSS in bytes.", { $0.memory?.rssBytes }),
            ("container_memory_swap", "Container swap usage in bytes.", { $0.swap?.usageBytes }),
            ("container_memory_usage_bytes", "Current memory usage in bytes, including all memory regardless of when it was accessed",
             { $0.memory?.usageBytes }),
            ("container_memory_working_set_bytes", "Current working set in bytes.", { $0.memory?.workingSetBytes }),
        ]
        for (name, help, figure) in bytes {
            write(&text, name, .gauge, help) { ($0.cadvisorLabels(), figure($0.stats).map { Double($0) }) }
            guard let figure = Self.memory(ofGroups: name) else { continue }
            writeGroups(&text, name) { Double($0.memory[keyPath: figure].bytes) }
        }
        text.begin("container_memory_failures_total", .counter, "Cumulative count of memory allocation failures.")
        for container in containers {
            for (type, count) in [
                ("pgfault", container.stats.memory?.pageFaults), ("pgmajfault", container.stats.memory?.majorPageFaults),
            ] {
                guard let count else { continue }
                let labels = container.cadvisorLabels([("failure_type", type), ("scope", "container")])
                text.sample("container_memory_failures_total", labels, Double(count))
            }
        }
        write(&text, "container_last_seen", .gauge, "Last time a container was seen by the exporter") {
            ($0.cadvisorLabels(), Double(summary.now.seconds))
        }
        write(&text, "container_start_time_seconds", .gauge, "Start time of the container since unix epoch in seconds.") {
            ($0.cadvisorLabels(), $0.start)
        }
        writeLimits(&text)
        writeCounters(&text)
        writeDevices(&text)
        writeNetwork(&text)
        text.begin("machine_cpu_cores", .gauge, "Number of logical CPU cores.")
        text.sample("machine_cpu_cores", [], Double(processors))
        text.begin("machine_memory_bytes", .gauge, "Amount of memory installed on the machine.")
        text.sample("machine_memory_bytes", [], Double(memory.bytes))
        return text.bytes
    }

    private static func memory(ofGroups name: String) -> KeyPath<Cgroup.Memory, ByteCount>? {
        switch name {
        case "container_memory_rss": \.residentSet
        case "container_memory_usage_bytes": \.usage
        case "container_memory_working_set_bytes": \.workingSet
        default: nil
        }
    }

    /// cAdvisor tells of groups that are no containers as well: of pods, and of the whole node under `/`.
    private func writeGroups(
        _ text: inout MetricText, _ name: String, _ more: [(String, String)] = [], _ figure: (Cgroup.Usage) -> Double
    ) {
        func write(_ id: String, _ pod: Pod?, _ usage: Cgroup.Usage) {
            let labels = [
                ("container", ""), ("id", id), ("image", ""), ("name", ""), ("namespace", pod?.metadata.namespace ?? ""),
                ("pod", pod?.metadata.name ?? ""),
            ]
            text.sample(name, (labels + more).sorted { $0.0 < $1.0 }, figure(usage))
        }
        write("/", nil, summary.node)
        if let all = summary.allPods { write("/kubepods", nil, all) }
        for pod in summary.pods.sorted(by: { $0.objectName < $1.objectName }) {
            guard let usage = summary.counters[pod.metadata.uid]?.usage else { continue }
            write("/kubepods/pod" + pod.metadata.uid, pod, usage)
        }
    }

    private func writeLimits(_ text: inout MetricText) {
        write(&text, "container_spec_cpu_period", .gauge, "CPU period of the container.") {
            ($0.cadvisorLabels(), $0.limit("cpu") == nil ? nil : Double(Self.period))
        }
        write(&text, "container_spec_cpu_quota", .gauge, "CPU quota of the container.") {
            ($0.cadvisorLabels(), $0.limit("cpu").map { ($0 * Double(Self.period)).rounded() })
        }
        write(&text, "container_spec_cpu_shares", .gauge, "CPU share of the container.") {
            ($0.cadvisorLabels(), $0.spec.map { Double(CgroupValues($0.resources).cpuShares) })
        }
        write(&text, "container_spec_memory_limit_bytes", .gauge, "Memory limit for the container.") {
            ($0.cadvisorLabels(), $0.limit("memory") ?? 0)
        }
    }

    private func writeCounters(_ text: inout MetricText) {
        typealias Figure = KeyPath<Cgroup.Counters, UInt64?>
        let figures: [(String, MetricText.Kind, String, Figure)] = [
            ("cpu_cfs_periods_total", .counter, "Number of elapsed enforcement period intervals.", \.periods),
            ("cpu_cfs_throttled_periods_total", .counter, "Number of throttled period intervals.", \.throttledPeriods),
            (
                "cpu_cfs_throttled_seconds_total", .counter, "Total time duration the container has been throttled.",
                \.throttledNanoseconds
            ),
            ("cpu_user_seconds_total", .counter, "Cumulative user cpu time consumed in seconds.", \.userNanoseconds),
            ("cpu_system_seconds_total", .counter, "Cumulative system cpu time consumed in seconds.", \.systemNanoseconds),
            ("memory_cache", .gauge, "Number of bytes of page cache memory.", \.cacheBytes),
            ("memory_mapped_file", .gauge, "Size of memory mapped files in bytes.", \.mappedFileBytes),
            ("memory_max_usage_bytes", .gauge, "Maximum memory usage recorded in bytes", \.peakBytes),
            (
                "oom_events_total", .counter, "Count of out of memory events observed for the container", \.memoryKills
            ),
            ("threads", .gauge, "Number of threads running inside the container", \.threads),
        ]
        for (name, kind, help, figure) in figures {
            // Spans of a quota are counted where there is one.
            let isOfQuota = name.hasPrefix("cpu_cfs")
            let unit = name.hasSuffix("seconds_total") ? 1e9 : 1
            write(&text, "container_" + name, kind, help) { container in
                let isMeant = !isOfQuota || container.limit("cpu") != nil
                let value = isMeant ? container.counters?[keyPath: figure] : nil
                return (container.cadvisorLabels(), value.map { Double($0) / unit })
            }
        }
    }

    private func writeDevices(_ text: inout MetricText) {
        typealias Figure = KeyPath<Cgroup.DeviceTraffic, UInt64>
        let figures: [(String, String, Figure)] = [
            ("container_fs_reads_bytes_total", "Cumulative count of bytes read", \.readBytes),
            ("container_fs_reads_total", "Cumulative count of reads completed", \.reads),
            ("container_fs_writes_bytes_total", "Cumulative count of bytes written", \.writtenBytes),
            ("container_fs_writes_total", "Cumulative count of writes completed", \.writes),
        ]
        for (name, help, figure) in figures {
            text.begin(name, .counter, help)
            for container in containers {
                for (device, traffic) in (container.counters?.devices ?? [:]).sorted(by: { $0.key < $1.key }) {
                    text.sample(name, container.cadvisorLabels([("device", device)]), Double(traffic[keyPath: figure]))
                }
            }
        }
    }

    /// Of pods with a network of their own, under the labels of their sandboxes.
    private func writeNetwork(_ text: inout MetricText) {
        typealias Figure = KeyPath<InterfaceCounters.Direction, UInt64>
        let figures: [(String, String, Figure)] = [
            ("bytes", "bytes", \.bytes), ("errors", "errors encountered while", \.errors), ("packets", "packets", \.packets),
            ("packets_dropped", "packets dropped while", \.dropped),
        ]
        let directions: [(String, String, KeyPath<InterfaceCounters, InterfaceCounters.Direction>)] = [
            ("receive", "receiv", \.received), ("transmit", "transmitt", \.sent),
        ]
        let pods = summary.pods.sorted { $0.objectName < $1.objectName }
        for (direction, verb, way) in directions {
            for (what, words, figure) in figures {
                let name = "container_network_\(direction)_\(what)_total"
                let ending = words.hasSuffix("while") ? verb + "ing" : verb + "ed"
                text.begin(name, .counter, "Cumulative count of \(words) \(ending)")
                for pod in pods {
                    guard let network = summary.counters[pod.metadata.uid]?.network else { continue }
                    for interface in network.interfaces {
                        let labels = [
                            ("container", ""), ("id", "/kubepods/pod\(pod.metadata.uid)/\(network.sandboxID)"),
                            ("image", ""), ("interface", interface.name), ("name", network.sandboxID),
                            ("namespace", pod.metadata.namespace), ("pod", pod.metadata.name),
                        ]
                        text.sample(name, labels, Double(interface[keyPath: way][keyPath: figure]))
                    }
                }
            }
        }
    }

    /// Of the processor quota, in microseconds.
    private static let period = 100_000

    // MARK: Writing

    private func write(
        _ text: inout MetricText, _ name: String, _ kind: MetricText.Kind, _ help: String,
        _ sample: (Measured) -> (labels: [(String, String)], value: Double?)
    ) {
        text.begin(name, kind, help)
        for container in containers {
            let (labels, value) = sample(container)
            if let value { text.sample(name, labels, value) }
        }
    }

    /// The sum over each pod's containers.
    private func writePods(
        _ text: inout MetricText, _ name: String, _ kind: MetricText.Kind, _ help: String,
        _ figure: (Measured) -> Double?
    ) {
        text.begin(name, kind, help)
        for pod in summary.pods {
            let figures = containers.filter { $0.pod.metadata.uid == pod.metadata.uid }.compactMap(figure)
            guard !figures.isEmpty else { continue }
            let labels = [("namespace", pod.metadata.namespace), ("pod", pod.metadata.name)]
            text.sample(name, labels, figures.reduce(0, +))
        }
    }

    private static func seconds(_ nanoseconds: UInt64) -> Double { Double(nanoseconds) / 1e9 }
}

extension UsageMetrics.Measured {
    fileprivate var labels: [(String, String)] {
        [("container", name), ("namespace", pod.metadata.namespace), ("pod", pod.metadata.name)]
    }

    fileprivate func cadvisorLabels(_ more: [(String, String)] = []) -> [(String, String)] {
        let id = stats.attributes.id
        let path = "/kubepods/pod\(pod.metadata.uid)/\(id)"
        let own = [("id", path), ("image", status?.image ?? ""), ("name", id)]
        return (labels + own + more).sorted { $0.0 < $1.0 }
    }

    fileprivate func limit(_ resource: String) -> Double? {
        spec?.resources.limits[resource].flatMap { (try? Quantity(json: .string($0)))?.double }
    }
}
