import API
import APIMachinery
import Client
import Support

/// What a pod asks of a token; two volumes that ask for the same share one.
struct TokenRequestKey: Hashable, Sendable {
    /// Empty for the API server's own.
    var audience: String
    var expirationSeconds: Int
}

/// A service account's token, and when it must be replaced.
struct IssuedToken: Hashable, Sendable {
    var text: String
    var expires: Timestamp
    /// At 80 % of its life, and after a day at the latest.
    var renewal: Timestamp

    private var issued: Timestamp

    /// Also when the clock was put back since: no server believes a token of the future.
    func isDue(at now: Timestamp) -> Bool { now >= renewal || now < issued + .seconds(-Self.skew) }

    /// Seconds by which the clocks of a node and of a server may differ.
    static let skew = 600

    init(text: String, expires: Timestamp, lifeSeconds: Int) {
        self.text = text
        self.expires = expires
        issued = expires + .seconds(-lifeSeconds)
        renewal = issued + .seconds(min(lifeSeconds * 4 / 5, 24 * 3600))
    }

    /// Asks the API for a token of the pod's service account that is valid as long as the pod exists. With `accountUID` only
    /// this very account will do, and no later one of its name.
    init(
        _ key: TokenRequestKey, for pod: Pod, accountUID: String? = nil, _ client: any Client
    ) async throws(Fault) {
        let account = ObjectName(namespace: pod.metadata.namespace, name: pod.spec.serviceAccountName)
        var request = TokenRequest()
        request.value["apiVersion"] = "authentication.k8s.io/v1"
        request.value["kind"] = "TokenRequest"
        if let accountUID { request.value["metadata"] = ["uid": .string(accountUID)] }
        if !key.audience.isEmpty { request.spec.audiences = [key.audience] }
        request.spec.expirationSeconds = key.expirationSeconds
        var owner = BoundObjectReference()
        (owner.apiVersion, owner.kind) = ("v1", "Pod")
        (owner.name, owner.uid) = (pod.metadata.name, pod.metadata.uid)
        request.spec.boundObjectRef = owner
        let answer: TokenRequest
        do throws(Status) {
            let target = Target(.serviceAccounts, account, subresource: "token")
            answer = TokenRequest(try await client.create(target, request.value, WriteOptions()).value)
        } catch {
            throw Fault(error, "failed to fetch token")
        }
        guard let expires = answer.status.expirationTimestamp, !answer.status.token.isEmpty else {
            throw Fault(.corrupt, "failed to fetch token: the API answered without one")
        }
        // The server may grant another life than was asked for.
        let life = answer.spec.expirationSeconds ?? key.expirationSeconds
        self.init(text: answer.status.token, expires: expires, lifeSeconds: life)
    }
}
