import APIMachinery
import Host
import Support
import Testing

@testable import Kubelet

@Suite struct ConfigurationFileTests {
    private static let head = "kind: KubeletConfiguration\napiVersion: kubelet.config.k8s.io/v1beta1\n"

    /// A folder as k3s has it, with these files.
    private func options(
        _ files: [String: String], _ arguments: [String: String] = [:]
    ) throws -> KubeletOptions {
        let root = "/tmp/k3s-configuration-\(UInt32.random(in: 0...UInt32.max))"
        defer { try? Files.remove(root) }
        for (name, text) in files {
            let path = Path.join(root, name)
            try Files.makeDirectory(Path.parent(of: path))
            try Files.write(
                text.hasPrefix("kind") || text.hasPrefix("=") ? text : Self.head + text, to: path, mode: 0o600
            )
        }
        var options = KubeletOptions(
            nodeName: "n", internalAddresses: [], version: "v", layout: KubeletLayout(root: "/nowhere"))
        let named = arguments.mapValues { $0.replacing("ROOT", with: root) }
        try options.configure(named, folder: root + "/kubelet.conf.d")
        return options
    }

    @Test func `every field that an argument has says the same`() throws {
        let options = try options([
            "kubelet.conf.d/50-all.conf": """
            containerLogMaxSize: 1Mi
            containerLogMaxFiles: 3
            imageGCHighThresholdPercent: 70
            imageGCLowThresholdPercent: 60
            imageMinimumGCAge: 5m
            imageMaximumGCAge: 24h
            imagePullCredentialsVerificationPolicy: NeverVerifyAllowlistedImages
            preloadedImagesVerificationAllowlist: [r.io/own/*, r.io/one]
            userNamespaces: {idsPerPod: 131072}
            enableDebuggingHandlers: true
            enableSystemLogHandler: true
            enableSystemLogQuery: true
            serializeImagePulls: true
            maxParallelImagePulls: 1
            registryPullQPS: 7
            registryBurst: 9
            podPidsLimit: 100
            allowedUnsafeSysctls: ["kernel.msg*", net.core.somaxconn]
            seccompDefault: true
            crashLoopBackOff: {maxContainerRestartPeriod: 3s}
            podsPerCore: 10
            maxPods: 42
            cgroupRoot: /pods
            cgroupDriver: systemd
            clusterDNS: [10.0.0.10, 10.0.0.11]
            clusterDomain: example.org
            resolvConf: /etc/other
            staticPodPath: /manifests
            systemReserved: {cpu: 500m, memory: 1Gi}
            kubeReserved: {cpu: "1"}
            evictionHard: {memory.available: 200Mi, nodefs.available: "7%"}
            evictionSoft: {memory.available: 300Mi}
            evictionSoftGracePeriod: {memory.available: 1m30s}
            evictionMinimumReclaim: {memory.available: 50Mi}
            evictionMaxPodGracePeriod: 20
            evictionPressureTransitionPeriod: 1m
            cpuManagerPolicy: static
            cpuManagerPolicyOptions: {full-pcpus-only: "true"}
            cpuManagerReconcilePeriod: 0s
            memoryManagerPolicy: Static
            reservedMemory: [{numaNode: 0, limits: {memory: 1Gi}}, {numaNode: 1, limits: {memory: 2Gi}}]
            topologyManagerPolicy: restricted
            topologyManagerScope: pod
            topologyManagerPolicyOptions: {prefer-closest-numa-nodes: "true"}
            """
        ])
        #expect(options.logLimits.size == 1 << 20 && options.logLimits.files == 3)
        #expect(options.imageLimits.high == 70 && options.imageLimits.low == 60)
        #expect(
            options.imageLimits.minimumAge == .seconds(300)
                && options.imageLimits.maximumAge == .seconds(86_400))
        #expect(options.idsPerPod == 131_072)
        #expect(options.handlers.hasDebugging && options.handlers.answersLogQueries)
        #expect(options.credentialPolicy == .exceptListed && options.imagesForAll == ["r.io/own/*", "r.io/one"])
        let pulls = options.pullLimits
        #expect(pulls.isSerial && pulls.mostAtOnce == 1 && pulls.perSecond == 7 && pulls.burst == 9)
        #expect(options.podProcesses == 100 && options.podsPerCore == 10 && options.maxPods == 42)
        #expect(options.cgroupDriver == .systemd && options.cgroupRoot == "/pods")
        #expect(options.clusterDNS == ["10.0.0.10", "10.0.0.11"])
        #expect(options.clusterDomain == "example.org" && options.resolvConf == "/etc/other")
        #expect(
            options.staticPods == "/manifests"
                && options.reservation.amounts == ["cpu": 1500, "memory": 1 << 30])
        #expect(options.evictionThresholds.map(\.quantity.text) == ["200Mi", "7%", "300Mi"])
        #expect(options.evictionThresholds.last?.gracePeriod == .seconds(90))
        #expect(options.evictionGracePeriod == .seconds(20) && options.evictionTransition == .seconds(60))
        #expect(options.sysctls.unsafe == ["kernel.msg*", "net.core.somaxconn"])
        #expect(options.isConfinedByDefault && options.longestBackOff == .seconds(3))
        let policies = options.resourcePolicies
        #expect(policies.hasOwnProcessors && policies.processorOptions.isWholeCores && policies.bindsMemory)
        #expect(policies.reservedMemory == [0: ["memory": 1 << 30], 1: ["memory": 2 << 30]])
        #expect(policies.topology == .restricted && policies.scope == .pod && policies.prefersClosest)
    }

    @Test func `arguments go before files, and later files before earlier ones`() throws {
        let files = [
            "kubelet.conf.d/00-k3s-defaults.conf": "authentication: {}\nmaxPods: 1",
            "kubelet.conf.d/05-early.conf": "maxPods: 5\nsystemReserved: {cpu: 100m, memory: 1Gi}",
            "kubelet.conf.d/notes.txt": "= this is none",
            "file.yaml": "maxPods: 10\npodPidsLimit: 10\nsystemReserved: {cpu: 200m}",
            "more/a.conf": "podPidsLimit: 20\ncontainerLogMaxFiles: 7",
            "more/deep/b.conf": "containerLogMaxFiles: 8",
            "kubelet.conf.d/99-late.conf": "podsPerCore: 99",
        ]
        let plain = try options(files)
        #expect(plain.maxPods == 5 && plain.podProcesses == nil && plain.podsPerCore == 99)
        let named = try options(files, ["config": "ROOT/file.yaml", "config-dir": "ROOT/more"])
        #expect(named.maxPods == 10 && named.podProcesses == 20 && named.logLimits.files == 8)
        // Field by field.
        #expect(named.reservation.amounts == ["cpu": 200, "memory": 1 << 30])
        let said = try options(
            files, ["config": "ROOT/file.yaml", "max-pods": "3", "system-reserved": "cpu=1"])
        #expect(said.maxPods == 3 && said.reservation.amounts == ["cpu": 1000] && said.podProcesses == 10)
    }

    @Test(arguments: [
        (
            "enableProfilingHandler: true", Fault.Code.unsupported,
            "the field enableProfilingHandler is not part of this version yet"
        ),
        ("authentication: {anonymous: {enabled: true}}", .unsupported, "the field authentication is not part"),
        ("authentication: {x509: {clientCAFile: /a}}", .unsupported, "the field authentication is not part"),
        ("readOnlyPort: 10255", .unsupported, "the field readOnlyPort is not part"),
        ("featureGates: {NoSuchGate: true}", .invalid, "unrecognized feature gate: NoSuchGate"),
        ("maxPods: many", .invalid, "the field maxPods has the wrong type"),
        ("allowedUnsafeSysctls: [vm.swappiness]", .invalid, "are not known to be namespaced"),
        (
            "crashLoopBackOff: {maxContainerRestartPeriod: 301s}", .invalid, "is not between 1s and 300s"
        ),
        ("crashLoopBackOff: {other: 1s}", .invalid, "the field crashLoopBackOff has the wrong type"),
        ("userNamespaces: {idsPerPod: 65537}", .invalid, "is not a multiple of 65536"),
        ("userNamespaces: {first: 1}", .invalid, "the field userNamespaces has the wrong type"),
        ("serializeImagePulls: 1", .invalid, "the field serializeImagePulls has the wrong type"),
        ("systemReserved: [cpu]", .invalid, "the field systemReserved has the wrong type"),
        ("maxPods: 0", .invalid, "max-pods"),
        ("kind: Other\napiVersion: v1\n", .invalid, "is not a KubeletConfiguration"),
        ("maxPods: 1\nmaxPods: 2", .invalid, "is not readable"),
    ])
    func `what this node does not have is refused by its name`(text: String, code: Fault.Code, words: String)
    {
        let fault = #expect(throws: Fault.self) { try options(["kubelet.conf.d/1.conf": text]) }
        #expect(fault?.code == code && fault?.summary.contains(words) == true)
    }

    @Test func `what is so anyhow may be said`() throws {
        let text = """
            authentication: {anonymous: {enabled: false}, webhook: {enabled: true}}
            authorization: {mode: Webhook}
            readOnlyPort: 0
            failSwapOn: false
            featureGates: {SidecarContainers: true}
            maxPods: 9
            """
        #expect(try options(["kubelet.conf.d/1.conf": text]).maxPods == 9)
        #expect(try options(["kubelet.conf.d/1.conf": "authentication: {}\nauthorization:"]).maxPods == 110)
    }

    @Test func `files that are named must be there`() {
        #expect(throws: Fault.self) { try options([:], ["config": "ROOT/none"]) }
        #expect(throws: Fault.self) { try options([:], ["config-dir": "ROOT/none"]) }
    }

    @Test func `a node tells what holds for it, in a form that it takes`() throws {
        let options = try options([
            "kubelet.conf.d/1.conf": "maxPods: 7\nevictionSoft: {memory.available: 300Mi}\n"
                + "evictionSoftGracePeriod: {memory.available: 90s}\nreservedSystemCPUs: 0-1"
        ])
        let told = try #require(try Value(json: options.configurationJSON)["kubeletconfig"])
        #expect(told["maxPods"] == 7 && told["evictionSoftGracePeriod"]?["memory.available"] == "1m30s")
        #expect(told["evictionHard"]?["memory.available"] == "100Mi" && told["reservedSystemCPUs"] == "0-1")
        #expect(told["systemReserved"]?["cpu"] == "2000m" && told["cpuManagerPolicy"] == "none")
        #expect(told["serializeImagePulls"] == false && told["registryPullQPS"] == 5 && told["registryBurst"] == 10)
        #expect(told["imageMinimumGCAge"] == "2m0s" && told["kind"] == "KubeletConfiguration")
    }
}
