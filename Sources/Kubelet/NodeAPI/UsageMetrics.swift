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
                spec: (pod.spec.containers + pod.spec.initContainers).first { $0.name == name }, stats: stats)
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
        text.begin("machine_cpu_cores", .gauge, "Number of logical CPU cores.")
        text.sample("machine_cpu_cores", [], Double(processors))
        text.begin("machine_memory_bytes", .gauge, "Amount of memory installed on the machine.")
        text.sample("machine_memory_bytes", [], Double(memory.bytes))
        return text.bytes
    }

    private func writeLimits(_ text: inout MetricText) {
        write(&text, "container_spec_cpu_period", .gauge, "CPU period of the container.") {
            ($0.cadvisorLabels(), $0.limit("cpu") == nil ? nil : Double(Self.period))
        }
        write(&text, "container_spec_cpu_quota", .gauge, "CPU quota of the container.") {
            ($0.cadvisorLabels(), $0.limit("cpu").map { ($0 * Double(Self.period)).rounded() })
        }
        write(&text, "container_spec_memory_limit_bytes", .gauge, "Memory limit for the container.") {
            ($0.cadvisorLabels(), $0.limit("memory") ?? 0)
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
