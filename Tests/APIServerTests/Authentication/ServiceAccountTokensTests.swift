import API
import APIMachinery
import APIServer
import Client
import Testing
import Wire

/// Tokens as clients use them, over HTTP.
@Suite(.timeLimit(.minutes(5))) struct ServiceAccountTokensTests {
    private static let path = "/api/v1/namespaces/default"
    private static let reads: Value = ["apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]]

    @Test func `a token holds as long as its account is there, however often it was seen`() async throws {
        try await TestAPI.run { api in
            let token = try await api.token("reader", rules: [Self.reads])
            for _ in 0..<3 { #expect(try await api.ask(.get, Self.path, token: token).code == 200) }
            try await api.server.client().delete(
                ServiceAccount.self, ObjectName(namespace: "default", name: "reader"))
            #expect(try await api.ask(.get, Self.path, token: token).code == 401)
        }
    }

    @Test func `a token that was changed anywhere is refused, also when the good one is known`() async throws {
        try await TestAPI.run { api in
            let token = try await api.token("reader", rules: [Self.reads])
            #expect(try await api.ask(.get, Self.path, token: token).code == 200)
            let parts = token.split(separator: ".").map(String.init)
            for index in parts.indices {
                var changed = parts
                // The last character of a part may hold bits that count for nothing.
                changed[index] = (changed[index].first == "A" ? "B" : "A") + changed[index].dropFirst()
                #expect(try await api.ask(.get, Self.path, token: changed.joined(separator: ".")).code == 401)
            }
        }
    }
}
