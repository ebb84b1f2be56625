import API
import APIMachinery
import Support
import Wire

/// Speaks to kubelets in the API server's name.
struct KubeletClient: Sendable {
    let http: HTTPClient
    let preferredAddressTypes: [String]

    init(_ options: KubeletConnectionOptions) throws(Fault) {
        let identity = try TLSClientIdentity(
            authoritiesPEM: options.authoritiesPEM, certificatePEM: options.certificatePEM, keyPEM: options.keyPEM)
        http = HTTPClient(tls: identity)
        preferredAddressTypes = options.preferredAddressTypes
    }

    /// `target` is path and query, percent-encoded. What refuses without saying that something is wrong is a failure.
    func upgrade(
        _ method: HTTPMethod, _ address: KubeletAddress, _ target: String, headers: HTTPHeaders
    ) async throws(Status) -> HTTPUpgradeResponse {
        let answer: HTTPUpgradeResponse
        do {
            answer = try await http.upgrade(HTTPClientRequest(method, address.origin, target, headers: headers))
        } catch {
            throw .unreachable(error)
        }
        if case .refused(let response) = answer, let invalid = UpgradeRefusal.replacement(response.status) {
            throw invalid
        }
        return answer
    }

    /// How long a kubelet may take to count.
    private static let countingTime = Duration.seconds(10)
    /// As much as a node with some thousand containers tells.
    private static let summaryLimit = 16 << 20

    /// What the node's containers have used up so far: `/stats/summary`.
    func usage(of node: Node) async throws(Status) -> Value {
        let address = try KubeletAddress(node, preferring: preferredAddressTypes)
        do {
            let response = try await http.send(
                HTTPClientRequest(.get, address.origin, "/stats/summary", timeout: Self.countingTime))
            guard response.status.code == 200 else { throw Fault(.unavailable, "answer \(response.status.code)") }
            return try Value(json: try await response.body.collect(limit: Self.summaryLimit))
        } catch {
            throw .unreachable(error)
        }
    }

    /// The path of something that a kubelet has for a pod.
    static func path(_ parts: String...) -> String {
        parts.map { "/" + PercentEncoding.encode($0) }.joined()
    }
}

extension Status {
    /// A backend that does not take the connection.
    static func unreachable(_ error: any Error) -> Status {
        Status(code: 500, reason: .unknown, message: "error dialing backend: \(explanation(error))")
    }

    /// What went wrong between this server and another, for people: in Go's words where no connection was made.
    static func explanation(_ error: any Error) -> String {
        guard let fault = error as? Fault else { return "\(error)" }
        if let failure = fault.cause as? ConnectionFailure { return failure.description }
        return fault.cause.map { "\(fault.summary): \($0)" } ?? fault.summary
    }
}

extension HTTPClientResponse {
    /// The beginning of a refusal's text.
    func refusal() async -> String {
        var text: [UInt8] = []
        do {
            for try await chunk in body {
                text += chunk
                // As much as Kubernetes reads of an error.
                guard text.count < 50_000 else { break }
            }
        } catch {
            // What came says more than that the rest did not.
        }
        return String(decoding: text, as: UTF8.self)
    }
}
