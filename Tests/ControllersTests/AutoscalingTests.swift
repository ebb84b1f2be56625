import API
import APIMachinery
import APIServer
import Client
import ClientTestSupport
import Support
import Synchronization
import Testing

@testable import Controllers

@Suite(.timeLimit(.minutes(1))) struct AutoscalingTests {
    private static let start = Timestamp(seconds: 1_000_000)

    @Test func `a target grows at once and shrinks when it was too large for five minutes`() {
        var world = World()
        Conversation(
            """
            limits 2 10
            at 0 current=3 wants=5
            ----
            5 ReadyForNewScale DesiredWithinRange

            at 15 current=5 wants=2
            ----
            5 ScaleDownStabilized DesiredWithinRange

            at 290 current=5 wants=3
            ----
            5 ScaleDownStabilized DesiredWithinRange

            # The last that wanted five is older than the window now.
            at 316 current=5 wants=2
            ----
            3 ScaleDownStabilized DesiredWithinRange

            at 600 current=3 wants=1
            ----
            2 ScaleDownStabilized DesiredWithinRange

            at 1000 current=2 wants=1
            ----
            2 ReadyForNewScale TooFewReplicas

            # Twice as many at once, never more.
            at 2000 current=4 wants=20
            ----
            8 ReadyForNewScale ScaleUpLimit

            at 2015 current=8 wants=20
            ----
            10 ReadyForNewScale TooManyReplicas
            """
        ).check { world.answer($0) }
    }

    @Test func `rules say how fast, and what is looked back at`() {
        var world = World()
        Conversation(
            """
            limits 1 100
            up pods=4:60 percent=50:60
            at 0 current=10 wants=50
            ----
            15 ReadyForNewScale ScaleUpLimit

            # Within the same minute the growth so far counts.
            at 30 current=15 wants=50
            ----
            15 ReadyForNewScale ScaleUpLimit

            at 61 current=15 wants=50
            ----
            23 ReadyForNewScale ScaleUpLimit

            up pods=4:60 percent=50:60 choose=Min
            at 200 current=20 wants=50
            ----
            24 ReadyForNewScale ScaleUpLimit

            up choose=Disabled
            at 300 current=20 wants=50
            ----
            20 ReadyForNewScale ScaleUpLimit

            # Growing, too, waits when it shall: the lowest of the window counts.
            up window=60
            forget
            at 1000 current=5 wants=5
            ----
            5 ReadyForNewScale DesiredWithinRange

            at 1030 current=5 wants=9
            ----
            5 ScaleUpStabilized DesiredWithinRange

            at 1070 current=5 wants=9
            ----
            9 ReadyForNewScale DesiredWithinRange

            down window=0 pods=2:60
            forget
            at 2000 current=9 wants=1
            ----
            7 ReadyForNewScale ScaleDownLimit

            at 2010 current=7 wants=1
            ----
            7 ReadyForNewScale ScaleDownLimit

            at 2061 current=7 wants=1
            ----
            5 ReadyForNewScale ScaleDownLimit

            down window=0 percent=10:60
            forget
            at 3000 current=15 wants=1
            ----
            13 ReadyForNewScale ScaleDownLimit
            """
        ).check { world.answer($0) }
    }

    @Test func `with a metric unknown the target may grow, not shrink`() {
        func verdict(_ outcomes: [AutoscalingDecision.Outcome]) -> String {
            var autoscaler = HorizontalPodAutoscaler(namespace: "default", name: "web")
            autoscaler.spec.maxReplicas = 10
            let decision = AutoscalingDecision(autoscaler: autoscaler, current: 3, now: Self.start)
            let result = decision.recommendation(outcomes)
            return "\(result.recommendation.map { String($0.replicas) } ?? "-") \(result.active.reason)"
        }
        func wants(_ replicas: Int) -> AutoscalingDecision.Outcome {
            .replicas(replicas, name: "m", MetricStatus(.emptyObject))
        }
        let unknown = AutoscalingDecision.Outcome.failure(reason: "FailedGetPodsMetric", error: "no")
        #expect(verdict([wants(2), wants(5), wants(4)]) == "5 ValidMetricFound")
        #expect(verdict([unknown, wants(5)]) == "5 ValidMetricFound")
        #expect(verdict([wants(2), unknown]) == "- FailedGetPodsMetric")
        #expect(verdict([unknown]) == "- FailedGetPodsMetric")
    }

    @Test func `the tolerance is that of the rules`() throws {
        var autoscaler = HorizontalPodAutoscaler(namespace: "default", name: "web")
        autoscaler.spec.behavior = HorizontalPodAutoscalerBehavior(["scaleUp": ["tolerance": "500m"]])
        let decision = AutoscalingDecision(autoscaler: autoscaler, current: 3, now: Self.start)
        #expect(decision.tolerance == ReplicaCalculation.Tolerance(up: 0.5, down: 0.1))
    }

    // MARK: The metrics APIs

    @Test func `metrics are read as their APIs give them`() async throws {
        let time = Self.start.description
        let documents: [String: Value] = [
            "apis/metrics.k8s.io/v1beta1/namespaces/ns/pods?labelSelector=app=web": [
                "items": [
                    [
                        "metadata": ["name": "a"], "timestamp": .string(time), "window": "20s",
                        "containers": [
                            ["name": "c", "usage": ["cpu": "100m"]], ["name": "d", "usage": ["cpu": "1"]],
                        ],
                    ],
                    ["metadata": ["name": "b"], "containers": [["name": "c", "usage": ["memory": "1Mi"]]]],
                ]
            ],
            "apis/custom.metrics.k8s.io/v1beta1/namespaces/ns/pods/*/hits?labelSelector=app=web": [
                "items": [["describedObject": ["name": "a"], "value": "1500m", "timestamp": .string(time)]]
            ],
            "apis/custom.metrics.k8s.io/v1beta2/namespaces/ns/ingresses.networking.k8s.io/front/hits": [
                "items": [["value": "2k"]]
            ],
            "apis/external.metrics.k8s.io/v1beta1/namespaces/ns/queue?labelSelector=name=jobs": [
                "items": [["value": "3"], ["value": "4"]]
            ],
        ]
        let metrics = APIMetrics { path, query throws(Status) in
            let text = query.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
            let key = path.joined(separator: "/") + (text.isEmpty ? "" : "?" + text)
            guard let document = documents[key] else { throw .notFound(.pods, key) }
            return document
        }
        let pods = PodSelection(namespace: "ns", selector: "app=web")
        #expect(
            try await metrics.resource("cpu", of: pods, container: nil)
                == ["a": PodSample(milliValue: 1100, timestamp: Self.start, window: .seconds(20))])
        #expect(try await metrics.resource("cpu", of: pods, container: "c")["a"]?.milliValue == 100)
        #expect(try await metrics.pods(MetricName("hits"), of: pods)["a"]?.milliValue == 1500)
        let ingress = MeasuredObject(.ingresses, namespace: "ns", name: "front")
        #expect(try await metrics.object(MetricName("hits"), of: ingress) == 2_000_000)
        #expect(try await metrics.external(MetricName("queue", selector: "name=jobs"), in: "ns") == [3000, 4000])
        let failure = await #expect(throws: Status.self) { try await metrics.external(MetricName("x"), in: "ns") }
        #expect(failure?.message.hasPrefix("unable to fetch metrics from external metrics API: ") == true)
    }

    // MARK: The controller

    @Test func `a deployment of the whole server follows its pods' use, and the clock`() async throws {
        let (clock, metrics) = (ManualClock(), FixedMetrics())
        let now: @Sendable () -> Timestamp = { Self.start + clock.now.offset }
        try await withServer(now: now) { server in
            let admin = server.client()
            let name = ObjectName(namespace: "default", name: "web")
            try await admin.create(Self.deployment)
            var autoscaler = HorizontalPodAutoscaler(namespace: "default", name: "web")
            autoscaler.spec = HorizontalPodAutoscalerSpec([
                "scaleTargetRef": ["apiVersion": "apps/v1", "kind": "Deployment", "name": "web"],
                "maxReplicas": 5,
            ])
            try await admin.create(autoscaler)
            let client = server.controllerClient("horizontal-pod-autoscaler")
            let controller = HorizontalPodAutoscalerController(catalog: server.catalog, metrics: metrics)
            try await running([controller], on: client, clock: clock, now: now) {
                // Its scale tells no selector yet that finds pods.
                let failed = try await wait(for: HorizontalPodAutoscaler.self, name, admin) {
                    $0?.status.conditions.contains { $0.type == "ScalingActive" } == true
                }
                #expect(failed?.status.conditions.first?.reason == "SucceededGetScale")
                #expect(
                    failed?.status.conditions.first { $0.type == "ScalingActive" }?.reason
                        == "FailedGetResourceMetric")
                try await Self.createPod("web-1", admin)
                metrics.set(["web-1": 160])
                await clock.waitForSleepers()
                clock.advance(by: .seconds(15))
                let scaled = try await wait(for: HorizontalPodAutoscaler.self, name, admin) {
                    $0?.status.desiredReplicas == 2
                }
                #expect(scaled?.status.currentReplicas == 1)
                #expect(scaled?.status.lastScaleTime == now())
                let condition = scaled?.status.conditions.first { $0.type == "AbleToScale" }
                #expect(condition?.reason == "SucceededRescale")
                #expect(scaled?.status.currentMetrics.first?.resource?.current.averageUtilization == 160)
                #expect(try await admin.get(Deployment.self, name).spec.replicas == 2)
            }
        }
    }

    @Test func `two autoscalers of the same pods do nothing`() async throws {
        let api = MemoryAPI()
        let widgets = GroupVersionResource(group: "example.com", version: "v1", resource: "widgets")
        let kind = GroupVersionKind(group: "example.com", version: "v1", kind: "Widget")
        _ = try await api.create(
            Target(widgets, namespace: "default"),
            [
                "metadata": ["name": "w"], "spec": ["replicas": 1], "status": ["replicas": 1, "selector": "app=web"],
            ], WriteOptions())
        try await api.create(Self.pod("a"))
        for name in ["one", "two"] {
            var autoscaler = HorizontalPodAutoscaler(namespace: "default", name: name)
            autoscaler.spec = HorizontalPodAutoscalerSpec([
                "scaleTargetRef": ["apiVersion": "example.com/v1", "kind": "Widget", "name": "w"], "maxReplicas": 3,
                "metrics": [
                    ["type": "Resource", "resource": ["name": "cpu", "target": ["averageValue": "10m"]]]
                ],
            ])
            try await api.create(autoscaler)
        }
        let metrics = FixedMetrics()
        metrics.set(["a": 10])
        let clock = ManualClock()
        let catalog = FixedCatalog([
            CatalogEntry(resource: widgets, kind: kind, isNamespaced: true, verbs: [])
        ])
        let controller = HorizontalPodAutoscalerController(catalog: catalog, metrics: metrics)
        try await running([controller], on: api, clock: clock, now: { Self.start }) {
            await api.wait { api in
                api.peek(all: HorizontalPodAutoscaler.self).contains {
                    $0.status.conditions.contains { $0.reason == "AmbiguousSelector" }
                }
            }
        }
    }

    private static var deployment: Deployment {
        var deployment = Deployment(namespace: "default", name: "web")
        deployment.spec.replicas = 1
        deployment.spec.selector = MetaV1LabelSelector(["matchLabels": ["app": "web"]])
        deployment.spec.template.metadata.labels = ["app": "web"]
        deployment.spec.template.spec = pod("x").spec
        return deployment
    }

    private static func pod(_ name: String) -> Pod {
        var pod = Pod(namespace: "default", name: name)
        pod.metadata.labels = ["app": "web"]
        pod.spec = PodSpec([
            "containers": [["name": "c", "image": "i", "resources": ["requests": ["cpu": "100m"]]]]
        ])
        pod.status.phase = "Running"
        pod.status.startTime = start + .seconds(-2000)
        var ready = PodCondition()
        (ready.type, ready.status, ready.lastTransitionTime) = ("Ready", "True", start + .seconds(-1000))
        pod.status.conditions = [ready]
        return pod
    }

    private static func createPod(_ name: String, _ client: some Client) async throws {
        var pod = try await client.create(pod(name))
        pod.status = Self.pod(name).status
        try await client.updateStatus(pod)
    }

    /// Metrics that say what the test wants.
    private final class FixedMetrics: MetricsSource {
        private let values = Mutex<[String: Int64]>([:])

        func set(_ new: [String: Int64]) { values.withLock { $0 = new } }

        func resource(
            _ name: String, of pods: PodSelection, container: String?
        ) async throws(Status) -> [String: PodSample] {
            values.withLock(\.self).mapValues { PodSample(milliValue: $0, timestamp: AutoscalingTests.start) }
        }

        func pods(_ metric: MetricName, of pods: PodSelection) async throws(Status) -> [String: PodSample] { [:] }
        func object(_ metric: MetricName, of object: MeasuredObject) async throws(Status) -> Int64 { 0 }
        func external(_ metric: MetricName, in namespace: String) async throws(Status) -> [Int64] { [] }
    }

    private struct World {
        private var autoscaler = HorizontalPodAutoscaler(namespace: "default", name: "web")
        private var history: ScalingHistory?

        mutating func answer(_ command: [String]) -> [String] {
            let options = options(command)
            switch command[0] {
            case "limits":
                autoscaler.spec.minReplicas = Int(command[1])
                autoscaler.spec.maxReplicas = Int(command[2]) ?? 1
            case "up", "down":
                var behavior = autoscaler.spec.behavior ?? HorizontalPodAutoscalerBehavior()
                if command[0] == "up" { behavior.scaleUp = rules(options) } else { behavior.scaleDown = rules(options) }
                autoscaler.spec.behavior = behavior
            case "forget": history = nil
            default: return [decide(Int(command[1]) ?? 0, options)]
            }
            return []
        }

        private func rules(_ options: [String: String]) -> HPAScalingRules {
            var rules = HPAScalingRules()
            rules.selectPolicy = options["choose"]
            rules.stabilizationWindowSeconds = options["window"].flatMap { Int($0) }
            for (key, type) in [("pods", "Pods"), ("percent", "Percent")] {
                guard let words = options[key]?.split(separator: ":"), words.count == 2 else { continue }
                var policy = HPAScalingPolicy()
                policy.type = type
                (policy.valueNumber, policy.periodSeconds) = (Int(words[0]) ?? 0, Int(words[1]) ?? 0)
                rules.policies += [policy]
            }
            return rules
        }

        private mutating func decide(_ seconds: Int, _ options: [String: String]) -> String {
            let now = AutoscalingTests.start + .seconds(seconds)
            let (current, wanted) = (Int(options["current"] ?? "") ?? 0, Int(options["wants"] ?? "") ?? 0)
            let decision = AutoscalingDecision(autoscaler: autoscaler, current: current, now: now)
            var past = history ?? ScalingHistory(beginningWith: min(current, wanted), at: now)
            let size = decision.size(wanted, &past)
            if size.replicas != current { decision.note(scaledTo: size.replicas, in: &past) }
            history = past
            return "\(size.replicas) \(size.able.reason) \(size.limited.reason)"
        }
    }
}
