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
        var summary = StatsSummary(
                pods: [pod],
                containers: [
                    stats("d", processor: 500_000_000, memory: 50), stats("c", processor: 1_500_000_000, memory: 100), strange,
                ],
                nodeName: "n", node: node, now: Timestamp(seconds: 1000))
        summary.counters = ["u1": Self.counters]
        return UsageMetrics(summary)
    }()

    private static let counters: PodCounters = {
        var counters = PodCounters()
        var interface = InterfaceCounters(name: "eth0")
        (interface.received.bytes, interface.received.packets) = (1000, 10)
        (interface.sent.errors, interface.sent.dropped) = (3, 4)
        counters.network = ("sandbox", [interface])
        var container = Cgroup.Counters()
        (container.periods, container.throttledPeriods, container.userNanoseconds) = (100, 25, 2_500_000_000)
        (container.throttledNanoseconds, container.memoryKills) = (1_500_000_000, 2)
        (container.cacheBytes, container.mappedFileBytes) = (4096, 512)
        container.devices["8:0"] = Cgroup.DeviceTraffic()
        container.devices["8:0"]?.writtenBytes = 7
        counters.containers = ["id-c": container, "id-d": container]
        let memory = Cgroup.Memory(
            usage: ByteCount(8), workingSet: ByteCount(7), residentSet: ByteCount(6), pageFaults: 0, majorPageFaults: 0)
        counters.usage = Cgroup.Usage(processorNanoseconds: 2_000_000_000, memory: memory, processCount: 3)
        return counters
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

    @Test func `networks, throttling and disks are told as dashboards and alerts ask for them`() {
        let samples = Self.samples(Self.metrics.cadvisor(processors: 2, memory: ByteCount(4096)))
        let sandbox = #"container="",id="/kubepods/podu1/sandbox",image="",interface="eth0",name="sandbox",namespace="ns",pod="web""#
        let labels = #"container="c",id="/kubepods/podu1/id-c",image="nginx:1",name="id-c",namespace="ns",pod="web""#
        let disk = #"container="c",device="8:0",id="/kubepods/podu1/id-c",image="nginx:1",name="id-c",namespace="ns",pod="web""#
        for expected in [
            "container_network_receive_bytes_total{\(sandbox)} 1000", "container_network_receive_packets_total{\(sandbox)} 10",
            "container_network_transmit_errors_total{\(sandbox)} 3",
            "container_network_transmit_packets_dropped_total{\(sandbox)} 4",
            "container_network_receive_packets_dropped_total{\(sandbox)} 0",
            "container_cpu_cfs_periods_total{\(labels)} 100", "container_cpu_cfs_throttled_periods_total{\(labels)} 25",
            "container_cpu_cfs_throttled_seconds_total{\(labels)} 1.5", "container_memory_cache{\(labels)} 4096",
            "container_memory_mapped_file{\(labels)} 512", "container_oom_events_total{\(labels)} 2",
            "container_fs_writes_bytes_total{\(disk)} 7", "container_fs_reads_total{\(disk)} 0",
            "container_spec_cpu_shares{\(labels)} 256", "container_cpu_user_seconds_total{\(labels)} 2.5",
            #"container_memory_working_set_bytes{container="",id="/",image="",name="",namespace="",pod=""} 9"#,
            #"container_memory_rss{container="",id="/kubepods/podu1",image="",name="",namespace="ns",pod="web"} 6"#,
            #"container_cpu_usage_seconds_total{container="",cpu="total",id="/kubepods/podu1",image="",name="",namespace="ns",pod="web"} 2"#,
        ] { #expect(samples.contains(expected), "\(expected)") }
        #expect(!samples.contains { $0.contains("cfs_periods") && $0.contains("\"d\"") }, "without a quota there are no periods")
        #expect(!samples.contains { $0.hasPrefix("container_threads") })
    }

    @Test func `the network of a pod and the disks of the node are in the summary`() throws {
        let memory = Cgroup.Memory(
            usage: ByteCount(1), workingSet: ByteCount(1), residentSet: ByteCount(1), pageFaults: 0, majorPageFaults: 0)
        var summary = StatsSummary(
            pods: [Pod(["metadata": ["namespace": "ns", "name": "web", "uid": "u1"]])], containers: [], nodeName: "n",
            node: Cgroup.Usage(processorNanoseconds: 1, memory: memory, processCount: 1), now: Timestamp(seconds: 1000))
        #expect(summary.value["pods"]?.array?.first?["network"] == nil && summary.value["node"]?["network"] == nil)
        #expect(summary.value["node"]?["fs"] == nil && summary.value["node"]?["runtime"] == nil)
        let space = try Files.space(at: "/")
        (summary.disks.pods, summary.disks.images, summary.disks.imageBytes) = (space, space, 77)
        let node = try #require(summary.value["node"])
        #expect(node["fs"]?["capacityBytes"]?.integer == space.total.bytes)
        #expect(node["fs"]?["usedBytes"]?.integer == space.used.bytes)
        #expect(node["fs"]?["inodesFree"]?.integer == Int64(clamping: space.freeInodes))
        #expect(node["runtime"]?["imageFs"]?["usedBytes"] == 77)
        #expect(node["runtime"]?["containerFs"]?["availableBytes"]?.integer == space.available.bytes)
        summary.counters = ["u1": Self.counters]
        summary.interfaces = [InterfaceCounters(name: "cni0"), InterfaceCounters(name: "eth0")]
        let network = try #require(summary.value["pods"]?.array?.first?["network"])
        #expect(network["name"] == "eth0" && network["rxBytes"] == 1000 && network["txErrors"] == 3)
        #expect(network["interfaces"]?.array?.count == 1 && network["time"] == "1970-01-01T00:16:40Z")
        #expect(summary.value["node"]?["network"]?["name"] == "eth0")
    }

    @Test func `what pods store, and what all of them use, is in the summary`() throws {
        var memory = Cgroup.Memory(
            usage: ByteCount(10), workingSet: ByteCount(9), residentSet: ByteCount(1), pageFaults: 0, majorPageFaults: 0)
        var summary = StatsSummary(
            pods: [Pod(["metadata": ["namespace": "ns", "name": "web", "uid": "u1"]])], containers: [], nodeName: "n",
            node: Cgroup.Usage(processorNanoseconds: 1, memory: memory, processCount: 1), now: Timestamp(seconds: 1000))
        #expect(summary.value["node"]?["systemContainers"] == nil && summary.value["node"]?["rlimit"] == nil)
        let space = try Files.space(at: "/")
        (summary.disks.pods, summary.disks.images, summary.memory) = (space, space, ByteCount(100))
        memory.limit = ByteCount(50)
        summary.allPods = Cgroup.Usage(processorNanoseconds: 7, memory: memory, processCount: 1)
        summary.processes = EvictionAmount(available: 60, capacity: 100)
        var stats = CRI.ContainerStats()
        stats.attributes.metadata.name = "c"
        stats.attributes.labels = [PodLabels.podUID: "u1"]
        var layer = CRI.FilesystemUsage()
        (layer.usedBytes, layer.inodesUsed) = (1000, 1)
        stats.writableLayer = layer
        summary.containers = [stats]
        var storage = PodStorage()
        storage.logs = ["c": FolderUse(files: 2, bytes: 200)]
        storage.volumes = [
            PodStorage.Volume(name: "disk", use: FolderUse(files: 3, bytes: 30), space: space, isMemory: false),
            PodStorage.Volume(name: "memory", use: FolderUse(files: 4, bytes: 4), space: space, isMemory: true),
        ]
        summary.storage = ["u1": storage]
        var counters = PodCounters()
        counters.processes = 5
        summary.counters = ["u1": counters]

        let node = try #require(summary.value["node"])
        #expect(node["memory"]?["availableBytes"] == 91 && node["rlimit"]?["maxpid"] == 100 && node["rlimit"]?["curproc"] == 40)
        let group = try #require(node["systemContainers"]?.array?.first)
        #expect(group["name"] == "pods" && group["cpu"]?["usageCoreNanoSeconds"] == 7)
        #expect(group["memory"]?["availableBytes"] == 41)
        let pod = try #require(summary.value["pods"]?.array?.first)
        #expect(pod["ephemeral-storage"]?["usedBytes"] == 1230 && pod["ephemeral-storage"]?["inodesUsed"] == 6)
        #expect(pod["process_stats"]?["process_count"] == 5)
        #expect(pod["volume"]?.array?.compactMap { $0["name"]?.string } == ["disk", "memory"])
        #expect(pod["volume"]?.array?.last?["usedBytes"] == 4)
        let container = try #require(pod["containers"]?.array?.first)
        #expect(container["rootfs"]?["usedBytes"] == 1000 && container["logs"]?["usedBytes"] == 200)
        #expect(container["logs"]?["capacityBytes"]?.integer == space.total.bytes)
    }

    @Test func `volumes of claims are told how full they are`() {
        var (bytes, inodes) = (CSI.VolumeUsage(), CSI.VolumeUsage())
        (bytes.unit, bytes.available, bytes.total, bytes.used) = (.bytes, 6, 10, 4)
        (inodes.unit, inodes.available, inodes.total, inodes.used) = (.inodes, 1, 3, 2)
        let claim = ObjectName(namespace: "ns", name: "data")
        let text = NodeMetrics.volumes([
            "u1": [VolumeUsage(name: "v", claim: claim, usage: [bytes, inodes]), VolumeUsage(name: "w", usage: [bytes])]
        ])
        let labels = #"{namespace="ns",persistentvolumeclaim="data"}"#
        #expect(
            Self.samples(text) == [
                "kubelet_volume_stats_available_bytes\(labels) 6", "kubelet_volume_stats_capacity_bytes\(labels) 10",
                "kubelet_volume_stats_inodes\(labels) 3", "kubelet_volume_stats_inodes_free\(labels) 1",
                "kubelet_volume_stats_inodes_used\(labels) 2", "kubelet_volume_stats_used_bytes\(labels) 4",
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
        #expect(!samples.contains { $0.contains("gone") || $0.hasPrefix("container_memory_rss{container=\"c\"") }, "nothing is made up")
        #expect(samples.count { $0.hasPrefix("container_memory_failures_total") } == 2)
        #expect(samples.contains { $0.hasPrefix("container_spec_memory_limit_bytes{container=\"d\"") && $0.hasSuffix(" 0") })
    }
}
