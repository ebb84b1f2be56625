import APIMachinery
import Client
import Support
import Wire

/// Calls webhooks over HTTPS, with connections kept between the calls.
final class WebhookClient: WebhookCaller {
    private let services: ServiceResolver
    private let clients = TrustedClients()

    init(services: ServiceResolver) { self.services = services }

    func call(_ call: WebhookCall) async throws(WebhookFailure) -> Value {
        let url = call.url
        let bytes: [UInt8]
        do {
            let client = try client(for: call.target)
            let request = try request(call, url)
            bytes = try await Self.send(request, by: client, within: call.timeout, limit: call.answerLimit)
        } catch {
            throw WebhookFailure(error, calling: url)
        }
        do throws(JSONError) {
            return try Value(json: bytes)
        } catch {
            throw WebhookFailure(
                kind: .unreadable, description: "couldn't get version/kind; json parse error: \(error)")
        }
    }

    /// The call as a request; a service is looked up now, as its endpoints come and go.
    private func request(_ call: WebhookCall, _ url: String) throws -> HTTPClientRequest {
        var request: HTTPClientRequest
        do throws(Fault) {
            request = try HTTPClientRequest(
                .post, url: url,
                headers: [
                    "Content-Type": "application/json", "Accept": "application/json, */*",
                    "User-Agent": "kube-apiserver-admission",
                ], body: .bytes(call.body.json), timeout: nil)
        } catch {
            throw WebhookFailure(kind: .configuration, description: "could not get REST client: \(error.summary)")
        }
        guard request.origin.isSecure else {
            throw WebhookFailure(
                kind: .configuration, description: "could not get REST client: \(GoText.quoted(url)) is no https URL")
        }
        // A webhook that is called twice must say the same (Kubernetes documentation, "Idempotence").
        request.isRepeatable = true
        if case .service(let name, let port, _) = call.target.place {
            request.origin.address = try services.resolve(name, port: port)
            request.headers["Host"] = "\(call.target.serverName ?? ""):\(port)"
        }
        return request
    }

    private func client(for target: WebhookTarget) throws(WebhookFailure) -> HTTPClient {
        do throws(Fault) {
            return try clients.client(
                TrustedClients.Trust(authorities: target.authorities, serverName: target.serverName))
        } catch {
            throw WebhookFailure(
                kind: .configuration,
                description: "could not get REST client: unable to load root certificates: \(error.summary)")
        }
    }

    /// The body of the answer, which must be a success (2xx) and complete in time.
    static func send(
        _ request: HTTPClientRequest, by client: HTTPClient, within timeout: Duration, limit: Int
    ) async throws -> [UInt8] {
        try await within(timeout) {
            let response = try await client.send(request)
            let bytes = try await response.body.collect(limit: limit)
            guard (200..<300).contains(response.status.code) else {
                throw WebhookFailure(response.status, body: bytes)
            }
            return bytes
        }
    }

    /// What `operation` gives; fails with `WebhookDeadline` when the time is over.
    static func within<T: Sendable>(
        _ timeout: Duration, _ operation: @escaping @Sendable () async throws -> T
    ) async throws -> T {
        guard let result = try await withTimeLimit(timeout, operation) else { throw WebhookDeadline() }
        return result
    }
}
