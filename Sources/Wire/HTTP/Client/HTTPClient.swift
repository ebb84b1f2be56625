internal import NIOCore
internal import NIOPosix
internal import Support
internal import Synchronization

/// Sends requests over HTTP/1.1, plain, over TLS or over a Unix socket, and keeps connections for the next
/// ones.
///
///     let client = HTTPClient(tls: try TLSClientIdentity(authoritiesPEM: ca))
///     let response = try await client.send(HTTPClientRequest(.get, url: "https://10.0.0.1:10250/pods"))
///     for try await chunk in response.body { ... }
///
/// Redirects are not followed and proxies not asked. Throws ``Fault`` (`unavailable`, `timedOut`, `denied`
/// when the server's certificate is not trusted, `corrupt` when it does not speak HTTP) or
/// `CancellationError`.
public final class HTTPClient: Sendable {
    private let pool: HTTPClientPool
    private let tls: Mutex<TLSClientIdentity?>
    private let lastCall = Atomic<UInt64>(0)

    /// `tls` is used for every `https` origin; without it the system's authorities are trusted.
    public init(tls: TLSClientIdentity? = nil, limits: HTTPClientLimits = HTTPClientLimits()) {
        self.tls = Mutex(tls)
        self.pool = HTTPClientPool(limits: limits)
    }

    deinit { pool.close() }

    /// Sends a request and returns when the head of the response has come.
    public func send(_ request: HTTPClientRequest) async throws -> HTTPClientResponse {
        switch try await call(request, connection: nil) {
        case .refused(let response): return response
        case .upgraded(_, let stream):
            await stream.close()
            throw Fault(.corrupt, "\(request.origin.address) switched protocols without being asked to")
        }
    }

    /// Asks for an upgrade; `headers` of the request must name the protocol (`Upgrade`), `Connection` is seen
    /// to.
    public func upgrade(_ request: HTTPClientRequest) async throws -> HTTPUpgradeResponse {
        try await call(request, connection: "Upgrade")
    }

    private func call(_ request: HTTPClientRequest, connection: StaticString?) async throws
        -> HTTPUpgradeResponse
    {
        var reused = pool.take(request.origin)
        while true {
            let lease: HTTPClientLease
            if let known = reused { lease = known } else { lease = try await connect(to: request.origin) }
            do {
                return try await perform(request, connection: connection, on: lease)
            } catch is StaleConnection where lease.isReused && request.isReplayable {
                // The server closed an idle connection while we took it: nothing is wrong, a new one will do.
                reused = nil
            } catch {
                throw Self.fault(error, request.origin)
            }
        }
    }

    private func perform(
        _ request: HTTPClientRequest, connection: StaticString?, on lease: HTTPClientLease
    ) async throws -> HTTPUpgradeResponse {
        guard case .stream(let chunks, let length) = request.body else {
            return try await perform(request, connection: connection, on: lease, outlet: nil, length: nil)
        }
        let outlet = Outlet(limit: 256 << 10, loop: lease.channel.eventLoop)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await Self.feed(chunks, to: outlet, length: length, channel: lease.channel) }
            defer { group.cancelAll() }
            return try await perform(
                request, connection: connection, on: lease, outlet: outlet, length: length)
        }
    }

    /// Writes a body as it comes into being. If it fails the connection is closed, so that the server cannot
    /// take what it got for the whole.
    private static func feed(
        _ chunks: any AsyncSequence<[UInt8], any Error> & Sendable, to outlet: Outlet, length: Int?,
        channel: any Channel
    ) async {
        let writer = HTTPBodyWriter(outlet: outlet, cancel: {})
        var count = 0
        do {
            for try await chunk in chunks {
                count += chunk.count
                guard count <= length ?? count else { throw HTTPBodyError.malformed }
                try await writer.send(chunk)
            }
            guard count == length ?? count else { throw HTTPBodyError.cutShort }
            outlet.finish()
        } catch is HTTPStreamClosed {
            // The server answered before it had read everything, or went away; the response tells which.
        } catch {
            channel.close(promise: nil)
        }
    }

    private func perform(
        _ request: HTTPClientRequest, connection: StaticString?, on lease: HTTPClientLease, outlet: Outlet?,
        length: Int?
    ) async throws -> HTTPUpgradeResponse {
        let id = lastCall.wrappingAdd(1, ordering: .relaxed).newValue
        let (head, following) = encode(request, connection, outlet, length, on: lease.channel)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let call = HTTPClientConnection.Call(
                    id: id, method: request.method, head: head, isChunked: outlet != nil && length == nil,
                    outlet: following, timeout: request.timeout, answer: continuation)
                lease.connection.execute { $0.start(call) }
                if Task.isCancelled { lease.connection.execute { $0.cancel(id) } }
            }
        } onCancel: {
            lease.connection.execute { $0.cancel(id) }
        }
    }

    /// The head, with a short body behind it; and what else follows.
    private func encode(
        _ request: HTTPClientRequest, _ connection: StaticString?, _ outlet: Outlet?, _ length: Int?,
        on channel: any Channel
    ) -> (ByteBuffer, Outlet?) {
        var headers = request.headers
        if !headers.contains("Host") { headers.add("Host", request.origin.hostHeader) }
        var framing = HTTP1Encoder.Framing(body: .none, connection: connection)
        var following = outlet
        var body: [UInt8] = []
        switch request.body {
        case .none: if [.post, .put, .patch].contains(request.method) { framing.body = .length(0) }
        case .bytes(let bytes):
            framing.body = .length(bytes.count)
            body = bytes
        case .stream: framing.body = length.map { .length($0) } ?? .chunked
        }
        if body.count > OutletQueue.batchLimit {
            let outlet = Outlet(limit: body.count, loop: channel.eventLoop)
            _ = outlet.write(body[...])
            outlet.finish()
            following = outlet
            body = []
        }
        var head = channel.allocator.buffer(capacity: 512 + body.count)
        HTTP1Encoder.writeRequestHead(
            method: request.method, target: request.target, headers: headers, framing: framing, to: &head)
        head.writeBytes(body)
        return (head, following)
    }

    private func connect(to origin: HTTPOrigin) async throws -> HTTPClientLease {
        let identity = origin.isSecure ? try secureIdentity() : nil
        return try await StreamDialer.connect(
            origin.address, tls: identity, timeout: pool.limits.connectTimeout
        ) {
            [pool] channel in
            let connection = HTTPClientConnection(pool: pool, origin: origin)
            try channel.pipeline.syncOperations.addHandler(connection)
            return HTTPClientLease(
                connection: NIOLoopBound(connection, eventLoop: channel.eventLoop), channel: channel)
        }
    }

    /// The identity we were given, or one that is made when it is first needed, since it reads all the
    /// system's authorities.
    private func secureIdentity() throws(Fault) -> TLSClientIdentity {
        if let known = tls.withLock({ $0 }) { return known }
        let made = try TLSClientIdentity()
        tls.withLock { $0 = made }
        return made
    }

    private static func fault(_ error: any Error, _ origin: HTTPOrigin) -> any Error {
        switch error {
        case is Fault, is CancellationError: error
        case is StaleConnection:
            Fault(.unavailable, "\(origin.address) closed the connection without answering")
        default: StreamDialer.fault(error, origin.address)
        }
    }
}
