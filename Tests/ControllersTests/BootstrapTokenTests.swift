import API
import APIMachinery
import Client
import ClientTestSupport
import PKI
import Support
import Testing

@testable import Controllers

@Suite(.timeLimit(.minutes(1))) struct BootstrapTokenTests {
    private static let start = Timestamp(seconds: 1_000_000)

    private static func secret(
        _ id: String, expires: Duration? = nil, isForSigning: Bool = true, name: String? = nil
    ) -> API.Secret {
        var secret = API.Secret(namespace: "kube-system", name: name ?? "bootstrap-token-" + id)
        secret.type = BootstrapTokenSecret.type
        var data = ["token-id": id, "token-secret": "0123456789abcdef"]
        if isForSigning { data["usage-bootstrap-signing"] = "true" }
        if let expires { data["expiration"] = (start + expires).description }
        secret.data = data.mapValues { Array($0.utf8) }
        return secret
    }

    private static var information: ConfigMap {
        var map = ConfigMap(namespace: "kube-public", name: "cluster-info")
        map.data = ["kubeconfig": "apiVersion: v1\n", "jws-kubeconfig-gone00": "x"]
        return map
    }

    @Test func `what is signed can be checked with the token alone`() throws {
        let token = try #require(BootstrapTokenSecret(Self.secret("abcdef")))
        let signature = ClusterInfoSignatures.signature(of: "apiVersion: v1\n", by: token)
        let parts = signature.split(separator: ".", omittingEmptySubsequences: false)
        #expect(parts.count == 3 && parts[1].isEmpty)
        #expect(parts[0] == "eyJhbGciOiJIUzI1NiIsImtpZCI6ImFiY2RlZiJ9")
        let content = "eyJhbGciOiJIUzI1NiIsImtpZCI6ImFiY2RlZiJ9.YXBpVmVyc2lvbjogdjEK"
        #expect(String(parts[2]) == Base64.encodeURLSafe(Digest.hmacSHA256(content.utf8, key: "0123456789abcdef".utf8)))
    }

    @Test func `the cluster's information bears a signature of each token that holds`() async throws {
        let (api, clock) = (MemoryAPI(), ManualClock())
        try await api.create(Self.information)
        try await api.create(Self.secret("abcdef", expires: .seconds(100)))
        try await api.create(Self.secret("quiet0", isForSigning: false))
        try await api.create(Self.secret("ended0", expires: .seconds(-5)))
        try await api.create(Self.secret("other0", name: "elsewhere"))
        let now: @Sendable () -> Timestamp = { Self.start + clock.now.offset }
        func keys(_ api: MemoryAPI) -> [String] {
            let data = api.peek(ConfigMap.self, "cluster-info", in: "kube-public")?.data ?? [:]
            return data.keys.filter { $0 != "kubeconfig" }.sorted()
        }
        try await running([BootstrapSigner()], on: api, clock: clock, now: now) {
            await api.wait { keys($0) == ["jws-kubeconfig-abcdef"] }
            await clock.waitForSleepers()
            clock.advance(by: .seconds(100))
            await api.wait { keys($0).isEmpty }
        }
    }

    @Test func `a token that has ended is deleted`() async throws {
        let (api, clock) = (MemoryAPI(), ManualClock())
        try await api.create(Self.secret("abcdef", expires: .seconds(100)))
        try await api.create(Self.secret("forever"))
        var broken = Self.secret("broken")
        broken.data["expiration"] = Array("tomorrow".utf8)
        try await api.create(broken)
        let now: @Sendable () -> Timestamp = { Self.start + clock.now.offset }
        try await running([TokenCleaner()], on: api, clock: clock, now: now) {
            await api.wait { $0.peek(all: API.Secret.self).count == 2 }
            await clock.waitForSleepers()
            clock.advance(by: .seconds(100))
            await api.wait { $0.peek(all: API.Secret.self).map(\.metadata.name) == ["bootstrap-token-forever"] }
        }
    }
}
