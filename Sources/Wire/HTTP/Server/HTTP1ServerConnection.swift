import NIOCore
import Support

/// One HTTP/1.1 connection of a server: reads requests from raw bytes and answers them in order.
///
/// A pipelined request waits, unparsed, until the one before it is answered, so that answers cannot overtake
/// each other and a client that never reads cannot make the server work. An idle connection holds no buffer.
final class HTTP1ServerConnection: HTTPServerStream, ChannelDuplexHandler, HTTPServerMember {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum Phase {
        /// Between requests, or within a head.
        case head
        case body
        /// The request is complete, its response is not.
        case answering
        /// Everything was said; what still comes is dropped until the client closes, so that it reads our
        /// last words and no reset.
        case lingering
        /// Raw bytes, which the ``RawStreamHandler`` behind this handler takes care of.
        case upgraded
        case closed
    }

    private let info: HTTPConnectionInfo
    private var context: ChannelHandlerContext?
    private var phase = Phase.head
    private var inbound: ByteBuffer?
    private var scanner = HTTP1HeadScanner()
    private var decoder = HTTP1BodyDecoder.length(0)
    private var framing = HTTP1Encoder.Framing(body: .none)
    private var version = HTTPVersion.http1_1
    private var isKeptAlive = true
    private var awaitsContinue = false
    private var isProcessing = false
    private var isInRead = false
    private var unflushed = 0
    private var isPaused = false
    private var isReadHeld = false
    private var stalledAt: Int?
    /// Of the connection itself, whatever the exchange waits for.
    private var ownDeadline: NIODeadline?
    var deadline: NIODeadline? { earlier(ownDeadline, answerDeadline) }

    init(server: HTTPServerLoop, info: HTTPConnectionInfo) {
        self.info = info
        super.init(server: server)
    }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        setDeadline(server.limits.headerTimeout)
        server.add(self)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .upgraded = phase { return context.fireChannelRead(data) }
        isInRead = true
        var bytes = unwrapInboundIn(data)
        switch phase {
        case .head, .body, .answering:
            if inbound == nil {
                if case .head = phase { setDeadline(server.limits.headerTimeout) }
                inbound = bytes
            } else {
                if let used = inbound?.readerIndex, used > server.limits.heldBytes {
                    inbound?.discardReadBytes()
                }
                inbound?.writeBuffer(&bytes)
            }
            process()
        case .lingering, .upgraded, .closed: break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isInRead = false
        guard unflushed > 0 else { return }
        unflushed = 0
        context.flush()
    }

    func read(context: ChannelHandlerContext) {
        if mustHoldRead { isReadHeld = true } else { context.read() }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { process() }
    }

    func channelInactive(context: ChannelHandlerContext) {
        lost()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        lost()
        self.context = nil
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func lost() {
        if case .closed = phase { return }
        phase = .closed
        inbound = nil
        connectionLost()
        server.remove(self)
    }

    // MARK: Requests

    private func process() {
        guard !isProcessing else { return }
        isProcessing = true
        defer {
            isProcessing = false
            if inbound?.readableBytes == 0 { inbound = nil }
            releaseRead()
        }
        while true {
            switch phase {
            case .head: guard beginRequest() else { return }
            case .body: guard decodeBody() else { return }
            case .answering, .lingering, .upgraded, .closed: return
            }
        }
    }

    /// Parses a head and calls the handler. `false`: nothing to do until more bytes come or the client reads.
    private func beginRequest() -> Bool {
        guard var buffer = inbound, context?.channel.isWritable == true else { return false }
        // RFC 9112, section 2.2: empty lines before a request are passed over.
        while buffer.readableBytes >= 2, buffer.readableBytesView.starts(with: [13, 10]) {
            buffer.moveReaderIndex(forwardBy: 2)
            scanner = HTTP1HeadScanner()
        }
        inbound = buffer
        do throws(HTTP1Failure) {
            guard let head = try parseHead(&buffer) else { return false }
            inbound = buffer
            try begin(head)
            return true
        } catch {
            refuse(error)
            return false
        }
    }

    private func parseHead(_ buffer: inout ByteBuffer) throws(HTTP1Failure) -> HTTP1RequestHead? {
        var result: Result<(HTTP1RequestHead, Int)?, HTTP1Failure> = .success(nil)
        buffer.withUnsafeReadableBytes { bytes in
            do throws(HTTP1Failure) {
                guard let length = try scanner.headLength(in: bytes, limit: server.limits.headerBytes) else {
                    return
                }
                let head = UnsafeRawBufferPointer(rebasing: bytes[..<length])
                result = .success((try HTTP1HeadParser.request(head), length))
            } catch {
                result = .failure(error)
            }
        }
        guard let (head, length) = try result.get() else { return nil }
        buffer.moveReaderIndex(forwardBy: length)
        return head
    }

    private func begin(_ head: HTTP1RequestHead) throws(HTTP1Failure) {
        guard
            let request = HTTPRequest(
                method: head.method, target: head.target, version: head.version, headers: head.headers,
                connection: info)
        else { throw .malformed("malformed escape in the path") }
        version = head.version
        isKeptAlive = head.isKeepAlive && !server.isStopping
        framing = HTTP1Encoder.Framing(
            body: .none, connection: head.version == .http1_0 && isKeptAlive ? "keep-alive" : nil)
        decoder = HTTP1BodyDecoder(request: head.framing)
        awaitsContinue = head.framing.expectsContinue && !decoder.hasEnded
        ownDeadline = nil
        phase = decoder.hasEnded ? .answering : .body
        begin(
            request,
            body: decoder.hasEnded
                ? .empty
                : RequestBody(declaredLength: head.framing.contentLength, heldLimit: server.limits.heldBytes))
    }

    /// Takes the next part of a body. `false`: nothing to do until more bytes come or the reader reads.
    private func decodeBody() -> Bool {
        guard !isPaused else { return false }
        // The end needs no bytes: it may be due when the reader goes on and everything has been taken.
        var buffer = inbound ?? ByteBuffer()
        do throws(HTTP1Failure) {
            let part = try decoder.next(&buffer)
            inbound = buffer
            switch part {
            case .bytes(let bytes):
                if body.isCollecting { setDeadline(server.limits.stallTimeout) }
                bodyReceived(bytes.readableBytesView)
            case .end:
                phase = .answering
                ownDeadline = nil
                bodyEnded()
                if !isAnswerAwaited { readyForNext() }
            case .needsMore: return false
            }
            return true
        } catch {
            isKeptAlive = false
            phase = .answering
            inbound = nil
            bodyFailed(.malformed)
            if !isAnswerAwaited { closeGracefully() }
            return false
        }
    }

    private func refuse(_ failure: HTTP1Failure) {
        let text = "\(failure.status): \(failure.reason)"
        isKeptAlive = false
        version = .http1_1
        sendResponse(failure.status, ["Content-Type": "text/plain; charset=utf-8"], Array(text.utf8))
        closeGracefully()
    }

    // MARK: Responses

    override func sendResponse(_ status: HTTPStatus, _ headers: HTTPHeaders, _ body: [UInt8]) {
        framing.body = status.isBodiless ? .none : .length(body.count)
        settleConnection(headers)
        let buffer = server.encode { buffer in
            HTTP1Encoder.writeResponseHead(
                status: status, headers: headers, framing: framing, date: server.date(), to: &buffer)
            if !isHead, !status.isBodiless { buffer.writeBytes(body) }
        }
        write(buffer, promise: nil)
    }

    override func sendHead(_ start: HTTPResponseStart) {
        if start.status.isBodiless {
            framing.body = .none
        } else if let length = start.contentLength {
            framing.body = .length(length)
        } else if version == .http1_1 {
            framing.body = .chunked
        } else {
            framing.body = .untilClose
            isKeptAlive = false
        }
        settleConnection(start.headers)
        let head = server.encode { buffer in
            HTTP1Encoder.writeResponseHead(
                status: start.status, headers: start.headers, framing: framing, date: server.date(),
                to: &buffer)
        }
        write(head, promise: nil)
    }

    override func sendPart(
        _ chunks: [ArraySlice<UInt8>], count: Int, isLast: Bool, promise: EventLoopPromise<Void>?
    ) {
        var mustSend = count > 0
        let buffer = server.encode { buffer in
            switch framing.body {
            case .chunked where !isHead:
                mustSend = true
                HTTP1Encoder.writeChunk(chunks, count: count, isLast: isLast, to: &buffer)
            case .none: mustSend = false
            case .length, .untilClose, .chunked: for chunk in chunks { buffer.writeBytes(chunk) }
            }
        }
        guard mustSend else { return promise?.succeed() ?? () }
        write(buffer, promise: promise)
    }

    /// Decides whether the connection stays, and says so in the head that is being written.
    private func settleConnection(_ headers: HTTPHeaders) {
        // A client that was never told to continue may or may not send its body: nobody could tell where the
        // next request begins.
        if awaitsContinue || server.isStopping || headers.lists("close", in: "Connection") {
            isKeptAlive = false
        }
        awaitsContinue = false
        if !isKeptAlive { framing.connection = "close" }
    }

    private func write(_ buffer: ByteBuffer, promise: EventLoopPromise<Void>?) {
        guard let context else { return promise?.fail(HTTPStreamClosed()) ?? () }
        unflushed += buffer.readableBytes
        // What waits for a flush does not count as held back, so that it needs a bound of its own.
        if isInRead, unflushed < OutletQueue.batchLimit {
            context.write(wrapOutboundOut(buffer), promise: promise)
        } else {
            unflushed = 0
            context.writeAndFlush(wrapOutboundOut(buffer), promise: promise)
        }
    }

    override func exchangeCompleted() {
        if !isKeptAlive { return closeGracefully() }
        switch phase {
        case .answering: readyForNext()
        // The rest of the body is being dropped; a client that never sends it must not keep the connection.
        case .body: setDeadline(server.limits.stallTimeout)
        case .head, .lingering, .upgraded, .closed: break
        }
    }

    private func readyForNext() {
        if !isKeptAlive || server.isStopping { return closeGracefully() }
        phase = .head
        let isIdle = (inbound?.readableBytes ?? 0) == 0
        setDeadline(isIdle ? server.limits.idleTimeout : server.limits.headerTimeout)
        process()
    }

    /// Closes behind what was written. An empty write tells when that has gone out.
    private func closeGracefully() {
        switch phase {
        case .lingering, .closed: return
        case .head, .body, .answering, .upgraded: phase = .lingering
        }
        inbound = nil
        setDeadline(server.limits.stallTimeout)
        setReading(paused: false)
        guard let context else { return }
        let written = context.eventLoop.makePromise(of: Void.self)
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        written.futureResult.whenComplete { _ in bound.value.endOutput() }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: written)
    }

    private func endOutput() {
        guard case .lingering = phase, let context else { return }
        setDeadline(.seconds(1))
        context.close(mode: .output, promise: nil)
    }

    override func bodyWanted() {
        if body.isCollecting { setDeadline(server.limits.stallTimeout) }
        guard awaitsContinue else { return }
        awaitsContinue = false
        write(ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n"), promise: nil)
        context?.flush()
    }

    override func giveUpBody() {
        isKeptAlive = false
        closeGracefully()
    }

    override func breakOff() { context?.close(promise: nil) }

    // MARK: Upgrade

    override func startUpgrade(_ headers: HTTPHeaders) -> UpgradeResult {
        guard let context, case .answering = phase else {
            return .failure(Fault(.invalid, "a request with a body cannot be upgraded"))
        }
        let head = server.encode { buffer in
            HTTP1Encoder.writeResponseHead(
                status: .switchingProtocols, headers: headers,
                framing: HTTP1Encoder.Framing(body: .none, connection: "Upgrade"), date: server.date(),
                to: &buffer)
        }
        write(head, promise: nil)
        context.flush()
        do {
            let stream = try RawStreamHandler.install(on: context.channel, after: inbound)
            phase = .upgraded
            (ownDeadline, inbound) = (nil, nil)
            setReading(paused: false)
            return .success(stream)
        } catch {
            return .failure(Fault(.unavailable, "the connection closed before it was upgraded", cause: error))
        }
    }

    // MARK: Reading

    /// Requests that wait behind an unanswered one are read up to a bound only.
    private var mustHoldRead: Bool { isPaused || (inbound?.readableBytes ?? 0) >= heldLimit }

    private var heldLimit: Int {
        if case .head = phase { server.limits.headerBytes + 4096 } else { server.limits.heldBytes }
    }

    override func setReading(paused: Bool) {
        isPaused = paused
        if !paused {
            if case .body = phase { process() }
            releaseRead()
        }
    }

    private func releaseRead() {
        guard isReadHeld, !mustHoldRead else { return }
        isReadHeld = false
        context?.read()
    }

    // MARK: Deadlines

    private func setDeadline(_ duration: Duration) {
        let moment = NIODeadline.now() + TimeAmount(duration)
        ownDeadline = moment
        server.note(moment)
    }

    override func answerIsDue(_ moment: NIODeadline) { server.note(moment) }

    func deadlinePassed(_ now: NIODeadline) {
        passDue(now)
        guard let due = ownDeadline, due <= now else { return }
        ownDeadline = nil
        switch phase {
        case .body where body.isCollecting:
            isKeptAlive = false
            bodyFailed(.timedOut)
        case .head, .body, .answering, .upgraded: if !isStillTaking() { context?.close(promise: nil) }
        case .lingering: if !isStillTaking() { context?.close(promise: nil) }
        case .closed: break
        }
    }

    /// Whether the client has taken bytes of a response since this was asked last; then it gets more time.
    private func isStillTaking() -> Bool {
        let held = (try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        defer { stalledAt = held }
        guard held > 0, held != stalledAt else { return false }
        setDeadline(server.limits.stallTimeout)
        return true
    }

    func stop() {
        isKeptAlive = false
        if case .head = phase, inbound == nil { return closeGracefully() }
        endLongResponses()
    }

    func cutOff() { context?.close(promise: nil) }
}
