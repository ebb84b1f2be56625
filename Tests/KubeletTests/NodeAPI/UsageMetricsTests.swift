import API
import APIMachinery
import Runtime
import Support
import Testing

@testable import Host
@testable import Kubelet

@Suite struct UsageMetricsTests {
    private static let metrics: UsageMetrics = {
        let pod = Pod([
            "metadata": ["namespace": "ns", "name": "web", "uid": "u1"],
            "spec": ["containers": [["name": "c", "resources": ["limits": ["cpu": "250m", "memory": "64Mi"]]], ["name": "d"]]],
            "status": [
                "containerStatuses": [
                    ["name": "c", "image": "nginx:1", "state": ["running": ["startedAt": "1970-01-01T00:10:00Z"]]],
                    ["name": "d", "image": "busybox:1"],
                ]
            ],
        ])
        func stats(_ name: String, processor: UInt64, memory: UInt64) -> CRI.ContainerStats {
            var stats = CRI.ContainerStats()
            stats.attributes.id = "id-" + name
            stats.attributes.metadata.name = name
            stats.attributes.labels = [PodLabels.podUID: "u1"]
            var (cpu, used) = (CRI.CPUUsage(), CRI.MemoryUsage())
            cpu.usageCoreNanoseconds = processor
            (used.workingSetBytes, used.pageFaults) = (memory, 7)
            (stats.cpu, stats.memory) = (cpu, used)
            return stats
        }
        var strange = stats("x", processor: 1, memory: 1)
        strange.attributes.labels = [PodLabels.podUID: "gone"]
        let memory = Cgroup.Memory(
            usage: ByteCount(10), workingSet: ByteCount(9), residentSet: ByteCount(8), pageFaults: 0, majorPageFaults: 0)
        let node = Cgroup.Usage(processorNanoseconds: 12_500_000_000, memory: memory, processCount: 3)
        return UsageMetrics(
            StatsSummary(
                pods: [pod],
                containers: [
                    stats("d", processor: 500_000_000, memory: 50), stats("c", processor: 1_500_000_000, memory: 100), strange,
                ],
                nodeName: "n", node: node, now: Timestamp(seconds: 1000)))
    }()

    /// The samples, without what is said of them.
    private static func samples(_ text: [UInt8]) -> [String] {
        String(decoding: text, as: UTF8.self).split(separator: "\n").filter { !$0.hasPrefix("#") }.map(String.init)
    }

    @Test func `autoscalers are told what containers, pods and the node use`() {
        #expect(
            Self.samples(Self.metrics.resources) == [
                #"container_cpu_usage_seconds_total{container="c",namespace="ns",pod="web"} 1.5"#,
                #"container_cpu_usage_seconds_total{container="d",namespace="ns",pod="web"} 0.5"#,
                #"container_memory_working_set_bytes{container="c",namespace="ns",pod="web"} 100"#,
                #"container_memory_working_set_bytes{container="d",namespace="ns",pod="web"} 50"#,
                #"container_start_time_seconds{container="c",namespace="ns",pod="web"} 600"#,
                "node_cpu_usage_seconds_total 12.5", "node_memory_working_set_bytes 9",
                #"pod_cpu_usage_seconds_total{namespace="ns",pod="web"} 2"#,
                #"pod_memory_working_set_bytes{namespace="ns",pod="web"} 150"#, "resource_scrape_error 0",
            ])
    }

    @Test func `dashboards find what they ask for, under cAdvisor's labels`() {
        let samples = Self.samples(Self.metrics.cadvisor(processors: 2, memory: ByteCount(4096)))
        let labels = #"container="c",id="/kubepods/podu1/id-c",image="nginx:1",name="id-c",namespace="ns",pod="web""#
        let cpu = #"container="c",cpu="total",id="/kubepods/podu1/id-c",image="nginx:1",name="id-c",namespace="ns",pod="web""#
        for expected in [
            "container_cpu_usage_seconds_total{\(cpu)} 1.5", "container_memory_working_set_bytes{\(labels)} 100",
            "container_last_seen{\(labels)} 1000", "container_start_time_seconds{\(labels)} 600",
            "container_spec_cpu_quota{\(labels)} 25000", "container_spec_cpu_period{\(labels)} 100000",
            "container_spec_memory_limit_bytes{\(labels)} 67108864", "machine_cpu_cores 2", "machine_memory_bytes 4096",
        ] { #expect(samples.contains(expected), "\(expected)") }
        #expect(!samples.contains { $0.contains("gone") || $0.hasPrefix("container_memory_rss") }, "nothing is made up")
        #expect(samples.count { $0.hasPrefix("container_memory_failures_total") } == 2)
        #expect(samples.contains { $0.hasPrefix("container_spec_memory_limit_bytes{container=\"d\"") && $0.hasSuffix(" 0") })
    }
}
