import API
import APIMachinery
import Support
import Testing

@testable import Controllers

/// What flags of Kubernetes' controller manager change.
@Suite struct ControllerOptionsTests {
    private static let start = Timestamp(seconds: 1_000_000)

    // MARK: Nodes

    private static func health(_ silence: Int, _ options: NodeLifecycleOptions, isKnown: Bool = true) -> NodeHealth {
        var node = Node(name: "n1")
        if isKnown {
            var ready = NodeCondition()
            (ready.type, ready.status) = ("Ready", "True")
            node.status.conditions = [ready]
        }
        return NodeHealth(node: node, silence: .seconds(silence), now: start, options: options)
    }

    @Test func `a node may be silent for as long as is said`() {
        var options = NodeLifecycleOptions()
        options.grace = .seconds(20)
        options.startupGrace = .seconds(30)
        #expect(Self.health(19, options).judged.isReady && Self.health(19, options).nextDeadline == .seconds(1))
        #expect(Self.health(20, options).judged.isUnreachable)
        #expect(Self.health(29, options, isKnown: false).nextDeadline == .seconds(1))
        #expect(Self.health(30, options, isKnown: false).judged.isUnreachable)
    }

    private static func census(_ options: NodeLifecycleOptions, of count: Int, lost: Int) -> NodeCensus {
        var census = NodeCensus(options)
        for number in 0..<count { census.set("n\(number)", isReady: number >= lost, isHeard: true, at: .zero) }
        return census
    }

    @Test func `nodes are given up as fast as is said`() {
        var options = NodeLifecycleOptions()
        (options.evictionRate, options.secondaryEvictionRate, options.largeCount) = (0.5, 0.25, 9)
        func second(_ lost: Int, _ change: (inout NodeLifecycleOptions) -> Void = { _ in }) -> [NodeCensus.Permit] {
            var own = options
            change(&own)
            var census = Self.census(own, of: 10, lost: lost)
            let first = census.permit("n0", at: .zero)
            return [first, census.permit("n1", at: .zero)]
        }
        #expect(second(3) == [.granted, .later(.seconds(2))])
        #expect(second(6) == [.granted, .later(.seconds(4))])
        #expect(second(6) { $0.largeCount = 10 } == [.refused, .refused])
        #expect(second(6) { $0.secondaryEvictionRate = 0 } == [.refused, .refused])
        #expect(second(3) { $0.evictionRate = 0 } == [.refused, .refused])
        #expect(second(3) { $0.evictionRate = 1e-300 }[0] == .granted)
    }

    @Test func `a zone is partly lost from the part that is said`() {
        var options = NodeLifecycleOptions()
        #expect(Self.census(options, of: 20, lost: 10).states == ["": .normal])
        #expect(Self.census(options, of: 20, lost: 11).states == ["": .partlyLost], "55 of 100, exactly")
        options.unhealthyShare = 0.8
        #expect(Self.census(options, of: 20, lost: 15).states == ["": .normal])
        #expect(Self.census(options, of: 20, lost: 16).states == ["": .partlyLost])
    }

    // MARK: Autoscalers

    private static func decision(_ options: AutoscalerOptions, at seconds: Int = 0) -> AutoscalingDecision {
        var autoscaler = HorizontalPodAutoscaler(namespace: "default", name: "web")
        autoscaler.spec.maxReplicas = 10
        return AutoscalingDecision(
            autoscaler: autoscaler, current: 5, now: start + .seconds(seconds), options: options)
    }

    @Test func `a target shrinks when its recommendations were low for as long as is said`() {
        for (window, replicas) in [(Duration.seconds(60), 5), (.seconds(20), 2)] {
            var options = AutoscalerOptions()
            options.downscaleStabilization = window
            var history = ScalingHistory(beginningWith: 5, at: Self.start)
            #expect(Self.decision(options, at: 30).size(2, &history).replicas == replicas)
        }
    }

    @Test func `a metric may be as far from its target as is said`() {
        var options = AutoscalerOptions()
        options.tolerance = 0.3
        #expect(Self.decision(options).tolerance == ReplicaCalculation.Tolerance(up: 0.3, down: 0.3))
    }

    @Test func `a pod is new for as long as is said`() {
        var pod = Pod(namespace: "default", name: "a")
        pod.status = PodStatus([
            "phase": "Running", "startTime": .string(Self.start.description),
            "conditions": [
                [
                    "type": "Ready", "status": "False",
                    "lastTransitionTime": .string((Self.start + .seconds(20)).description),
                ]
            ],
        ])
        let now = Self.start + .seconds(100)
        func unready(_ change: (inout AutoscalerOptions) -> Void) -> Set<String> {
            var options = AutoscalerOptions()
            change(&options)
            let sample = PodSample(milliValue: 1, timestamp: now)
            return SampledPods([pod], ["a": sample], isCPU: true, at: now, options).unready
        }
        #expect(unready { _ in } == ["a"], "it still begins")
        #expect(unready { $0.initialisation = .seconds(60) } == ["a"], "it was never ready")
        #expect(unready { ($0.initialisation, $0.initialReadiness) = (.seconds(60), .seconds(10)) }.isEmpty)
    }
}
