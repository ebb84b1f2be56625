import API
import APIMachinery
import Support
import Wire

extension Connections {
    /// `GET pods/NAME/log`: streams the log of one container, as text or in the messages of a WebSocket.
    func log(_ call: FrontCall, _ exchange: HTTPExchange) throws(Status) {
        try checkMethod(call, [.get])
        let pod = try pod(call.target)
        let query = try ConnectionQuery(log: call.query)
        let container = try PodContainer.choose(call.query["container"] ?? "", in: pod)
        guard !pod.spec.nodeName.isEmpty else {
            // A pod that has no node yet has nothing to say, which is no error.
            return exchange.respond(.ok, LogTransfer.headers)
        }
        let (kubelet, address) = try kubelet(of: pod.spec.nodeName)
        let path = KubeletClient.path("containerLogs", pod.metadata.namespace, pod.metadata.name, container)
        let request = HTTPClientRequest(.get, address.origin, path + query.text)
        let webSocket = WebSocketRequest(call.request)
        run(call, exchange) {
            let response = try await LogTransfer.open(request, over: kubelet.http, pod: pod.metadata.name)
            if let webSocket {
                try await LogTransfer.send(response.body, over: webSocket, exchange)
            } else {
                let writer = exchange.startResponse(.ok, LogTransfer.headers)
                for try await chunk in response.body { try await writer.send(chunk) }
            }
        }
    }
}

/// Takes a log from a kubelet to a client.
enum LogTransfer {
    static let headers: HTTPHeaders = ["Content-Type": "text/plain", "Cache-Control": "no-cache, private"]

    /// The kubelet's answer, or the `Status` that its refusal means.
    static func open(
        _ request: HTTPClientRequest, over http: HTTPClient, pod: String
    ) async throws -> HTTPClientResponse {
        let response: HTTPClientResponse
        do {
            response = try await http.send(request)
        } catch let fault as Fault {
            throw Status(
                code: 500, reason: .unknown,
                message: "Get \"https://\(request.origin.address)\(request.target)\": \(Status.explanation(fault))")
        }
        guard (200...206).contains(response.status.code) else {
            throw refusal(response.status, await response.refusal(), pod: pod)
        }
        return response
    }

    /// As Kubernetes reads the answers of kubelets.
    static func refusal(_ status: HTTPStatus, _ text: String, pod: String) -> Status {
        let cause = Status.Cause(reason: "UnexpectedServerResponse", message: text, field: "")
        let details = Status.Details(name: pod, kind: "pods/log", causes: [cause])
        switch status {
        case .internalServerError: return .internalError(text)
        case .badRequest: return .badRequest(text)
        case .unauthorized:
            return Status(
                code: 401, reason: .unauthorized,
                message: "the server has asked for the client to provide credentials ( pods/log \(pod))",
                details: details)
        case .forbidden: return Status(code: 403, reason: .forbidden, message: text, details: details)
        case .notFound:
            return Status(
                code: 404, reason: .notFound,
                message: "the server could not find the requested resource ( pods/log \(pod))", details: details)
        case _ where status.code >= 500:
            return Status(
                code: status.code, reason: .internalError,
                message: "an error on the server (\"\(text)\") has prevented the request from succeeding "
                    + "( pods/log \(pod))", details: details)
        default:
            return Status(
                code: status.code, reason: .unknown,
                message: "the server responded with the status code \(status.code) but did not return more "
                    + "information ( pods/log \(pod))", details: details)
        }
    }

    /// Sends a log as messages, each a part of it.
    static func send(_ body: HTTPBody, over request: WebSocketRequest, _ exchange: HTTPExchange) async throws {
        let subprotocol = try request.choose([WebSocketSubprotocol.binary, WebSocketSubprotocol.base64Binary])
        let webSocket = try await request.accept(exchange, subprotocol: subprotocol)
        let isText = subprotocol == WebSocketSubprotocol.base64Binary
        do {
            try await withThrowingTaskGroup(of: Bool.self) { group in
                group.addTask {
                    for try await chunk in body {
                        try await webSocket.send(isText ? .text(Base64.encode(chunk)) : .binary(chunk))
                    }
                    return true
                }
                group.addTask {
                    // Pings are answered, and a client that leaves is noticed, by whoever receives.
                    while try await webSocket.receive() != nil {}
                    return false
                }
                let isSent = try await group.next() ?? false
                group.cancelAll()
                if isSent { try await webSocket.sendClose() }
            }
        } catch {
            await webSocket.close()
            throw error
        }
        await webSocket.close(within: WebSocket.closeTimeout)
    }
}
