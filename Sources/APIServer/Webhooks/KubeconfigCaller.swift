import Support
import Wire

/// Posts JSON to the server that a kubeconfig names, over connections that are kept between the calls.
struct KubeconfigCaller: Sendable {
    let url: String
    private let authorization: String?
    private let client: HTTPClient
    /// From each call to the end of its answer.
    private let timeout: Duration

    /// What an answer may be at most, bytes.
    private static let answerLimit = 3 << 20

    /// Fails when certificate, key or authorities cannot be read.
    init(_ config: WebhookKubeconfig, timeout: Duration) throws(Fault) {
        url = config.url
        authorization = config.authorization
        self.timeout = timeout
        client = HTTPClient(
            tls: try TLSClientIdentity(
                authoritiesPEM: config.authorities, certificatePEM: config.certificatePEM, keyPEM: config.keyPEM,
                serverName: config.serverName, isVerifying: config.isVerifying))
    }

    /// Posts once; returns the body of the answer, which must be a success (2xx).
    func post(_ bytes: [UInt8]) async throws(WebhookFailure) -> [UInt8] {
        do {
            var headers: HTTPHeaders = ["Content-Type": "application/json", "Accept": "application/json, */*"]
            if let authorization { headers.add("Authorization", authorization) }
            var request = try HTTPClientRequest(.post, url: url, headers: headers, body: .bytes(bytes), timeout: nil)
            request.isRepeatable = true
            return try await WebhookClient.send(request, by: client, within: timeout, limit: Self.answerLimit)
        } catch {
            throw WebhookFailure(error, calling: url)
        }
    }
}
