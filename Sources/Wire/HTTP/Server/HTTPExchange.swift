internal import NIOCore
public import Support

/// One request and the response to it. A value that may be copied and used from any thread; a call that comes
/// after the exchange has ended does nothing.
public struct HTTPExchange: Sendable {
    let stream: NIOLoopBound<HTTPServerStream>
    let id: UInt64
    let loop: any EventLoop
    let lane: HTTPServerLane
    /// What every answer gets besides what its giver says.
    var decoration: HTTPDecoration?

    /// Answers with a complete body. The first answer counts. `Content-Length`, `Date`, `Connection` and the
    /// omission of the body (HEAD, 204, 304) are seen to; a `Connection: close` among the headers is
    /// honoured.
    public func respond(_ status: HTTPStatus, _ headers: HTTPHeaders = [:], _ body: [UInt8] = []) {
        let headers = decoration?.dress(status, headers, body) ?? headers
        // Spelled out, because a closure that may have to change threads costs an allocation even if it does not.
        if loop.inEventLoop {
            stream.value.respond(id, status, headers, body)
        } else {
            loop.execute { stream.value.respond(id, status, headers, body) }
        }
    }

    /// Answers with a body that is written little by little.
    ///
    /// - Parameters:
    ///   - contentLength: the body's length in bytes, if it is known. Writing less or more breaks the
    ///     response off.
    ///   - limit: the most bytes that may be held back for a slow client before
    ///     ``HTTPBodyWriter/write(_:)-1`` says `full`.
    ///   - endsOnStop: whether a graceful stop of the server finishes the body, as it must for watches and
    ///     followed logs.
    public func startResponse(
        _ status: HTTPStatus, _ headers: HTTPHeaders = [:], contentLength: Int? = nil, limit: Int = 1 << 20,
        endsOnStop: Bool = true
    ) -> HTTPBodyWriter {
        let headers = decoration?.dress(status, headers, nil) ?? headers
        let outlet = Outlet(limit: limit, loop: loop)
        onLoop {
            $0.open(
                id, HTTPResponseStart(status: status, headers: headers, contentLength: contentLength),
                outlet, endsOnStop: endsOnStop)
        }
        return HTTPBodyWriter(outlet: outlet, cancel: abort)
    }

    /// Collects the body, up to a limit in bytes, and calls once on the event loop. A body that was cut
    /// short, lies about its length or stalls is a failure, never a success.
    public func collectBody(
        limit: Int, _ done: @escaping @Sendable (Result<[UInt8], HTTPBodyError>) -> Void
    ) {
        onLoop { $0.collect(id, limit: limit, done) }
    }

    /// Collects the body, up to a limit in bytes. Throws as ``collectBody(limit:_:)`` fails.
    public func body(limit: Int) async throws(HTTPBodyError) -> [UInt8] {
        let result = await withCheckedContinuation { continuation in
            collectBody(limit: limit) { continuation.resume(returning: $0) }
        }
        return try result.get()
    }

    /// The body as it arrives. The client can send only as fast as it is read.
    public func bodyStream() -> HTTPBody {
        let inlet = Inlet(resume: { onLoop { $0.readOn(id) } })
        onLoop { $0.feed(id, inlet) }
        return HTTPBody(inlet: inlet, owner: nil)
    }

    /// Calls once, on the event loop, when the exchange has ended: answered, or broken because the client
    /// went away. At once if it has ended already. An upgraded connection ends its exchange when it closes.
    public func whenEnded(_ callback: @escaping @Sendable (HTTPExchangeEnd) -> Void) {
        onLoop { $0.whenEnded(id, callback) }
    }

    /// How many bytes of the answer's body were handed to the connection. To be asked where ``whenEnded(_:)`` calls: on
    /// the event loop, before the connection goes on to another request, after which nobody knows.
    public var sentBytes: Int { stream.value.sentBytes(id) }

    /// Calls, on the event loop, if no answer has begun when that time from now is over: to within a second or so. A
    /// later call replaces this one; an exchange that was answered already needs none.
    public func whenLate(after limit: Duration, _ callback: @escaping @Sendable () -> Void) {
        if loop.inEventLoop {
            stream.value.whenLate(id, limit, callback)
        } else {
            loop.execute { stream.value.whenLate(id, limit, callback) }
        }
    }

    /// The same exchange, whose answers are dressed so, whoever gives them through the value that is returned.
    public func decorated(with decoration: HTTPDecoration) -> HTTPExchange {
        var exchange = self
        exchange.decoration = self.decoration.map { $0.joined(with: decoration) } ?? decoration
        return exchange
    }

    /// Breaks the exchange off without an answer, or in the middle of one.
    public func abort() { onLoop { $0.abort(id) } }

    /// Answers 101 with `Connection: Upgrade` and these headers (`Upgrade` among them), and turns the
    /// connection into raw bytes. HTTP/1.1 only: fails with `unsupported` in HTTP/2, with `unavailable` when
    /// the client is gone.
    public func upgrade(_ headers: HTTPHeaders) async throws(Fault) -> any ByteStream {
        let headers = decoration?.dress(.switchingProtocols, headers, nil) ?? headers
        let result = await withCheckedContinuation {
            (continuation: CheckedContinuation<UpgradeResult, Never>) in
            onLoop { continuation.resume(returning: $0.upgrade(id, headers)) }
        }
        return try result.get()
    }

    /// Runs the rest of the exchange as a child task of ``HTTPServer/run()``, on the thread of its event loop:
    /// what takes long without waiting holds up other connections. It is cancelled when the client goes away or
    /// the server is cancelled. If it ends without having answered, the client gets a 500; a response that it
    /// began is finished when it returns, and broken off when it throws.
    public func run(_ operation: @escaping @Sendable () async throws -> Void) {
        let job = HTTPServerJob(operation: operation) { error in onLoop { $0.operationEnded(id, error) } }
        whenEnded { if case .broken = $0 { job.cancel() } }
        lane.submit(job)
    }

    private func onLoop(_ body: @escaping @Sendable (HTTPServerStream) -> Void) {
        if loop.inEventLoop {
            body(stream.value)
        } else {
            loop.execute { body(stream.value) }
        }
    }
}

typealias UpgradeResult = Result<any ByteStream, Fault>

/// The head of a response whose body follows later.
struct HTTPResponseStart: Sendable {
    var status: HTTPStatus
    var headers: HTTPHeaders
    var contentLength: Int?
}
