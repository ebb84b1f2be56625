import NIOCore
import Support

/// The connection was closed by its peer before it answered anything. What was sent may or may not have
/// arrived.
struct StaleConnection: Error {}

/// One HTTP/1.1 connection of a client: one request at a time. Lives on one event loop.
final class HTTPClientConnection: ChannelDuplexHandler, OutletSink {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum Phase { case idle, head, body, upgraded, closed }

    /// The head of what is asked, ready for the wire, and who waits for the answer.
    struct Call: Sendable {
        var id: UInt64
        var method: HTTPMethod
        var head: ByteBuffer
        var isChunked: Bool
        /// What follows the head; `nil` if nothing does.
        var outlet: Outlet?
        var timeout: Duration?
        var answer: CheckedContinuation<HTTPUpgradeResponse, any Error>
    }

    private let pool: HTTPClientPool
    private let origin: HTTPOrigin
    private var context: ChannelHandlerContext?
    private var phase = Phase.idle
    private var call: Call?
    private var inbound: ByteBuffer?
    private var scanner = HTTP1HeadScanner()
    private var decoder = HTTP1BodyDecoder.length(0)
    private var inlet: Inlet?
    private var isKeptAlive = true
    private var isSent = true
    private var isPaused = false
    private var isReadHeld = false
    private var timer: Scheduled<Void>?

    init(pool: HTTPClientPool, origin: HTTPOrigin) {
        self.pool = pool
        self.origin = origin
    }

    // MARK: Requests

    /// Sends a request. Exactly one answer or error goes to its continuation.
    func start(_ call: Call) {
        guard case .idle = phase, let context else {
            call.outlet?.close()
            return call.answer.resume(throwing: StaleConnection())
        }
        stopTimer()
        phase = .head
        (isKeptAlive, isSent) = (true, call.outlet == nil)
        self.call = call
        if let timeout = call.timeout { startTimer(timeout) { $0.timedOut() } }
        context.writeAndFlush(wrapOutboundOut(call.head), promise: nil)
        call.outlet?.attach(self)
    }

    /// The task that waits for that call's answer was cancelled.
    func cancel(_ id: UInt64) {
        guard call?.id == id else { return }
        fail(CancellationError())
    }

    func send(_ chunks: [ArraySlice<UInt8>], count: Int, isLast: Bool, promise: EventLoopPromise<Void>) {
        guard let context, let call else { return promise.fail(HTTPStreamClosed()) }
        var buffer = context.channel.allocator.buffer(capacity: count + 32)
        if call.isChunked {
            HTTP1Encoder.writeChunk(chunks, count: count, isLast: isLast, to: &buffer)
        } else {
            for chunk in chunks { buffer.writeBytes(chunk) }
        }
        isSent = isLast
        context.writeAndFlush(wrapOutboundOut(buffer), promise: promise)
    }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        closed()
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        closed()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if case .upgraded = phase { return context.fireErrorCaught(error) }
        fail(error)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        switch phase {
        case .upgraded: context.fireChannelRead(data)
        // Nobody asked: whatever it is, it must not be taken for the next answer.
        case .idle, .closed: context.close(promise: nil)
        case .head, .body:
            if inbound == nil { inbound = bytes } else { inbound?.writeBuffer(&bytes) }
            process()
        }
    }

    func read(context: ChannelHandlerContext) {
        if isPaused { isReadHeld = true } else { context.read() }
    }

    private func process() {
        defer { if inbound?.readableBytes == 0 { inbound = nil } }
        do throws(HTTP1Failure) {
            while let buffer = inbound, buffer.readableBytes > 0 {
                switch phase {
                case .head: guard try readHead(buffer) else { return }
                case .body: guard try readBody(buffer) else { return }
                case .idle:
                    context?.close(promise: nil)
                    return
                case .upgraded, .closed: return
                }
            }
        } catch {
            fail(Fault(.corrupt, "\(origin.address) does not speak HTTP: \(error.reason)"))
        }
    }

    // MARK: Responses

    private func readHead(_ buffer: ByteBuffer) throws(HTTP1Failure) -> Bool {
        var buffer = buffer
        var result: Result<(HTTP1ResponseHead, Int)?, HTTP1Failure> = .success(nil)
        buffer.withUnsafeReadableBytes { bytes in
            do throws(HTTP1Failure) {
                guard let length = try scanner.headLength(in: bytes, limit: 1 << 20) else { return }
                let head = UnsafeRawBufferPointer(rebasing: bytes[..<length])
                result = .success((try HTTP1HeadParser.response(head), length))
            } catch {
                result = .failure(error)
            }
        }
        guard let (head, length) = try result.get(), let call else { return false }
        buffer.moveReaderIndex(forwardBy: length)
        inbound = buffer
        if head.status == .switchingProtocols {
            upgraded(head, call)
            return false
        }
        // Informational responses come before the one that counts (RFC 9110, section 15.2).
        if head.status.code < 200 { return true }
        stopTimer()
        decoder = HTTP1BodyDecoder(response: head.framing, status: head.status, to: call.method)
        isKeptAlive = head.isKeepAlive && !decoder.endsWithConnection
        answer(head, call)
        return true
    }

    private func answer(_ head: HTTP1ResponseHead, _ call: Call) {
        guard let context else { return }
        let body: HTTPBody
        if decoder.hasEnded {
            body = .empty
        } else {
            let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
            let inlet = Inlet(resume: { bound.execute { $0.readOn(call.id) } })
            self.inlet = inlet
            body = HTTPBody(inlet: inlet, owner: BodyOwner { bound.execute { $0.abandon(call.id) } })
        }
        phase = .body
        let response = HTTPClientResponse(
            status: head.status, headers: head.headers, version: head.version, body: body)
        if decoder.hasEnded { finish() }
        call.answer.resume(returning: .refused(response))
    }

    private func readBody(_ buffer: ByteBuffer) throws(HTTP1Failure) -> Bool {
        guard !isPaused else { return false }
        var buffer = buffer
        let part = try decoder.next(&buffer)
        inbound = buffer
        switch part {
        case .bytes(let bytes):
            if inlet?.push(bytes.readableBytesView) == true { isPaused = true }
            if decoder.hasEnded { finish() }
            return true
        case .end:
            finish()
            return true
        case .needsMore: return false
        }
    }

    /// The response is complete: the connection is free for the next request, if the last one went out whole.
    private func finish() {
        // The reader is told last, so that the request that it sends next finds this connection.
        let reader = inlet
        defer { reader?.end(.finished) }
        inlet = nil
        call?.outlet?.close()
        call = nil
        isPaused = false
        if isReadHeld {
            isReadHeld = false
            context?.read()
        }
        guard let context, isKeptAlive, isSent, inbound?.readableBytes ?? 0 == 0 else {
            phase = .closed
            context?.close(promise: nil)
            return
        }
        phase = .idle
        startTimer(pool.limits.idleTimeout) { $0.context?.close(promise: nil) }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        pool.put(HTTPClientLease(connection: bound, channel: context.channel), origin)
    }

    private func upgraded(_ head: HTTP1ResponseHead, _ call: Call) {
        stopTimer()
        guard let context else { return }
        do {
            let stream = try RawStreamHandler.install(on: context.channel, after: inbound)
            (phase, inbound, self.call) = (.upgraded, nil, nil)
            call.answer.resume(returning: .upgraded(head.headers, stream))
        } catch {
            fail(error)
        }
    }

    // MARK: Ending

    private func readOn(_ id: UInt64) {
        guard call?.id == id, isPaused else { return }
        isPaused = false
        process()
        guard !isPaused, isReadHeld else { return }
        isReadHeld = false
        context?.read()
    }

    /// Nobody will read the rest of that call's response.
    private func abandon(_ id: UInt64) { if call?.id == id { context?.close(promise: nil) } }

    private func timedOut() {
        let wait = call?.timeout ?? .zero
        fail(Fault(.timedOut, "\(origin.address) did not answer within \(wait)"))
    }

    private func closed() {
        guard phase != .closed || call != nil else { return }
        if case .body = phase, decoder.endsWithConnection {
            isKeptAlive = false
            finish()
        } else {
            fail(StaleConnection())
        }
        phase = .closed
        pool.remove(ObjectIdentifier(self), origin)
    }

    private func fail(_ error: any Error) {
        stopTimer()
        if let call {
            self.call = nil
            call.outlet?.close()
            if case .head = phase { call.answer.resume(throwing: error) }
        }
        inlet?.end(.failed(error is CancellationError ? error : HTTPBodyError.cutShort))
        inlet = nil
        if phase != .upgraded { phase = .closed }
        inbound = nil
        context?.close(promise: nil)
    }

    private func startTimer(_ duration: Duration, _ ring: @escaping @Sendable (HTTPClientConnection) -> Void)
    {
        guard let loop = context?.eventLoop else { return }
        let bound = NIOLoopBound(self, eventLoop: loop)
        timer = loop.scheduleTask(in: TimeAmount(duration)) { ring(bound.value) }
    }

    private func stopTimer() {
        timer?.cancel()
        timer = nil
    }
}

/// Lives as long as a response's body may be read.
private final class BodyOwner: Sendable {
    private let ended: @Sendable () -> Void

    init(_ ended: @escaping @Sendable () -> Void) { self.ended = ended }

    deinit { ended() }
}
