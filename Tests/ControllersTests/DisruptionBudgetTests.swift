import API
import APIMachinery
import APIServer
import Client
import ClientTestSupport
import Support
import Testing

@testable import Controllers

@Suite(.timeLimit(.minutes(1))) struct DisruptionBudgetTests {
    private static let now = Timestamp(seconds: 1_000_000)

    @Test func `a budget allows what its pods can spare`() throws {
        var world = World()
        try Conversation(
            """
            budget minAvailable=2
            decide
            ----
            healthy 0 of 2, expected 0, allowed 0 InsufficientPods

            pod a ready
            pod b ready
            pod c ready
            decide
            ----
            healthy 3 of 2, expected 3, allowed 1 SufficientPods

            # One on its way out, one that is not ready: nobody else may go.
            pod c ready deleting
            pod b
            decide
            ----
            healthy 1 of 2, expected 3, allowed 0 InsufficientPods

            # A part of what the controllers want, rounded up.
            pod b ready
            pod c ready
            budget minAvailable=50%
            scale 5
            decide
            ----
            healthy 3 of 3, expected 5, allowed 0 InsufficientPods

            budget maxUnavailable=1
            scale 3
            decide
            ----
            healthy 3 of 2, expected 3, allowed 1 SufficientPods

            budget maxUnavailable=34%
            decide
            ----
            healthy 3 of 1, expected 3, allowed 2 SufficientPods

            budget maxUnavailable=7
            decide
            ----
            healthy 3 of 0, expected 3, allowed 3 SufficientPods

            # A granted eviction counts at once, and again when nothing came of it.
            budget minAvailable=2 evicted=a:30
            decide
            ----
            healthy 2 of 2, expected 3, allowed 0 InsufficientPods awaiting a for 90

            budget minAvailable=2 evicted=a:130
            decide
            ----
            healthy 3 of 2, expected 3, allowed 1 SufficientPods overdue a

            pod a ready deleting
            budget minAvailable=2 evicted=a:30
            decide
            ----
            healthy 2 of 2, expected 3, allowed 0 InsufficientPods
            """
        ).check { try world.answer($0) }
    }

    @Test func `what cannot be reckoned allows nothing`() throws {
        var budget = PodDisruptionBudget(namespace: "default", name: "web")
        budget.metadata.generation = 2
        budget.status.disruptionsAllowed = 3
        let decision = DisruptionBudgetDecision(budget: budget, pods: [], now: Self.now)
        let status = decision.status(failure: "found no controllers")
        #expect(status.disruptionsAllowed == 0)
        #expect(status.conditions.map(\.reason) == ["SyncFailed"])
        #expect(status.observedGeneration == 0, "an eviction must still be told that this generation was not seen")
    }

    @Test(arguments: [
        ("EvictionByEvictionAPI", 100, "Running", StaleDisruption.wait(.seconds(20))),
        ("EvictionByEvictionAPI", 120, "Running", .clear), ("TerminationByKubelet", 500, "Running", .none),
        ("EvictionByEvictionAPI", 500, "Failed", .none),
    ])
    func `a mark that came to nothing is taken back`(
        reason: String, age: Int, phase: String, expected: StaleDisruption
    ) {
        var pod = Pod(namespace: "default", name: "a")
        pod.status.phase = phase
        var mark = PodCondition()
        (mark.type, mark.status, mark.reason) = ("DisruptionTarget", "True", reason)
        mark.lastTransitionTime = Self.now + .seconds(-age)
        pod.status.conditions = [mark]
        #expect(StaleDisruption(pod, at: Self.now) == expected)
    }

    @Test func `the controller follows pods, controllers of any kind, and marks`() async throws {
        let api = MemoryAPI()
        let widgets = GroupVersionResource(group: "example.com", version: "v1", resource: "widgets")
        let widget = try await api.create(
            Target(widgets, namespace: "default"), ["metadata": ["name": "w"], "spec": ["replicas": 4]], WriteOptions())
        var budget = PodDisruptionBudget(namespace: "default", name: "web")
        budget.spec.maxUnavailable = "25%"
        budget.spec.selector = MetaV1LabelSelector(["matchLabels": ["app": "web"]])
        try await api.create(budget)
        let catalog = FixedCatalog([
            CatalogEntry(
                resource: widgets, kind: GroupVersionKind(group: "example.com", version: "v1", kind: "Widget"),
                isNamespaced: true, verbs: [])
        ])
        try await running([DisruptionController(catalog: catalog)], on: api, now: { Self.now }) {
            for name in ["a", "b", "c", "d"] {
                var pod = World.pod(name, isReady: true)
                var owner = OwnerReference()
                (owner.apiVersion, owner.kind, owner.name) = ("example.com/v1", "Widget", "w")
                (owner.uid, owner.controller) = (widget.uid, true)
                pod.metadata.ownerReferences = [owner]
                if name == "d" {
                    var mark = PodCondition()
                    (mark.type, mark.status, mark.reason) = ("DisruptionTarget", "True", "EvictionByEvictionAPI")
                    mark.lastTransitionTime = Self.now + .seconds(-121)
                    pod.status.conditions += [mark]
                }
                try await api.create(pod)
            }
            await api.wait { api in
                let status = api.peek(PodDisruptionBudget.self, "web", in: "default")?.status
                return status?.expectedPods == 4 && status?.disruptionsAllowed == 1
            }
            await api.wait {
                $0.peek(Pod.self, "d", in: "default")?.condition("DisruptionTarget")?.status == "False"
            }
        }
        let status = try #require(api.peek(PodDisruptionBudget.self, "web", in: "default")).status
        #expect(status.desiredHealthy == 3)
        #expect(status.conditions.map(\.reason) == ["SufficientPods"])
    }

    /// The whole server: its evictions take from the budget, the controller tells what is left.
    @Test func `an eviction takes what the budget allows, and the next one is refused`() async throws {
        try await withServer { server in
            let admin = server.client()
            let name = ObjectName(namespace: "default", name: "web")
            var budget = PodDisruptionBudget(namespace: "default", name: "web")
            budget.spec.minAvailable = 1
            budget.spec.selector = MetaV1LabelSelector(["matchLabels": ["app": "web"]])
            try await admin.create(budget)
            for pod in ["a", "b"] {
                var pod = World.pod(pod, isReady: true)
                pod.spec = PodSpec(["nodeName": "n", "containers": [["name": "c", "image": "i"]]])
                let status = pod.status
                pod = try await admin.create(pod)
                pod.status = status
                try await admin.updateStatus(pod)
            }
            let client = server.controllerClient("disruption-controller")
            try await running([DisruptionController(catalog: server.catalog)], on: client) {
                try await wait(for: PodDisruptionBudget.self, name, admin) { $0?.status.disruptionsAllowed == 1 }
                _ = try await admin.create(Self.eviction("a"), ["metadata": ["name": "a"]], WriteOptions())
                try await wait(for: PodDisruptionBudget.self, name, admin) {
                    $0?.status.currentHealthy == 1 && $0?.status.disruptionsAllowed == 0
                        && $0?.status.disruptedPods == nil
                }
                let refusal = await #expect(throws: Status.self) {
                    try await admin.create(Self.eviction("b"), ["metadata": ["name": "b"]], WriteOptions())
                }
                #expect(refusal?.code == 429)
                // The pod is gone, and another takes its place.
                try await admin.delete(
                    Pod.self, ObjectName(namespace: "default", name: "a"), DeletionOptions(gracePeriodSeconds: 0))
                try await admin.patch(PodDisruptionBudget.self, name, .merge(["spec": ["minAvailable": 0]]))
                try await wait(for: PodDisruptionBudget.self, name, admin) { $0?.status.disruptionsAllowed == 1 }
                _ = try await admin.create(Self.eviction("b"), ["metadata": ["name": "b"]], WriteOptions())
            }
        }
    }

    private static func eviction(_ pod: String) -> Target {
        Target(.pods, ObjectName(namespace: "default", name: pod), subresource: "eviction")
    }

    private struct World {
        private var budget = PodDisruptionBudget(namespace: "default", name: "web")
        private var pods: [String: Pod] = [:]
        private var scale: DisruptionBudgetDecision.Scale?

        static func pod(_ name: String, isReady: Bool) -> Pod {
            var pod = Pod(namespace: "default", name: name)
            pod.metadata.labels = ["app": "web"]
            pod.status.phase = "Running"
            var condition = PodCondition()
            condition.type = "Ready"
            condition.status = isReady ? "True" : "False"
            pod.status.conditions = [condition]
            return pod
        }

        mutating func answer(_ command: [String]) throws -> [String] {
            let options = options(command)
            switch command[0] {
            case "budget":
                budget.spec = PodDisruptionBudgetSpec(.emptyObject)
                budget.spec.minAvailable = options["minAvailable"].map { IntOrString(parsing: $0).json }
                budget.spec.maxUnavailable = options["maxUnavailable"].map { IntOrString(parsing: $0).json }
                budget.status.disruptedPods = nil
                if let words = options["evicted"]?.split(separator: ":"), let age = Int(words[1]) {
                    let time = (now + .seconds(-age)).description
                    budget.status.disruptedPods = [String(words[0]): .string(time)]
                }
            case "pod":
                var pod = Self.pod(command[1], isReady: command.contains("ready"))
                if command.contains("deleting") { pod.metadata.deletionTimestamp = now }
                pods[command[1]] = pod
            case "scale": scale = .init(expected: Int(command[1]) ?? 0)
            default: return [try decide()]
            }
            return []
        }

        private func decide() throws -> String {
            var decision = DisruptionBudgetDecision(budget: budget, pods: Array(pods.values), now: now)
            if DisruptionBudgetDecision.needsScale(budget) { decision.scale = scale }
            let status = try decision.status()
            var text = "healthy \(status.currentHealthy) of \(status.desiredHealthy), expected \(status.expectedPods), "
            text += "allowed \(status.disruptionsAllowed) \(status.conditions.map(\.reason).joined())"
            let awaited = (status.disruptedPods?.fields ?? Fields()).map(\.key).sorted()
            if let deadline = decision.nextDeadline {
                text += " awaiting \(awaited.joined(separator: " ")) for \(deadline.components.seconds)"
            }
            if !decision.overdue.isEmpty {
                text += " overdue " + decision.overdue.map(\.metadata.name).joined(separator: " ")
            }
            return text
        }

        private var now: Timestamp { DisruptionBudgetTests.now }
    }
}
