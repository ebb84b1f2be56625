import API
import APIMachinery
import Client
import Support
import Synchronization

/// Tokens of pods' service accounts for drivers that ask for them (KEP 2047), kept until they near their end.
final class DriverTokens: Sendable {
    private static let key = "csi.storage.k8s.io/serviceAccount.tokens"

    private struct Key: Hashable {
        var podUID: String
        var request: TokenRequestKey
    }

    private let client: any Client
    private let now: @Sendable () -> Timestamp
    private let issued = Mutex<[Key: IssuedToken]>([:])

    init(client: any Client, now: @escaping @Sendable () -> Timestamp) {
        self.client = client
        self.now = now
    }

    /// What the driver is told; nothing when it asks for none.
    func context(_ policy: DriverPolicy, for pod: Pod) async throws(Fault) -> [String: String] {
        guard !policy.tokenRequests.isEmpty else { return [:] }
        var told = Value.emptyObject
        for request in policy.tokenRequests {
            let wanted = TokenRequestKey(
                audience: request.audience, expirationSeconds: request.expirationSeconds ?? 3600)
            let token = try await token(wanted, pod)
            told[request.audience] = [
                "token": .string(token.text), "expirationTimestamp": .string(token.expires.description),
            ]
        }
        return [Self.key: String(decoding: told.json, as: UTF8.self)]
    }

    func forget(podUID: String) { issued.withLock { $0 = $0.filter { $0.key.podUID != podUID } } }

    private func token(_ request: TokenRequestKey, _ pod: Pod) async throws(Fault) -> IssuedToken {
        let key = Key(podUID: pod.metadata.uid, request: request)
        if let token = issued.withLock({ $0[key] }), !token.isDue(at: now()) { return token }
        let token = try await IssuedToken(request, for: pod, client)
        issued.withLock { $0[key] = token }
        return token
    }
}
