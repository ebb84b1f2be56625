import Testing

/// What keeps a number of pods that are all alike, on real containers.
@Suite(.serialized) struct ReplicaTests {
    /// A kind, its group and version, and how it says which pods are its own.
    @Test(arguments: [
        ("ReplicationController", "v1", "{app: web}"), ("ReplicaSet", "apps/v1", "{matchLabels: {app: web}}"),
    ])
    func `pods are replaced, let go, taken in again and left to a successor`(
        kind: String, version: String, selector: String
    ) async throws {
        try await TestNode.with { _, server in
            let object = """
                apiVersion: \(version)
                kind: \(kind)
                metadata: {name: web}
                spec:
                  replicas: 2
                  selector: \(selector)
                  template:
                    metadata: {labels: {app: web}}
                    spec:
                      terminationGracePeriodSeconds: 1
                      containers: [{name: web, image: "busybox:1", command: [sleep, "100000"]}]
                """
            try await server.must("apply", input: object)
            let first = try await Self.pods(server).sorted()
            try await server.must("delete", "pod", first[0])
            let second = try await Self.pods(server, until: { !$0.contains(first[0]) })
            #expect(second.contains(first[1]))

            // One that wears another label is nobody's, and another stands in for it.
            try await server.must("label", "pod", first[1], "app=loose", "--overwrite")
            let third = try await Self.pods(server, until: { !$0.contains(first[1]) })
            #expect(try await Self.owner(of: first[1], server) == "")

            // Back among the others it makes one too many: the cheapest goes.
            let cheapest = try #require(third.subtracting(second).first)
            try await server.must("annotate", "pod", cheapest, "controller.kubernetes.io/pod-deletion-cost=-1")
            try await server.must("label", "pod", first[1], "app=web", "--overwrite")
            let fourth = try await Self.pods(server, until: { !$0.contains(cheapest) })
            #expect(fourth == second)
            #expect(try await Self.owner(of: first[1], server) == kind)

            try await server.must("delete", kind + "/web", "--cascade=orphan")
            #expect(try await Self.owner(of: first[1], server) == "")
            try await server.must("apply", input: object)
            try await server.must("wait", kind + "/web", "--for=jsonpath={.status.readyReplicas}=2", "--timeout=50s")
            #expect(try await Self.pods(server) == second)

            try await server.must("scale", kind + "/web", "--replicas=0")
            try await server.must("wait", "--for=delete", "pod", "-l", "app=web", "--timeout=50s")
        }
    }

    /// The names of the pods that wear the label, as soon as there are two, both ready, and `isRight` holds.
    private static func pods(
        _ server: TestNode.Server, until isRight: (Set<String>) -> Bool = { _ in true }
    ) async throws -> Set<String> {
        let column = #"jsonpath={range .items[*]}{.metadata.name}={.status.conditions[?(@.type=="Ready")].status} {end}"#
        var names: Set<String> = []
        try await eventually("two pods that are ready") {
            let pods = try await server.must("get", "pods", "-l", "app=web", "-o", column).split(separator: " ")
            guard pods.count == 2, pods.allSatisfy({ $0.hasSuffix("=True") }) else { return false }
            names = Set(pods.map { String($0.dropLast("=True".count)) })
            return isRight(names)
        }
        return names
    }

    private static func owner(of pod: String, _ server: TestNode.Server) async throws -> String {
        try await server.must("get", "pod", pod, "-o", "jsonpath={.metadata.ownerReferences[*].kind}")
    }
}
