import API
import APIMachinery
import Client
import ClientTestSupport
import Testing

@testable import Controllers

@Suite(.timeLimit(.minutes(1))) struct NodeRolesTests {
    @Test func `the server's own node has its role, also when it is taken away`() async throws {
        let api = MemoryAPI()
        func hasRole(_ api: MemoryAPI, _ name: String) -> Bool {
            api.peek(Node.self, name)?.metadata.labels["node-role.kubernetes.io/control-plane"] == "true"
        }
        try await api.create(Node(name: "other"))
        try await running([NodeRoles(of: "own")], on: api) {
            try await api.create(Node(name: "own"))
            await api.wait { hasRole($0, "own") }
            try await api.patch(
                Node.self, ObjectName(name: "own"),
                .merge(["metadata": ["labels": ["node-role.kubernetes.io/control-plane": .null]]]))
            await api.wait { hasRole($0, "own") }
            #expect(!hasRole(api, "other"))
        }
    }
}
