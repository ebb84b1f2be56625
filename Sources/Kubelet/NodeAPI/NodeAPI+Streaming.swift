import API
import Runtime
import Support
import Wire

// The runtime has a streaming server on a loopback port. It makes a URL for one connection, and what the client upgrades
// its connection to is passed on to it byte for byte: SPDY, or a WebSocket of the kinds that the runtime knows.
extension NodeAPI {
    /// `/exec/NAMESPACE/POD[/UID]/CONTAINER?command=...`
    func exec(_ path: NodeRoute.ContainerPath, _ request: HTTPRequest, _ exchange: HTTPExchange) async throws {
        let query = request.query
        let streams = try CRI.Streams(query)
        let id = try runningContainer(path)
        try await passOn(request, exchange, to: try await runtime.exec(id, query.values(of: "command"), streams))
    }

    /// `/attach/NAMESPACE/POD[/UID]/CONTAINER`
    func attach(_ path: NodeRoute.ContainerPath, _ request: HTTPRequest, _ exchange: HTTPExchange) async throws {
        let streams = try CRI.Streams(request.query)
        let id = try runningContainer(path)
        try await passOn(request, exchange, to: try await runtime.attach(id, streams))
    }

    /// `/portForward/NAMESPACE/POD[/UID]`
    func portForward(_ path: NodeRoute.PodPath, _ request: HTTPRequest, _ exchange: HTTPExchange) async throws {
        guard let pod = pod(path) else { throw NodeFailure(.notFound, "pod does not exist") }
        var filter = CRI.PodSandboxFilter()
        filter.labelSelector = [PodLabels.podUID: pod.metadata.uid]
        filter.state = .ready
        let sandboxes = try await runtime.listPodSandboxes(filter)
        guard let sandbox = sandboxes.max(by: { $0.metadata.attempt < $1.metadata.attempt }) else {
            throw NodeFailure(
                .internalServerError, "pod not found (\"\(path.name)_\(path.namespace)\")")
        }
        try await passOn(request, exchange, to: try await runtime.portForward(sandbox.id))
    }

    /// The id of a container that runs.
    func runningContainer(_ path: NodeRoute.ContainerPath) throws(NodeFailure) -> String {
        guard let pod = pod(path.pod) else { throw NodeFailure(.notFound, "pod does not exist") }
        guard let status = pod.status(ofContainer: path.container), status.state.running != nil,
            let id = ContainerID.bare(status.containerID)
        else {
            throw NodeFailure(.internalServerError, "container not found (\"\(path.container)\")")
        }
        return id
    }

    /// Repeats the request to the runtime and joins the two connections once it has switched protocols. If it has not,
    /// its answer is the client's.
    private func passOn(_ request: HTTPRequest, _ exchange: HTTPExchange, to url: String) async throws {
        let upgrade = try HTTPClientRequest(request.method, url: url, headers: Self.passedOn(request.headers))
        switch try await streaming.upgrade(upgrade) {
        case .upgraded(var headers, let backend):
            headers.remove("Connection")
            let client: any ByteStream
            do {
                client = try await exchange.upgrade(headers)
            } catch {
                await backend.close()
                throw error
            }
            await client.join(backend)
        case .refused(let response):
            let body = try await response.body.collect(limit: 64 << 10)
            var headers = HTTPHeaders()
            headers["Content-Type"] = response.headers["Content-Type"]
            exchange.respond(response.status, headers, body)
        }
    }

    /// The headers without those that are this connection's own, and without the client's credentials.
    private static func passedOn(_ headers: HTTPHeaders) -> HTTPHeaders {
        let own: Set = [
            "authorization", "connection", "content-length", "cookie", "expect", "host", "keep-alive", "te", "trailer",
            "transfer-encoding",
        ]
        var passed = HTTPHeaders()
        for (name, value) in headers where !own.contains(name.lowercased()) { passed.add(name, value) }
        return passed
    }
}

extension CRI.Streams {
    /// Reads which streams a request wants; it must want one. A terminal has no separate error stream.
    fileprivate init(_ query: HTTPQuery) throws(NodeFailure) {
        func wants(_ name: String) -> Bool { query[name] == "1" }
        self.init(
            isTerminal: wants("tty"), stdin: wants("input"), stdout: wants("output"), stderr: wants("error"))
        guard stdin || stdout || stderr else {
            throw NodeFailure(.badRequest, "you must specify at least 1 of stdin, stdout, stderr")
        }
    }
}
