import API
import APIMachinery
import Support
import Testing

@testable import Scheduler

/// What wakes a pod that was refused: what happened must be something that could change that rule's mind.
@Suite struct HintTests {
    /// A scheduler, and what storage and devices say to it.
    final class World {
        final class Words {
            var volumes = VolumeFacts()
            var devices = PodDevices()
        }

        let words = Words()
        let state: SchedulingState
        var now = Duration.zero

        init() {
            let words = words
            state = SchedulingState(volumes: { _ in words.volumes }, devices: { _ in words.devices })
        }

        func node(_ name: String = "a", labels: [String: String] = [:], _ change: (inout Value) -> Void = { _ in }) {
            var node = Given.node(name, labels: labels)
            change(&node.value)
            state.setNode(name, node, at: now)
        }

        func tainted(_ name: String, labels: [String: String] = [:]) {
            node(name, labels: labels) { $0[path: ["spec", "taints"]] = [["key": "k", "effect": "NoSchedule"]] }
        }

        func pod(_ pod: PodFacts) { _ = state.setPod(pod.name, pod, at: now) }

        enum Outcome { case placed, refused }

        /// What becomes of the next attempt; `nil` when there is none.
        func next() -> Outcome? {
            state.next(at: now, time: Timestamp(seconds: 1_900_000_000)).map { jobs in
                let isPlaced = jobs.contains { if case .bind = $0 { true } else { false } }
                return isPlaced ? .placed : .refused
            }
        }

        /// The pod that was placed ends.
        func end(_ name: String, namespace: String = "ns") {
            _ = state.setPod(ObjectName(namespace: namespace, name: name), nil, at: now)
        }
    }

    struct Scenario: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// What there is before.
        var given: @Sendable (World) -> Void
        /// The pod that is refused.
        var pod: PodFacts
        /// What happens then.
        var happens: @Sendable (World) -> Void
        /// Whether the pod is placed because of that; else it is not even tried.
        var helps: Bool

        init(
            _ name: String, helps: Bool = true, _ pod: PodFacts, given: @escaping @Sendable (World) -> Void,
            happens: @escaping @Sendable (World) -> Void
        ) {
            (testDescription, self.helps, self.pod, self.given, self.happens) = (name, helps, pod, given, happens)
        }
    }

    @Test(arguments: pods + nodes + others)
    func `a refused pod is tried when that may help`(scenario: Scenario) {
        let world = World()
        scenario.given(world)
        world.pod(scenario.pod)
        #expect(world.next() == .refused)
        world.now = .seconds(20)
        #expect(world.next() == nil, "nothing happened yet")
        scenario.happens(world)
        #expect(world.next() == (scenario.helps ? .placed : nil))
    }

    private static let host = "kubernetes.io/hostname"
    private static let zone = "topology.kubernetes.io/zone"

    private static func near(_ labels: Value, _ more: [String: Value] = [:], key: String = host, isAway: Bool = false) -> Value {
        var term: Value = ["topologyKey": .string(key), "labelSelector": ["matchLabels": labels]]
        for (key, value) in more { term[key] = value }
        let terms: Value = ["requiredDuringSchedulingIgnoredDuringExecution": [term]]
        return ["affinity": [isAway ? "podAntiAffinity" : "podAffinity": terms]]
    }

    private static func spread(_ key: String = host, _ more: [String: Value] = [:]) -> Value {
        var constraint: Value = [
            "topologyKey": .string(key), "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": ["matchLabels": ["app": "web"]],
        ]
        for (key, value) in more { constraint[key] = value }
        return ["topologySpreadConstraints": [constraint]]
    }

    private static func web(_ name: String, _ spec: Value = [:], on node: String = "", namespace: String = "ns") -> PodFacts {
        Given.pod(name, namespace: namespace, labels: ["app": "web"], spec, on: node)
    }

    private static func port(_ number: Int64) -> Value {
        ["ports": [["containerPort": .integer(number), "hostPort": .integer(number)]]]
    }

    private static let disk: Value = ["volumes": [["name": "v", "gcePersistentDisk": ["pdName": "d"]]]]
    private static let claim: Value = ["volumes": [["name": "v", "persistentVolumeClaim": ["claimName": "c"]]]]
    private static let device: Value = ["resourceClaims": [["name": "d", "resourceClaimName": "c"]]]
    private static let noDevice = Refusal(.dynamicResources, isFinal: true, "no device")

    private static func selector(_ key: String, _ value: String) -> NodeSelector {
        let expression: Value = ["key": .string(key), "operator": "In", "values": [.string(value)]]
        return NodeSelector(stored: ["nodeSelectorTerms": [["matchExpressions": [expression]]]])
    }

    /// A node that takes no volumes, or all.
    private struct Attachments: VolumeKnowledge {
        var limit: Int
        func attachment(of claim: ObjectName) -> VolumeAttachmentFacts? { nil }
        func limits(of node: String) -> [String: Int] { ["disk": limit] }
        func attached(to node: String) -> [VolumeAttachmentFacts] { [] }
    }

    private static func limit(_ world: World, _ limit: Int) {
        world.words.volumes.attachments = [.init(driver: "disk", handle: "h")]
        world.words.volumes.knowledge = Attachments(limit: limit)
    }

    // MARK: Pods come and go

    private static var pods: [Scenario] {
        [
            Scenario("a pod to be near is placed", Given.pod(near(["app": "web"]))) { $0.node() } happens: {
                $0.pod(web("q", on: "a"))
            },
            // Node b, which takes no new pods, is the emptiest.
            Scenario("the emptiest place fills", web("p", spread())) {
                $0.node(); $0.tainted("b"); $0.pod(web("q", on: "a"))
            } happens: { $0.pod(web("r", on: "b")) },
            Scenario("a place fills with pods of others", helps: false, web("p", spread())) {
                $0.node(); $0.tainted("b"); $0.pod(web("q", on: "a"))
            } happens: { $0.pod(web("r", on: "b", namespace: "other")) },
            Scenario("the fullest place empties", web("p", spread())) {
                $0.node(); $0.tainted("b"); $0.pod(web("q", on: "a"))
            } happens: { $0.end("q") },
            Scenario("a port becomes free", Given.pod(port(80))) {
                $0.node(); $0.pod(Given.pod("q", port(80), on: "a"))
            } happens: { $0.end("q") },
            Scenario("another port becomes free", helps: false, Given.pod(port(80))) {
                $0.node(); $0.pod(Given.pod("q", port(80), on: "a")); $0.pod(Given.pod("r", port(81), on: "a"))
            } happens: { $0.end("r") },
            Scenario("a pod to be away from goes", Given.pod(near(["app": "web"], isAway: true))) {
                $0.node(); $0.pod(web("q", on: "a"))
            } happens: { $0.end("q") },
            Scenario("a disk becomes free", Given.pod(disk)) {
                $0.node(); $0.pod(Given.pod("q", disk, on: "a"))
            } happens: { $0.end("q") },
            Scenario("a pod without disks goes", helps: false, Given.pod(disk)) {
                $0.node(); $0.pod(Given.pod("q", disk, on: "a")); $0.pod(Given.pod("r", on: "a"))
            } happens: { $0.end("r") },
            Scenario("a volume is detached", Given.pod(claim)) {
                $0.node(); limit($0, 0); $0.pod(Given.pod("q", claim, on: "a"))
            } happens: { limit($0, 1); $0.end("q") },
            Scenario("a pod with devices goes", Given.pod(device)) {
                $0.node(); $0.words.devices.refusal = noDevice; $0.pod(Given.pod("q", device, on: "a"))
            } happens: { $0.words.devices.refusal = nil; $0.end("q") },
            Scenario("a pod without devices goes", helps: false, Given.pod(device)) {
                $0.node(); $0.words.devices.refusal = noDevice; $0.pod(Given.pod("q", on: "a"))
            } happens: { $0.end("q") },
        ]
    }

    // MARK: Nodes change

    private static var nodes: [Scenario] {
        [
            Scenario("an empty place goes", web("p", spread())) {
                $0.node(); $0.tainted("b"); $0.pod(web("q", on: "a"))
            } happens: { $0.state.setNode("b", nil, at: $0.now) },
            // The first of pods that want to be together goes anywhere.
            Scenario("the pods to be near go with their node", web("p", near(["app": "web"]))) {
                $0.node(); $0.tainted("b"); $0.pod(web("q", on: "b"))
            } happens: { $0.state.setNode("b", nil, at: $0.now) },
            Scenario("a node gets the label that is selected", Given.pod(["nodeSelector": ["disk": "ssd"]])) {
                $0.node()
            } happens: { $0.node(labels: ["disk": "ssd"]) },
            Scenario("a node gets another label", helps: false, Given.pod(["nodeSelector": ["disk": "ssd"]])) {
                $0.node()
            } happens: { $0.node(labels: ["disk": "hdd"]) },
            Scenario("a node comes near", Given.pod(near(["app": "web"], key: zone))) {
                $0.node(); $0.tainted("b", labels: [zone: "x"]); $0.pod(web("q", on: "b"))
            } happens: { $0.node(labels: [zone: "x"]) },
            Scenario("a node gets the label of places", web("p", spread(zone))) { $0.node() } happens: {
                $0.node(labels: [zone: "x"])
            },
            Scenario("a node reaches the volume", Given.pod(claim)) {
                $0.node(); $0.words.volumes.claims = [("c", .bound(nodes: selector("disk", "ssd")))]
            } happens: { $0.node(labels: ["disk": "ssd"]) },
            Scenario("a node moves to the volume's zone", Given.pod(claim)) {
                $0.node(labels: [zone: "y"]); $0.words.volumes.zones = [(zone, ["x"])]
            } happens: { $0.node(labels: [zone: "x"]) },
            Scenario("a node reaches the devices", Given.pod(device)) { world in
                world.node()
                let name = ObjectName(namespace: "ns", name: "c")
                let held = PodDevices.Held(claim: name, nodes: selector("rack", "1"), isReserved: true)
                world.words.devices.held = [held]
            } happens: { $0.node(labels: ["rack": "1"]) },
            Scenario("a taint goes", Given.pod()) { $0.tainted("a") } happens: { $0.node() },
            Scenario("another taint comes", helps: false, Given.pod()) { $0.tainted("a") } happens: {
                $0.node { value in
                    value[path: ["spec", "taints"]] = [
                        ["key": "k", "effect": "NoSchedule"], ["key": "l", "effect": "NoSchedule"],
                    ]
                }
            },
            Scenario("a node is uncordoned", Given.pod()) {
                $0.node { $0[path: ["spec", "unschedulable"]] = true }
            } happens: { $0.node() },
            Scenario("a cordoned node is tainted", helps: false, Given.pod()) {
                $0.node { $0[path: ["spec", "unschedulable"]] = true }
            } happens: {
                $0.node { value in
                    value["spec"] = ["unschedulable": true, "taints": [["key": "k", "effect": "PreferNoSchedule"]]]
                }
            },
            // It does not count any more, and what is left is even.
            Scenario("an empty place is tainted", web("p", spread(host, ["nodeTaintsPolicy": "Honor"]))) {
                $0.node(); $0.pod(web("q", on: "a"))
                $0.node("b") { $0[path: ["status", "allocatable", "pods"]] = "0" }
            } happens: {
                $0.node("b") { value in
                    value[path: ["status", "allocatable", "pods"]] = "0"
                    value[path: ["spec", "taints"]] = [["key": "k", "effect": "NoSchedule"]]
                }
            },
            Scenario("a node grows", Given.pod(requests: ["cpu": "3"])) { $0.node() } happens: {
                $0.node { $0[path: ["status", "allocatable", "cpu"]] = "4" }
            },
            Scenario("a node grows, and not enough", helps: false, Given.pod(requests: ["cpu": "5"])) { $0.node() } happens: {
                $0.node { $0[path: ["status", "allocatable", "cpu"]] = "4" }
            },
            Scenario("a node that lacked devices changes", Given.pod(device)) {
                $0.node(); $0.words.devices.refusal = noDevice
            } happens: {
                $0.words.devices.refusal = nil
                $0.node { $0[path: ["status", "allocatable", "cpu"]] = "4" }
            },
        ]
    }

    // MARK: Everything else

    private static var others: [Scenario] {
        let exclusive = [ObjectName(namespace: "ns", name: "c")]
        return [
            Scenario("a volume says another zone", Given.pod(claim)) {
                $0.node(labels: [zone: "y"]); $0.words.volumes.zones = [(zone, ["x"])]
            } happens: { $0.words.volumes.zones = []; $0.state.happened(.volumesChanged, at: $0.now) },
            Scenario("a claim is no longer one pod's", Given.pod(claim)) {
                $0.node(); $0.words.volumes.exclusive = exclusive; $0.pod(Given.pod("q", claim, on: "a"))
            } happens: { $0.words.volumes.exclusive = []; $0.state.happened(.volumesChanged, at: $0.now) },
            Scenario("a node takes more volumes", Given.pod(claim)) { $0.node(); limit($0, 0) } happens: {
                limit($0, 1); $0.state.happened(.volumesChanged, at: $0.now)
            },
            Scenario("a claim gets its volume", Given.pod(claim)) {
                $0.node(); $0.words.volumes.claims = [("c", .unbound)]
            } happens: {
                $0.words.volumes.claims = [("c", .bound(nodes: nil))]; $0.state.happened(.volumesChanged, at: $0.now)
            },
            Scenario("devices come", Given.pod(device)) { $0.node(); $0.words.devices.refusal = noDevice } happens: {
                $0.words.devices.refusal = nil; $0.state.happened(.devicesChanged, at: $0.now)
            },
            Scenario(
                "a namespace is picked",
                Given.pod(near(["app": "web"], ["namespaceSelector": ["matchLabels": ["team": "x"]]]))
            ) {
                $0.state.setNamespace("other", Fields(), at: $0.now)
                $0.node(); $0.pod(web("q", on: "a", namespace: "other"))
            } happens: { $0.state.setNamespace("other", Fields([("team", .string("x"))]), at: $0.now) },
        ]
    }

    @Test func `what an extender refused is tried whatever happens`() throws {
        let world = World()
        world.node()
        world.pod(Given.pod())
        let attempt = try #require(world.state.take(at: .zero))
        var diagnosis = Diagnosis(total: 1)
        diagnosis.refused = [(attempt.decision.cluster.order[0], Refusal(.extender, "no"))]
        _ = world.state.conclude(attempt, .none(diagnosis), at: .zero, time: Timestamp(seconds: 0))
        world.now = .seconds(20)
        #expect(world.next() == nil)
        world.pod(Given.pod("q", on: "a"))
        #expect(world.next() == .placed)
    }
}
