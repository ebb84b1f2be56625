import API
import APIMachinery
import Client
import Testing
import Wire

@testable import APIServer

/// The priority classes of the system, which pods that a cluster cannot do without name.
@Suite(.timeLimit(.minutes(1))) struct SystemPriorityClassTests {
    private static let path = "/apis/scheduling.k8s.io/v1/priorityclasses"

    @Test(arguments: [
        (Target(.priorityClasses, name: "system-node-critical"), true),
        (Target(.priorityClasses, name: "system-cluster-critical"), true),
        (Target(.priorityClasses, name: "system-critical"), false), (Target(.priorityClasses, name: "own"), false),
        (Target(.clusterRoles, name: "system-node-critical"), false),
    ])
    func `only the two classes of the system are kept`(target: Target, isKept: Bool) {
        let refusal: Status?
        do throws(Status) {
            try SystemPriorityClass.checkDeletion(of: target)
            refusal = nil
        } catch {
            refusal = error
        }
        #expect((refusal != nil) == isKept)
    }

    @Test func `a class of the system cannot be deleted by its name, but with all others`() async throws {
        try await TestAPI.run { api in
            let rule: Value = [
                "apiGroups": ["scheduling.k8s.io"], "resources": ["priorityclasses"],
                "verbs": ["create", "delete", "deletecollection"],
            ]
            let token = try await api.token("classes", rules: [rule])
            let client = api.server.client()
            for known in SystemPriorityClass.allCases {
                let refused = try await api.ask(.delete, "\(Self.path)/\(known.rawValue)", token: token)
                #expect(refused.code == 403)
                #expect(
                    refused.text.contains(
                        #"priorityclasses.scheduling.k8s.io \"\#(known.rawValue)\" is forbidden: "#
                            + "this is a system priority class and cannot be deleted"))
                let present = try await client.get(PriorityClass.self, ObjectName(name: known.rawValue))
                #expect(present.value["value"] == .integer(known.priority))
            }
            let own: Value = ["metadata": ["name": "own"], "value": 5]
            #expect(try await api.ask(.post, Self.path, token: token, body: own).code == 201)
            #expect(try await api.ask(.delete, Self.path + "/own", token: token).code == 200)
            #expect(try await api.ask(.delete, Self.path, token: token).code == 200)
            #expect(try await client.list(PriorityClass.self).isEmpty)
        }
    }
}
