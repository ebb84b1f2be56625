import Host
import Scheduler
import Support
import Synchronization
import Wire

/// Calls the scheduler's extenders over HTTP, with connections kept between the calls.
final class ExtenderCaller: Sendable {
    /// What an answer may be at most, bytes: it may hold every node.
    private static let answerLimit = 64 << 20

    /// By URL: the configuration names few.
    private let clients = Mutex<[String: HTTPClient]>([:])

    func call(_ request: ExtenderRequest) async throws(Fault) -> [UInt8] {
        do {
            let client = try client(for: request)
            var post = try HTTPClientRequest(
                .post, url: request.url, headers: ["Content-Type": "application/json"],
                body: .bytes(request.body), timeout: request.timeout)
            // Whoever filters or scores twice says the same; a pod is bound once.
            post.isRepeatable = true
            let response = try await client.send(post)
            let body = try await response.body.collect(limit: Self.answerLimit)
            guard response.status.code == 200 else {
                throw Fault(.failed, "the extender at \(request.url) answered \(response.status.code)")
            }
            return body
        } catch let fault as Fault {
            throw fault
        } catch {
            throw Fault(.unavailable, "the extender at \(request.url) did not answer", cause: error)
        }
    }

    private func client(for request: ExtenderRequest) throws(Fault) -> HTTPClient {
        if let known = clients.withLock({ $0[request.url] }) { return known }
        let client = HTTPClient(tls: try request.security.map(Self.identity))
        clients.withLock { $0[request.url] = client }
        return client
    }

    private static func identity(_ security: ExtenderSecurity) throws(Fault) -> TLSClientIdentity {
        func bytes(_ data: [UInt8]?, _ file: String?) throws(Fault) -> [UInt8]? {
            if let data { return data }
            guard let file, !file.isEmpty else { return nil }
            return Array(try Files.readText(file).utf8)
        }
        return try TLSClientIdentity(
            authoritiesPEM: bytes(security.authorities, security.authoritiesFile),
            certificatePEM: bytes(security.certificate, security.certificateFile),
            keyPEM: bytes(security.key, security.keyFile), serverName: security.serverName,
            isVerifying: !security.isInsecure)
    }
}
