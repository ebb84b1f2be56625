import APIMachinery
import Support
import Wire

/// Posts reviews, of tokens or of access, to the webhook that a kubeconfig names.
///
/// A call is made again, after a while, when the server says that it could not answer: five times at most.
struct ReviewWebhook: Sendable {
    private let config: WebhookKubeconfig
    private let client: HTTPClient
    /// From each call to the end of its answer.
    private let timeout: Duration
    private let pauses: [Duration]

    /// What an answer may be at most, bytes.
    private static let answerLimit = 3 << 20

    /// Half a second, and half as much again each time.
    static let usualPauses: [Duration] = [.milliseconds(500), .milliseconds(750), .milliseconds(1125), .milliseconds(1687)]

    /// Fails when certificate, key or authorities cannot be read.
    init(_ config: WebhookKubeconfig, timeout: Duration, pauses: [Duration] = ReviewWebhook.usualPauses) throws(Fault) {
        self.config = config
        self.timeout = timeout
        self.pauses = pauses
        client = HTTPClient(
            tls: try TLSClientIdentity(
                authoritiesPEM: config.authorities, certificatePEM: config.certificatePEM, keyPEM: config.keyPEM,
                serverName: config.serverName, isVerifying: config.isVerifying))
    }

    /// The status of the answer to a review of this kind.
    func status(of review: Value) async throws(WebhookFailure) -> Value {
        var answer: Value?
        for pause in pauses {
            do throws(WebhookFailure) {
                answer = try await post(review)
                break
            } catch {
                guard error.isPassing else { throw error }
            }
            do {
                try await Task.sleep(for: pause)
            } catch {
                throw WebhookFailure(error, calling: config.url)
            }
        }
        let last: Value
        if let answer { last = answer } else { last = try await post(review) }
        guard last["kind"] == nil || last["kind"] == review["kind"] else {
            throw WebhookFailure(
                kind: .unreadable, description: "the webhook answered with a \(last["kind"]?.string ?? "")")
        }
        return last["status"] ?? .emptyObject
    }

    private func post(_ review: Value) async throws(WebhookFailure) -> Value {
        let bytes: [UInt8]
        do {
            var headers: HTTPHeaders = ["Content-Type": "application/json", "Accept": "application/json, */*"]
            if let authorization = config.authorization { headers.add("Authorization", authorization) }
            var request = try HTTPClientRequest(
                .post, url: config.url, headers: headers, body: .bytes(review.json), timeout: nil)
            request.isRepeatable = true
            let (ready, client) = (request, client)
            bytes = try await WebhookClient.within(timeout) {
                let response = try await client.send(ready)
                let bytes = try await response.body.collect(limit: Self.answerLimit)
                guard (200..<300).contains(response.status.code) else {
                    throw WebhookFailure(response.status, body: bytes)
                }
                return bytes
            }
        } catch {
            throw WebhookFailure(error, calling: config.url)
        }
        do throws(JSONError) {
            return try Value(json: bytes)
        } catch {
            throw WebhookFailure(kind: .unreadable, description: "couldn't get version/kind; json parse error: \(error)")
        }
    }
}

extension WebhookFailure {
    /// Whether asking again may help.
    fileprivate var isPassing: Bool {
        if case .refused(let code) = kind { [429, 500, 504].contains(code) } else { false }
    }
}
