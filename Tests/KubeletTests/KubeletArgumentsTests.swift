import APIMachinery
import Support
import Testing

@testable import Kubelet

@Suite struct KubeletArgumentsTests {
    private static func options(_ arguments: [String: String]) throws(Fault) -> KubeletOptions {
        var options = KubeletOptions(
            nodeName: "n", internalAddresses: [], version: "v", layout: KubeletLayout(root: "/nowhere"))
        try options.apply(arguments)
        return options
    }

    @Test func `logs and images have their limits`() throws {
        let options = try Self.options([
            "container-log-max-size": "1Mi", "container-log-max-files": "3", "image-gc-high-threshold": "70",
            "image-gc-low-threshold": "60", "minimum-image-ttl-duration": "5m",
        ])
        #expect(options.logLimits.size == 1 << 20 && options.logLimits.files == 3)
        #expect(options.imageLimits.high == 70 && options.imageLimits.low == 60)
        #expect(options.imageLimits.minimumAge == .seconds(300))
        #expect(try Self.options(["pod-max-pids": "100"]).podProcesses == 100)
        #expect(try Self.options(["pod-max-pids": "-1"]).podProcesses == nil)
        let pods = try Self.options(["pods-per-core": "10", "image-maximum-gc-age": "24h", "pod-manifest-path": "/p"])
        #expect(pods.podsPerCore == 10 && pods.imageLimits.maximumAge == .seconds(86_400) && pods.staticPods == "/p")
        let defaults = try Self.options([:])
        #expect(defaults.logLimits.size == 10 << 20 && defaults.logLimits.files == 5)
        #expect(defaults.evictionThresholds == EvictionThreshold.defaults && EvictionThreshold.defaults.count == 5)
    }

    @Test func `the node answers what it is told to answer`() throws {
        let defaults = try Self.options([:]).handlers
        #expect(defaults.hasDebugging && defaults.showsSystemLogs && !defaults.answersLogQueries)
        let options = try Self.options([
            "enable-debugging-handlers": "false", "enable-system-log-handler": "true", "enable-system-log-query": "",
        ])
        #expect(!options.handlers.hasDebugging && options.handlers.answersLogQueries)
        #expect(String(decoding: options.configurationJSON, as: UTF8.self).contains(#""enableSystemLogQuery":true"#))
        #expect(options.flags["enable-debugging-handlers"] == "false" && options.flags["max-pods"] == "110")
        #expect(options.flags["enable-system-log-query"] == "", "as it was given")
        let fault = #expect(throws: Fault.self) {
            try Self.options(["enable-system-log-handler": "false", "enable-system-log-query": "true"])
        }
        #expect(
            fault?.summary
                == "invalid configuration: enableSystemLogHandler is required for enableSystemLogQuery")
    }

    @Test func `control groups are made by one of two`() throws {
        #expect(try Self.options([:]).cgroupDriver == .cgroupfs)
        let options = try Self.options(["cgroup-driver": "systemd"])
        #expect(options.cgroupDriver == .systemd && options.systemdUnits?.bus == options.systemBus)
        let told = try Value(json: options.configurationJSON)["kubeletconfig"]
        #expect(told?["cgroupDriver"] == "systemd")
        let fault = #expect(throws: Fault.self) { try Self.options(["cgroup-driver": "other"]) }
        #expect(fault?.summary == "--kubelet-arg cgroup-driver=other is not cgroupfs or systemd")
    }

    @Test func `pulls have their limits`() throws {
        let defaults = try Self.options([:]).pullLimits
        #expect(!defaults.isSerial && defaults.slots == nil && defaults.perSecond == 5 && defaults.burst == 10)
        let limits = try Self.options([
            "max-parallel-image-pulls": "3", "registry-qps": "0", "registry-burst": "1",
        ]).pullLimits
        #expect(limits.slots == 3 && limits.perSecond == 0 && limits.burst == 1)
        for text in ["", "true", "1"] {
            #expect(try Self.options(["serialize-image-pulls": text]).pullLimits.slots == 1)
        }
        #expect(try Self.options(["serialize-image-pulls": "false"]).pullLimits.slots == nil)
        let fault = #expect(throws: Fault.self) {
            try Self.options(["serialize-image-pulls": "true", "max-parallel-image-pulls": "2"])
        }
        #expect(fault?.summary.hasPrefix("maxParallelImagePulls cannot be larger than 1 unless") == true)
    }

    @Test func `thresholds replace those that were there`() throws {
        let options = try Self.options([
            "eviction-hard": "memory.available<1Gi,nodefs.available<0%", "eviction-soft": "nodefs.available<20%",
            "eviction-soft-grace-period": "nodefs.available=90s", "eviction-minimum-reclaim": "memory.available=1%",
            "eviction-max-pod-grace-period": "30", "eviction-pressure-transition-period": "1m",
        ])
        #expect(options.evictionThresholds.map(\.signal) == [.memory, .nodeDisk])
        #expect(options.evictionThresholds.map(\.gracePeriod) == [nil, .seconds(90)])
        #expect(options.evictionThresholds.map { $0.reclaim?.value(of: 1000) } == [10, nil])
        #expect(options.evictionGracePeriod == .seconds(30) && options.evictionTransition == .seconds(60))
    }

    @Test(arguments: [
        ("container-log-max-files", "1"), ("container-log-max-size", "0"), ("image-gc-high-threshold", "101"),
        ("image-gc-low-threshold", "85"), ("minimum-image-ttl-duration", "-1s"), ("eviction-hard", "x<1"),
        ("eviction-hard", "memory.available=1Gi"), ("eviction-hard", "memory.available<y"),
        ("eviction-soft", "memory.available<1Gi"), ("other", "1"), ("system-reserved", "cpu"),
        ("kube-reserved", "disk=1"), ("system-reserved", "cpu=-1"), ("pods-per-core", "-1"),
        ("serialize-image-pulls", "perhaps"), ("max-parallel-image-pulls", "0"), ("registry-qps", "-1"),
    ])
    func `what means nothing is told by its name`(name: String, value: String) {
        let fault = #expect(throws: Fault.self) { try Self.options([name: value]) }
        #expect(fault?.summary.contains("--kubelet-arg " + name) == true)
    }
}
