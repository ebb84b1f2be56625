import Support
import Testing

@testable import Supervisor

@Suite struct ControllerManagerArgumentsTests {
    private static func read(_ arguments: String...) throws(Fault) -> ControllerManagerArguments {
        try ControllerManagerArguments(arguments)
    }

    @Test func `flags of nodes and pods are read`() throws {
        let read = try Self.read(
            "node-monitor-grace-period=20s", "--node-startup-grace-period=30s", "node-eviction-rate=0.5",
            "secondary-node-eviction-rate=0", "unhealthy-zone-threshold=0.7", "large-cluster-size-threshold=10",
            "node-cidr-mask-size=26", "allocate-node-cidrs=false", "terminated-pod-gc-threshold=10",
            "cluster-signing-duration=720h", "legacy-service-account-token-clean-up-period=24h",
            "enable-garbage-collector=false")
        #expect(read.nodeGrace == .seconds(20) && read.nodeStartupGrace == .seconds(30))
        #expect(read.evictionRate == 0.5 && read.secondaryEvictionRate == 0 && read.unhealthyShare == 0.7)
        #expect(read.largeCount == 10 && read.nodeMaskSize == 26 && !read.allocatesAddresses)
        #expect(read.finishedPods == 10 && read.signingLifetime == .seconds(720 * 3600))
        #expect(read.unusedTokenLifetime == .seconds(86_400) && !read.collectsGarbage && read.idle.isEmpty)
        #expect(try Self.read("terminated-pod-gc-threshold=-1").finishedPods == 0)
        #expect(try Self.read("node-cidr-mask-size=26", "node-cidr-mask-size-ipv4=25").nodeMaskSize == 25)
    }

    @Test func `flags of autoscalers are read`() throws {
        let name = "horizontal-pod-autoscaler-"
        let read = try Self.read(
            name + "sync-period=30s", name + "downscale-stabilization=1m", name + "tolerance=0.2",
            name + "cpu-initialization-period=2m", name + "initial-readiness-delay=0s")
        #expect(read.autoscalerPeriod == .seconds(30) && read.downscaleStabilization == .seconds(60))
        #expect(read.autoscalerTolerance == 0.2 && read.autoscalerInitialisation == .seconds(120))
        #expect(read.autoscalerReadiness == .zero)
    }

    @Test func `nothing said is nothing wanted`() throws {
        let read = try Self.read()
        #expect(read.nodeGrace == nil && read.finishedPods == nil && read.autoscalerPeriod == nil)
        #expect(read.allocatesAddresses && read.collectsGarbage && read.idle.isEmpty)
        #expect(read.controllers.has("job-controller") && read.controllers.has("bootstrap-signer-controller"))
    }

    @Test func `flags that change nothing here are named`() throws {
        let read = try Self.read(
            "v=4", "concurrent-deployment-syncs=10", "leader-elect=false", "node-monitor-period=2s", "bind-address=0.0.0.0",
            "profiling=false", "use-service-account-credentials=true")
        #expect(
            read.idle == ["bind-address", "node-monitor-period", "v", "leader-elect", "concurrent-deployment-syncs"])
    }

    @Test(arguments: [
        "node-monitor-grace-period=0s", "node-monitor-grace-period=soon", "node-eviction-rate=-1", "node-eviction-rate=x",
        "unhealthy-zone-threshold=1.1", "node-eviction-rate=nan", "node-cidr-mask-size=33", "profiling=true",
        "large-cluster-size-threshold=x", "use-service-account-credentials=false", "controllers=*,nope",
        "controllers=-*", "root-ca-file=/f", "nope=1", "horizontal-pod-autoscaler-sync-period=0s",
    ])
    func `what cannot be had is refused`(argument: String) {
        let fault = #expect(throws: Fault.self) { try Self.read(argument) }
        #expect(fault?.summary.hasPrefix("--kube-controller-manager-arg: ") == true)
    }

    @Test(arguments: [
        (["*"], ["job-controller", "node-ipam-controller"], ["token-cleaner-controller"]),
        (["*", "-job", "tokencleaner"], ["token-cleaner-controller", "cronjob-controller"], ["job-controller"]),
        (["-job-controller", "*"], ["cronjob-controller"], ["job-controller"]),
        (["job", "cronjob"], ["job-controller", "cronjob-controller"], ["deployment-controller"]),
        // The first that names it counts.
        (["job", "-job"], ["job-controller"], ["cronjob-controller"]),
        (["*", "-nodelifecycle"], ["taint-eviction-controller"], ["node-lifecycle-controller"]),
    ])
    func `controllers are chosen`(list: [String], run: [String], rest: [String]) throws {
        let choice = try Self.read("controllers=" + list.joined(separator: ",")).controllers
        for name in run { #expect(choice.has(name), "\(name)") }
        for name in rest { #expect(!choice.has(name), "\(name)") }
    }

    @Test func `one controller less is told beside k3s' own choice`() throws {
        let choice = try Self.read("controllers+=-job").controllers
        #expect(!choice.has("job-controller") && choice.has("token-cleaner-controller"))
        #expect(choice.has("deployment-controller") && !choice.has("bootstrap-signer-controller"))
    }
}
