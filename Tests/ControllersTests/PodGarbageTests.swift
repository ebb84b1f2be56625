import API
import APIMachinery
import Client
import ClientTestSupport
import Support
import Testing

@testable import Controllers

@Suite(.timeLimit(.minutes(1))) struct PodGarbageTests {
    @Test func `pods that nobody can end are removed`() {
        var (pod, node) = (Pod(namespace: "default", name: "p"), PodVerdict.NodeState.present)
        Conversation(
            """
            pod
            judge
            ----
            keep

            pod deleting=yes
            judge
            ----
            remove

            pod on=n deleting=yes
            judge
            ----
            keep

            node outOfService
            judge
            ----
            remove

            pod on=n
            judge
            ----
            keep

            node gone
            judge
            ----
            remove DeletionByPodGC
            """
        ).check { command in
            let options = options(command)
            switch command[0] {
            case "pod":
                pod = Pod(namespace: "default", name: "p")
                pod.spec.nodeName = options["on"] ?? ""
                if options["deleting"] != nil { pod.metadata.deletionTimestamp = Timestamp(seconds: 1) }
            case "node": node = ["outOfService": .outOfService, "gone": .gone][command[1]] ?? .present
            default:
                switch PodVerdict(pod, on: node) {
                case .keep: return ["keep"]
                case .remove(let disruption):
                    return ["remove " + (disruption?.reason ?? "")].map(Self.trimmed)
                }
            }
            return []
        }
    }

    private static func trimmed(_ text: String) -> String {
        text.split(separator: " ").joined(separator: " ")
    }

    @Test func `of finished pods the oldest go`() {
        var finished = FinishedPods(most: 2)
        let names = ["a", "b", "c", "d"].map { ObjectName(namespace: "ns", name: $0) }
        let isCrowded = zip(names, [4, 2, 3, 1]).map {
            finished.insert($0, createdAt: Timestamp(seconds: $1))
        }
        #expect(isCrowded == [false, false, true, true])
        #expect(finished.excess == [names[3], names[1]])
        finished.remove(names[3])
        #expect(finished.excess == [names[1]])
    }

    @Test func `what is bound to a node that is gone fails, after a while`() async throws {
        let api = MemoryAPI()
        let clock = ManualClock()
        let start = Timestamp(seconds: 1_000_000)
        try await api.create(Node(name: "n1"))
        for node in ["n1", "n2"] {
            var pod = Pod(namespace: "default", name: "on-" + node)
            pod.spec.nodeName = node
            pod.status.phase = "Running"
            try await api.create(pod)
        }
        let now: @Sendable () -> Timestamp = { start + clock.now.offset }
        try await running([PodGarbageCollector()], on: api, clock: clock, now: now) {
            await clock.waitForSleepers()
            #expect(api.peek(all: Pod.self).count == 2)
            clock.advance(by: .seconds(40))
            await api.wait { $0.peek(all: Pod.self).count == 1 }
            #expect(api.peek(all: Pod.self).map(\.metadata.name) == ["on-n1"])
            #expect(api.journal.contains("patch pods/status default/on-n2"))

            var unplaced = Pod(namespace: "default", name: "unplaced")
            unplaced.metadata.deletionTimestamp = start
            try await api.create(unplaced)
            await api.wait { $0.peek(all: Pod.self).count == 1 }
        }
    }
}
