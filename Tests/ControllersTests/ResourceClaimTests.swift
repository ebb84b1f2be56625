import API
import APIMachinery
import APIServer
import Client
import ClientTestSupport
import Support
import Testing

@testable import Controllers

@Suite(.timeLimit(.minutes(1))) struct ResourceClaimTests {
    @Test func `a claim is freed of pods that are done, and goes with the one it was made for`() {
        func action(
            reserved: [String] = [], users: Set<String> = [], isAllocated: Bool = false, isProtected: Bool = false,
            isOwnerDone: Bool = false, isDeleting: Bool = false
        ) -> String {
            var value: Value = ["metadata": ["name": "c"], "status": .emptyObject]
            if isProtected { value[path: ["metadata", "finalizers"]] = [.string(ResourceClaimView.finalizer)] }
            if isDeleting { value[path: ["metadata", "deletionTimestamp"]] = "2026-01-01T00:00:00Z" }
            if isAllocated { value[path: ["status", "allocation"]] = ["devices": .emptyObject] }
            let consumers = reserved.map { name -> Value in
                ["resource": "pods", "name": .string(name), "uid": .string(name)]
            }
            if !consumers.isEmpty { value[path: ["status", "reservedFor"]] = .array(consumers) }
            let decision = ResourceClaimDecision(
                claim: ResourceClaimView(value), users: users, isOwnerDone: isOwnerDone)
            switch decision.action {
            case nil: return "nothing"
            case .delete: return "delete"
            case .removeFinalizer: return "let go"
            case .free(let status):
                let left = status["reservedFor"]?.array?.compactMap { $0["uid"]?.string } ?? []
                return "free " + left.joined() + (status["allocation"] == nil ? "" : " allocated")
            }
        }
        #expect(action(reserved: ["a"], users: ["a"], isAllocated: true, isProtected: true) == "nothing")
        #expect(action(reserved: ["a", "b"], users: ["b"], isAllocated: true, isProtected: true) == "free b allocated")
        #expect(action(reserved: ["a"], isAllocated: true, isProtected: true) == "free ")
        #expect(action(isAllocated: true, isProtected: true, isDeleting: true) == "free ")
        #expect(action(isProtected: true, isDeleting: true) == "let go")
        // The scheduler is about to write which devices it gets, and who uses them.
        #expect(action(isProtected: true) == "nothing")
        #expect(action(isAllocated: true, isProtected: true) == "nothing")
        #expect(action(reserved: ["a"], users: ["a"], isAllocated: true, isProtected: true, isDeleting: true) == "nothing")
        // Somebody else allocated it, and takes it back.
        #expect(action(isAllocated: true) == "nothing")
        #expect(action(isOwnerDone: true) == "delete")
        #expect(action(reserved: ["b"], users: ["b"], isOwnerDone: true) == "nothing")
    }

    @Test func `names of claims leave room for their random part`() throws {
        var pod = Pod(namespace: "default", name: String(repeating: "p", count: 60))
        pod.spec = PodSpec(["resourceClaims": [["name": "gpu", "resourceClaimTemplateName": "t"]]])
        let decision = PodClaimsDecision(pod: pod, present: [:])
        let claim = decision.claim("gpu", from: ["spec": ["metadata": ["labels": ["a": "b"]], "spec": ["x": 1]]])
        let prefix = try #require(claim.at("metadata", "generateName")?.string)
        #expect(prefix.hasSuffix("-gpu-"))
        #expect(prefix.utf8.count == 58)
        #expect(claim.at("metadata", "labels", "a") == "b")
        #expect(claim.at("metadata", "annotations", ResourceClaimView.podClaimAnnotation) == "gpu")
        #expect(claim["spec"] == ["x": 1])
        #expect(decision.missing.map(\.template) == ["t"])
    }

    @Test func `a pod's claims are made from templates, told, and freed when it is done`() async throws {
        try await withServer { server in
            let admin = server.client()
            _ = try await admin.create(
                Target(.resourceClaimTemplates, namespace: "default"),
                [
                    "metadata": ["name": "t"],
                    "spec": [
                        "spec": [
                            "devices": [
                                "requests": [["name": "r", "exactly": ["deviceClassName": "gpu.example.com"]]]
                            ]
                        ]
                    ],
                ], WriteOptions())
            var pod = Pod(namespace: "default", name: "p")
            pod.spec = PodSpec([
                "containers": [["name": "c", "image": "i"]],
                "resourceClaims": [["name": "gpu", "resourceClaimTemplateName": "t"]],
            ])
            pod = try await admin.create(pod)
            let client = server.controllerClient("resource-claim-controller")
            try await running([ResourceClaimController()], on: client) {
                let told = try await wait(for: Pod.self, pod.objectName, admin) {
                    $0?.status.resourceClaimStatuses.isEmpty == false
                }
                let name = try #require(told?.status.resourceClaimStatuses.first?.resourceClaimName)
                #expect(name.hasPrefix("p-gpu-"))
                let target = Target(.resourceClaims, namespace: "default", name: name)
                let claim = try await admin.get(target)
                #expect(claim.controllerUID == pod.metadata.uid)
                var done = try await admin.get(Pod.self, pod.objectName)
                done.status.phase = "Succeeded"
                try await admin.updateStatus(done)
                let claims = try await admin.observe(.resourceClaims, .all)
                let (changes, bell) = AsyncStream.makeStream(of: Void.self)
                let observation = claims.observe { _ in bell.yield() }
                bell.yield()
                for await _ in changes where claims.list(namespace: "default").isEmpty { break }
                observation.cancel()
            }
        }
    }
}
