import API
import APIMachinery
import Client
import ClientTestSupport
import Support
import Testing

@testable import Controllers

@Suite struct NodeLifecycleTests {
    private static let now = Timestamp(seconds: 1_000_000)

    @Test func `a silent node is unknown, and told so by its taints`() {
        var node = Node(name: "n")
        var silence = 0
        var eviction = NodeTaints.Eviction.normal
        Conversation(
            """
            # Registered, and nothing told yet.
            judge
            ----
            look again after 60 s
            not-ready:NoSchedule

            silent 60
            judge
            ----
            Ready=Unknown NodeStatusNeverUpdated
            MemoryPressure=Unknown NodeStatusNeverUpdated
            DiskPressure=Unknown NodeStatusNeverUpdated
            PIDPressure=Unknown NodeStatusNeverUpdated
            unreachable:NoSchedule unreachable:NoExecute

            silent 20
            condition Ready True
            condition MemoryPressure False
            judge
            ----
            Ready=True
            MemoryPressure=False
            look again after 30 s

            silent 50
            judge
            ----
            Ready=Unknown NodeStatusUnknown
            MemoryPressure=Unknown NodeStatusUnknown
            DiskPressure=Unknown NodeStatusNeverUpdated
            PIDPressure=Unknown NodeStatusNeverUpdated
            unreachable:NoSchedule unreachable:NoExecute

            # No node is ready: nobody is chased away.
            eviction none
            judge
            ----
            Ready=Unknown NodeStatusUnknown
            MemoryPressure=Unknown NodeStatusUnknown
            DiskPressure=Unknown NodeStatusNeverUpdated
            PIDPressure=Unknown NodeStatusNeverUpdated
            unreachable:NoSchedule

            # It speaks again, and what kept pods away goes; another's taint stays.
            silent 0
            eviction normal
            taint dedicated NoSchedule
            taint node.kubernetes.io/unreachable NoExecute
            taint node.kubernetes.io/unreachable NoSchedule
            condition Ready True
            condition DiskPressure True
            judge
            ----
            Ready=True
            MemoryPressure=False
            DiskPressure=True
            look again after 50 s
            dedicated:NoSchedule disk-pressure:NoSchedule

            condition Ready False
            condition DiskPressure False
            cordon
            judge
            ----
            Ready=False
            MemoryPressure=False
            DiskPressure=False
            look again after 50 s
            dedicated:NoSchedule not-ready:NoSchedule not-ready:NoExecute unschedulable:NoSchedule

            # Many are lost at once: those chased stay chased, for whichever reason; no more are.
            eviction held
            judge
            ----
            Ready=False
            MemoryPressure=False
            DiskPressure=False
            look again after 50 s
            dedicated:NoSchedule not-ready:NoSchedule not-ready:NoExecute unschedulable:NoSchedule

            untaint
            judge
            ----
            Ready=False
            MemoryPressure=False
            DiskPressure=False
            look again after 50 s
            not-ready:NoSchedule unschedulable:NoSchedule
            """
        ).check { command in
            switch command[0] {
            case "silent": silence = Int(command[1]) ?? 0
            case "condition": Self.set(command[1], command[2], of: &node)
            case "untaint": node.spec.taints = []
            case "cordon": node.spec.unschedulable = true
            case "eviction": eviction = ["none": .none, "held": .held][command[1]] ?? .normal
            case "taint":
                var taint = Taint()
                (taint.key, taint.effect) = (command[1], command[2])
                node.spec.taints.append(taint)
            default:
                let health = NodeHealth(node: node, silence: .seconds(silence), now: Self.now)
                let judged = health.judged
                let lines = judged.status.conditions.map { condition in
                    let reason = condition.reason.isEmpty ? "" : " " + condition.reason
                    return "\(condition.type)=\(condition.status)\(reason)"
                }
                let deadline = health.nextDeadline.map { ["look again after \($0.components.seconds) s"] }
                let taints = NodeTaints(node: judged, eviction: eviction, now: Self.now).wanted.map { taint in
                    "\(taint.key.split(separator: "/").last ?? ""):\(taint.effect)"
                }
                return lines + (deadline ?? []) + (taints.isEmpty ? [] : [taints.joined(separator: " ")])
            }
            return []
        }
    }

    @Test func `pods leave when their patience with the taints is over`() {
        var tolerations: [Toleration] = []
        var threats: [EvictionDecision.Threat] = []
        Conversation(
            """
            decide
            ----
            stay

            threat lost 100
            decide
            ----
            evict

            # The shortest toleration counts, from when the taint was set.
            tolerate lost
            tolerate lost seconds=300
            tolerate lost seconds=1000
            decide
            ----
            wait 200 s

            threat lost 300
            decide
            ----
            evict

            # Each taint must be tolerated.
            none
            tolerate lost
            threat lost 9000
            decide
            ----
            stay

            threat broken 0
            decide
            ----
            evict

            none
            threat lost 0
            tolerate lost seconds=-1
            decide
            ----
            evict
            """
        ).check { command in
            let options = options(command)
            switch command[0] {
            case "none": (tolerations, threats) = ([], [])
            case "threat":
                let since = Self.now + .seconds(-(Int(command[2]) ?? 0))
                threats.removeAll { $0.key == command[1] }
                threats.append(EvictionDecision.Threat(key: command[1], value: "", since: since))
            case "tolerate":
                var toleration = Toleration()
                (toleration.key, toleration.operator) = (command[1], "Exists")
                toleration.tolerationSeconds = options["seconds"].flatMap { Int($0) }
                tolerations.append(toleration)
            default:
                let decision = EvictionDecision(tolerations: tolerations, threats: threats, now: Self.now)
                switch decision.action {
                case .stay: return ["stay"]
                case .evict: return ["evict"]
                case .wait(let delay): return ["wait \(delay.components.seconds) s"]
                }
            }
            return []
        }
    }

    @Test func `a zone of which most is lost keeps its pods, and all when every zone is lost`() {
        var census = NodeCensus()
        for number in 1...6 { census.set("n\(number)", in: "a", isReady: true, isHeard: true, at: .zero) }
        census.set("other", in: "b", isReady: true, isHeard: true, at: .zero)
        #expect(census.states == ["a": .normal, "b": .normal])
        let expected: [NodeCensus.ZoneState] = [.normal, .normal, .normal, .partlyLost, .partlyLost, .lost]
        for (number, state) in expected.enumerated() {
            census.set("n\(number + 1)", in: "a", isReady: false, isHeard: false, at: .seconds(1))
            #expect(census.states["a"] == state, "\(number + 1) of 6 lost")
            #expect(!census.isAllLost)
            let permit = census.permit("n1", at: .seconds(100 * (number + 1)))
            #expect(permit == (state == .partlyLost ? .refused : .granted), "a lost zone has better places beside it")
        }
        census.set("other", in: "b", isReady: false, isHeard: false, at: .seconds(1))
        #expect(census.isAllLost)
        let refused = census.permit("other", at: .seconds(9000))
        #expect(refused == .refused)
        census.hear("n1", at: .seconds(9))
        #expect(census.heardAt("n1") == .seconds(9))
        #expect(census.heardAt("n2") == .zero)
        census.remove("other")
        #expect(census.states == ["a": .lost])
    }

    @Test func `nodes are given up one by one, slower in a large zone that is partly lost`() {
        var census = NodeCensus()
        for number in 0..<100 { census.set("n\(number)", isReady: number >= 10, isHeard: true, at: .zero) }
        func permit(_ name: String, at moment: Duration) -> NodeCensus.Permit { census.permit(name, at: moment) }
        #expect(permit("n1", at: .seconds(1)) == .granted)
        #expect(permit("n2", at: .seconds(3)) == .later(.seconds(8)))
        #expect(permit("n2", at: .seconds(11)) == .granted)
        for number in 0..<60 { census.set("n\(number)", isReady: false, isHeard: true, at: .zero) }
        #expect(permit("n3", at: .seconds(21)) == .granted)
        #expect(permit("n4", at: .seconds(22)) == .later(.seconds(99)))
    }

    @Test(.timeLimit(.minutes(1)))
    func `a node takes pods as soon as it is ready, and loses them when it is lost`() async throws {
        let api = MemoryAPI()
        var node = Node(name: "n1")
        Self.set("Ready", "False", of: &node)
        node.spec.taints = [Self.taint(NodeTaintKey.notReady, NodeTaintKey.noSchedule)]
        try await api.create(node)
        // Two events of one instant have one name.
        try await running([NodeLifecycleController(), TaintEviction()], on: api, now: { .now }) {
            var ready = try await api.get(Node.self, node.objectName)
            Self.set("Ready", "True", of: &ready)
            try await api.updateStatus(ready)
            await api.wait { $0.peek(Node.self, "n1")?.spec.taints.isEmpty == true }
            await api.wait { api in
                api.peek(all: Event.self).contains {
                    $0.reason == "RegisteredNode" && $0.message == "Node n1 event: Registered Node n1 in Controller"
                }
            }

            try await api.create(Pod(Self.pod("stays", tolerations: [["operator": "Exists"]])))
            try await api.create(Pod(Self.pod("goes", tolerations: [])))
            var tainted = try await api.get(Node.self, node.objectName)
            tainted.spec.taints = [Self.taint("maintenance", NodeTaintKey.noExecute)]
            try await api.update(tainted)
            await api.wait { $0.peek(Pod.self, "goes", in: "default")?.metadata.deletionTimestamp != nil }
            let evicted = try #require(api.peek(Pod.self, "goes", in: "default"))
            #expect(evicted.condition("DisruptionTarget")?.reason == "DeletionByTaintManager")
            #expect(api.peek(Pod.self, "stays", in: "default")?.metadata.deletionTimestamp == nil)

            try await api.delete(Node.self, node.objectName, DeletionOptions())
            await api.wait { api in
                api.peek(all: Event.self).contains {
                    $0.reason == "RemovingNode" && $0.message == "Node n1 event: Removing Node n1 from Controller"
                }
            }
        }
    }

    private static func set(_ type: String, _ status: String, of node: inout Node) {
        var condition = NodeCondition()
        (condition.type, condition.status) = (type, status)
        node.status.conditions.removeAll { $0.type == type }
        node.status.conditions.append(condition)
        let order = ["Ready", "MemoryPressure", "DiskPressure"]
        node.status.conditions.sort { a, b in
            (order.firstIndex(of: a.type) ?? 9) < (order.firstIndex(of: b.type) ?? 9)
        }
    }

    private static func taint(_ key: String, _ effect: String) -> Taint {
        var taint = Taint()
        (taint.key, taint.effect) = (key, effect)
        return taint
    }

    private static func pod(_ name: String, tolerations: Value) -> Value {
        [
            "metadata": ["name": .string(name), "namespace": "default"],
            "spec": ["nodeName": "n1", "tolerations": tolerations],
        ]
    }
}
