import API
import APIMachinery
import Support
import Testing

@testable import Scheduler

/// What the scheduler's configuration file says.
@Suite struct ConfigurationTests {
    private static let head = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"

    private func read(_ text: String) throws(Fault) -> SchedulerConfiguration {
        try SchedulerConfiguration(text: Self.head + text)
    }

    /// The one profile that a text describes.
    private func profile(_ text: String) throws -> Profile {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { "  " + $0 }
        let profiles = try read("profiles:\n- schedulerName: mine\n" + lines.joined(separator: "\n")).profiles
        return try #require(profiles.first)
    }

    @Test func `an empty file changes nothing`() throws {
        let configuration = try read("")
        #expect(configuration.profiles.map(\.schedulerName) == ["default-scheduler"])
        #expect(configuration.limits == SchedulingQueue.Limits())
        #expect(configuration.profiles.first?.filters == Plugin.filters)
    }

    @Test func `figures of the whole are read, and those of the process passed over`() throws {
        let configuration = try read(
            """
            podInitialBackoffSeconds: 2
            podMaxBackoffSeconds: 20
            percentageOfNodesToScore: 40
            leaderElection: {leaderElect: false}
            parallelism: 8
            profiles:
            - schedulerName: a
            - schedulerName: b
              percentageOfNodesToScore: 70
            """)
        #expect(configuration.limits.firstBackOff == .seconds(2) && configuration.limits.mostBackOff == .seconds(20))
        #expect(configuration.profiles.map(\.percentageOfNodesToScore) == [40, 70])
    }

    @Test func `plugins are disabled and enabled, at one point or all`() throws {
        let mine = try profile(
            """
            plugins:
              multiPoint:
                enabled: [{name: NodeAffinity, weight: 7}]
                disabled: [{name: InterPodAffinity}]
              score:
                enabled: [{name: ImageLocality, weight: 9}]
                disabled: [{name: PodTopologySpread}]
              filter:
                disabled: [{name: NodePorts}]
              postFilter:
                disabled: [{name: DefaultPreemption}]
            """)
        #expect(!mine.filters.contains(.interPodAffinity) && !mine.filters.contains(.nodePorts))
        #expect(mine.filters.contains(.podTopologySpread))
        let weights = Dictionary(uniqueKeysWithValues: mine.scores.map { ($0.plugin, $0.weight) })
        #expect(weights[.nodeAffinity] == 7 && weights[.imageLocality] == 9 && weights[.taintToleration] == 3)
        #expect(weights[.podTopologySpread] == nil && weights[.interPodAffinity] == nil)
        #expect(!mine.preempts && mine.heedsGates)
    }

    @Test func `all can be disabled, and some of them named again`() throws {
        let mine = try profile(
            """
            plugins:
              score:
                disabled: [{name: "*"}]
                enabled: [{name: NodeResourcesFit, weight: 2}]
            """)
        #expect(mine.scores.map(\.plugin) == [.nodeResourcesFit] && mine.scores.first?.weight == 2)
        #expect(mine.filters == Plugin.filters)
    }

    @Test func `each plugin's arguments are read`() throws {
        let mine = try profile(
            """
            pluginConfig:
            - name: NodeResourcesFit
              args:
                ignoredResourceGroups: [example.com]
                scoringStrategy:
                  type: RequestedToCapacityRatio
                  resources: [{name: cpu, weight: 3}, {name: example.com/x}]
                  requestedToCapacityRatio:
                    shape: [{utilization: 0, score: 0}, {utilization: 100, score: 10}]
            - name: NodeAffinity
              args:
                addedAffinity:
                  requiredDuringSchedulingIgnoredDuringExecution:
                    nodeSelectorTerms: [{matchExpressions: [{key: disk, operator: Exists}]}]
            - name: InterPodAffinity
              args: {hardPodAffinityWeight: 5, ignorePreferredTermsOfExistingPods: true}
            - name: PodTopologySpread
              args:
                defaultingType: List
                defaultConstraints: [{maxSkew: 2, topologyKey: rack, whenUnsatisfiable: DoNotSchedule}]
            - name: DefaultPreemption
              args: {minCandidateNodesPercentage: 20, minCandidateNodesAbsolute: 3}
            - name: VolumeBinding
              args: {bindTimeoutSeconds: 30}
            """)
        #expect(mine.fit.ignoredGroups == ["example.com"])
        #expect(mine.fit.resources.map(\.weight) == [3, 1])
        guard case .ratio(let curve) = mine.fit.strategy else { return #expect(Bool(false), "a curve") }
        #expect(curve.map(\.score) == [0, 100])
        #expect(mine.addedRequired?.terms.count == 1)
        #expect(mine.hardPodAffinityWeight == 5 && mine.ignoresPreferredTermsOfExistingPods)
        #expect(mine.defaultSpread?.map(\.topologyKey) == ["rack"])
        #expect(mine.preemption.minCandidateNodesAbsolute == 3)
        #expect(mine.volumeTimeout == .seconds(30) && Profile().volumeTimeout == .seconds(600))
    }

    @Test(
        arguments: [
            ("profile: []", "unknown field profile"),
            ("profiles: [{name: x}]", "unknown field profiles[0].name"),
            ("profiles: [{plugins: {score: {enabled: [{name: Foo}]}}}]", "profiles[0].plugins.score.enabled[0].name Foo is no plugin of this scheduler"),
            ("profiles: [{plugins: {bind: {disabled: [{name: DefaultBinder}]}}}]", "profiles[0].plugins.bind must keep DefaultBinder: this scheduler has no other"),
            ("profiles: [{pluginConfig: [{name: NodePorts, args: {a: 1}}]}]", "profiles[0].pluginConfig[0].args cannot be given to NodePorts"),
            ("profiles: [{pluginConfig: [{name: InterPodAffinity, args: {hardPodAffinityWeight: 101}}]}]", "profiles[0].pluginConfig[0].args.hardPodAffinityWeight is no whole number from 0 to 100"),
            ("profiles: [{pluginConfig: [{name: VolumeBinding, args: {bindTimeoutSeconds: -1}}]}]", "profiles[0].pluginConfig[0].args.bindTimeoutSeconds is no whole number from 0 to 2147483647"),
            ("profiles: [{pluginConfig: [{name: VolumeBinding, args: {shape: []}}]}]", "profiles[0].pluginConfig[0].args.shape needs the feature StorageCapacityScoring, which is not on"),
            ("profiles: [{schedulerName: a}, {schedulerName: a}]", "profiles: two have the same schedulerName"),
            ("podMaxBackoffSeconds: 0", "podMaxBackoffSeconds is no whole number from 1 to 1000000"),
            ("extenders: [{filterVerb: f}]", "extenders[0].urlPrefix is missing"),
        ])
    func `what is not known is refused, and named`(text: String, problem: String) {
        let fault = #expect(throws: Fault.self) { try read(text) }
        #expect(fault?.summary == "the scheduler's configuration cannot be used: " + problem)
    }

    @Test func `another kind is refused`() {
        #expect(throws: Fault.self) { try SchedulerConfiguration(text: "kind: Pod") }
        #expect(throws: Fault.self) { try SchedulerConfiguration(text: "{") }
    }

    @Test func `extenders are read, and what they count is not counted twice`() throws {
        let configuration = try read(
            """
            extenders:
            - urlPrefix: https://extender.example/api/
              filterVerb: filter
              prioritizeVerb: prioritize
              weight: 3
              enableHTTPS: true
              httpTimeout: 2s
              nodeCacheCapable: true
              ignorable: true
              managedResources: [{name: example.com/foo, ignoredByScheduler: true}]
            """)
        let extender = try #require(configuration.extenders.first)
        #expect(extender.url == "https://extender.example/api" && extender.weight == 3)
        #expect(extender.timeout == .seconds(2) && extender.security != nil && extender.knowsNodes)
        #expect(configuration.profiles.first?.fit.ignores("example.com/foo") == true)
        let asking: Value = ["spec": ["containers": [["resources": ["limits": ["example.com/foo": "1"]]]]]]
        #expect(extender.isInterested(in: asking))
        #expect(!extender.isInterested(in: ["spec": ["containers": [[:]]]]))
    }
}
