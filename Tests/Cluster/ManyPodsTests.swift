import Host
import Support
import Testing

/// As many pods as a node takes, and what a restart of k3s is to those that run.
@Suite(.serialized) struct ManyPodsTests {
    private static func pods(_ numbers: Range<Int>) -> String {
        numbers.map { number in
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: "pod-\(number)", labels: {half: "\(number < 50 ? "kept" : "other")"}}
            spec:
              terminationGracePeriodSeconds: 1
              containers:
              - {name: main, image: "busybox:1", command: [sleep, "100000"]}
            """
        }.joined(separator: "\n---\n")
    }

    /// Of each pod of the half: which container runs, how often one was started, and since when the pod is ready.
    private static func lives(_ server: TestNode.Server) async throws -> [String] {
        let container = "{.status.containerStatuses[0].containerID} {.status.containerStatuses[0].restartCount}"
        let ready = #"{.status.conditions[?(@.type=="Ready")].status} {.status.conditions[?(@.type=="Ready")].lastTransitionTime}"#
        let line = "{.metadata.name} {.status.podIP} \(container) \(ready)"
        let path = "jsonpath={range .items[*]}\(line){\"\\n\"}{end}"
        return try await server.must("get", "pods", "-l", "half=kept", "-o", path).split(separator: "\n").map(String.init)
    }

    /// The lines in which k3s says so, one for each of its starts.
    private static func readyLines(_ node: TestNode) -> Int {
        node.log.split(separator: "\n").count { $0.contains("the node node-1 is Ready") }
    }

    @Test func `a node runs 110 pods, refuses one more, and a killed k3s finds 50 of them as they were`() async throws {
        try await TestNode.with { node, server in
            try await server.must("create", input: Self.pods(0..<110))
            let conditions = #"jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}"#
            try await eventually("all are ready", within: .seconds(110)) {
                try await server.must("get", "pods", "-o", conditions).split(separator: " ").count { $0 == "True" } == 110
            }
            let addresses = "jsonpath={range .items[*]}{.status.podIP}{\"\\n\"}{end}"
            let ips = try await server.must("get", "pods", "-o", addresses).split(separator: "\n")
            #expect(ips.count == 110 && Set(ips).count == 110)
            try await server.must("create", input: Self.pods(110..<111))
            try await eventually("the scheduler says why") {
                try await server.must("get", "events", "--field-selector", "involvedObject.name=pod-110")
                    .contains("Too many pods")
            }
            // One that is not asked for leave.
            let bound = Self.pods(111..<112).replacing("spec:", with: "spec:\n  nodeName: node-1")
            try await server.must("create", input: bound)
            let reason = "jsonpath={.status.phase} {.status.reason}"
            try await eventually("the node refuses it") {
                try await server.must("get", "pod", "pod-111", "-o", reason) == "Failed OutOfpods"
            }
            try await server.must("delete", "pods", "-l", "half=other")

            let before = try await Self.lives(server)
            #expect(before.count == 50)
            let lines = Self.readyLines(node)
            try await server.stop(.kill)
            let begun = ContinuousClock.now
            let again = try await node.start()
            try await eventually("k3s says that the node is Ready") { Self.readyLines(node) > lines }
            // Of an optimised program it is two seconds, which `make bench` measures.
            #expect(ContinuousClock.now - begun < .seconds(10))
            #expect(try await Self.lives(again) == before)
            // Every pod was looked at, and left alone.
            try await Task.sleep(for: .seconds(3))
            #expect(try await Self.lives(again) == before)
            // Events do not outlive k3s: these are what it has done since.
            let events = "jsonpath={range .items[*]}{.reason} {.involvedObject.name}{\"\\n\"}{end}"
            let done = try await again.must("get", "events", "-o", events).split(separator: "\n")
            #expect(!done.contains { $0.hasPrefix("Killing ") || $0.hasPrefix("Started ") }, "\(done.prefix(9))")
            try await again.must("delete", "pods", "--all")
        }
    }
}
