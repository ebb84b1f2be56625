import API
import APIMachinery
import Support
import Wire

extension Connections {
    /// `pods/NAME/exec` and `pods/NAME/attach`. SPDY is passed on to the kubelet as it is. A WebSocket ends here, and the
    /// kubelet is spoken to in SPDY (KEP-4006), so that every runtime will do.
    func command(_ verb: String, _ call: FrontCall, _ exchange: HTTPExchange) throws(Status) {
        try checkMethod(call, [.get, .post])
        let pod = try pod(call.target)
        let container = try PodContainer.choose(call.query["container"] ?? "", in: pod)
        let (kubelet, address) = try kubelet(of: pod)
        let path = KubeletClient.path(verb, pod.metadata.namespace, pod.metadata.name, container)
        let target = path + ConnectionQuery(command: call.query).text
        if let webSocket = WebSocketRequest(call.request) {
            let relay = CommandRelay(
                wanted: RemoteCommandStreams.Wanted(command: call.query), kubelet: kubelet, address: address,
                target: target)
            return run(call, exchange) { try await relay.run(webSocket, exchange) }
        }
        passOn(call, exchange, to: kubelet, address, target)
    }

    /// `pods/NAME/portforward`. The SPDY of a client is passed on, also when it comes within a WebSocket (KEP-4006).
    /// WebSockets of the old kind, with a channel for each port, are the runtime's business.
    func portForward(_ call: FrontCall, _ exchange: HTTPExchange) throws(Status) {
        try checkMethod(call, [.get, .post])
        let pod = try pod(call.target)
        let (kubelet, address) = try kubelet(of: pod)
        let path = KubeletClient.path("portForward", pod.metadata.namespace, pod.metadata.name)
        let target = path + (try ConnectionQuery(portForward: call.query).text)
        let tunnel = WebSocketSubprotocol.tunneledPortForward
        guard let webSocket = WebSocketRequest(call.request),
            WebSocketHandshake.choose(offered: webSocket.offered, supported: [tunnel]) != nil
        else { return passOn(call, exchange, to: kubelet, address, target) }
        run(call, exchange) {
            let headers: HTTPHeaders = ["Upgrade": "SPDY/3.1", "X-Stream-Protocol-Version": "portforward.k8s.io"]
            switch try await kubelet.upgrade(.post, address, target, headers: headers) {
            case .refused(let response): await Self.pass(response, exchange)
            case .upgraded(_, let backend):
                do {
                    let client = try await webSocket.accept(exchange, subprotocol: tunnel)
                    await WebSocketByteStream(client).join(backend)
                } catch {
                    await backend.close()
                    throw error
                }
            }
        }
    }

    /// Repeats an upgrade to a kubelet and joins the two connections.
    private func passOn(
        _ call: FrontCall, _ exchange: HTTPExchange, to kubelet: KubeletClient, _ address: KubeletAddress,
        _ target: String
    ) {
        guard call.request.headers.contains("Upgrade") else {
            return exchange.respond(Status.badRequest("Upgrade request required"), to: call.request)
        }
        let request = call.request
        let headers = PassedHeaders.request(request.headers, isUpgrade: true, keepsHost: false)
        run(call, exchange) {
            switch try await kubelet.upgrade(request.method, address, target, headers: headers) {
            case .refused(let response): await Self.pass(response, exchange)
            case .upgraded(let headers, let backend): try await Self.join(exchange, headers, backend)
            }
        }
    }

    /// Switches protocols towards the client too, and carries bytes until either side ends.
    static func join(_ exchange: HTTPExchange, _ headers: HTTPHeaders, _ backend: any ByteStream) async throws {
        let client: any ByteStream
        do {
            client = try await exchange.upgrade(PassedHeaders.upgraded(headers))
        } catch {
            await backend.close()
            throw error
        }
        await client.join(backend)
    }

    /// A backend's refusal is the client's answer.
    static func pass(_ response: HTTPClientResponse, _ exchange: HTTPExchange) async {
        let text = await response.refusal()
        exchange.respond(response.status, PassedHeaders.response(response.headers), Array(text.utf8))
    }
}

extension RemoteCommandStreams.Wanted {
    /// A terminal has no error output of its own, and has a size that may change.
    init(command query: HTTPQuery) {
        let isTerminal = query.flag("tty")
        self.init(
            stdin: query.flag("stdin"), stdout: query.flag("stdout"), stderr: query.flag("stderr") && !isTerminal,
            resize: isTerminal)
    }
}
