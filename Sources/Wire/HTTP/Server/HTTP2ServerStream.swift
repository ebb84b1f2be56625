import NIOCore
import NIOHPACK
import NIOHTTP2

/// One stream of an HTTP/2 connection: one request and its response.
final class HTTP2ServerStream: HTTPServerStream, ChannelDuplexHandler, HTTPServerMember {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    private let connection: HTTP2ServerConnection
    private var context: ChannelHandlerContext?
    private var isInRead = false
    private var isPaused = false
    private var isReadHeld = false
    private var hasBegun = false
    private var isGone = false
    /// Whether a whole answer was written of which the client has not taken the last byte.
    private var isHeldUp = false
    /// When a body that is collected has stalled for too long.
    private var bodyDeadline: NIODeadline?
    var deadline: NIODeadline? { earlier(bodyDeadline, answerDeadline) }

    init(connection: HTTP2ServerConnection) {
        self.connection = connection
        super.init(server: connection.server)
    }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        connection.opened(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        lost()
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        lost()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        isInRead = true
        switch unwrapInboundIn(data) {
        case .headers(let frame):
            if hasBegun {
                // Trailers: what they say is dropped, as in HTTP/1.1.
                if frame.endStream { bodyEnded() }
            } else {
                hasBegun = true
                begin(frame)
            }
        case .data(let frame):
            if case .byteBuffer(let bytes) = frame.data, bytes.readableBytes > 0 {
                if bodyDeadline != nil { setDeadline() }
                bodyReceived(bytes.readableBytesView)
            }
            if frame.endStream { bodyEnded() }
        case .rstStream: context.close(promise: nil)
        default: break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isInRead = false
        flush()
    }

    func read(context: ChannelHandlerContext) {
        if isPaused { isReadHeld = true } else { context.read() }
    }

    override func setReading(paused: Bool) {
        isPaused = paused
        guard !paused, isReadHeld else { return }
        isReadHeld = false
        context?.read()
    }

    private func lost() {
        guard !isGone else { return }
        isGone = true
        server.remove(self)
        connectionLost()
        connection.closed(self)
    }

    // MARK: Request

    private func begin(_ frame: HTTP2Frame.FramePayload.Headers) {
        var headers = HTTPHeaders()
        var (method, target) = ("", "")
        for (name, value, _) in frame.headers {
            switch name {
            case ":method": method = value
            case ":path": target = value
            case ":authority": headers.add("host", value)
            case _ where name.hasPrefix(":"): break
            default: headers.add(name, value)
            }
        }
        guard target.hasPrefix("/") || target == "*",
            let request = HTTPRequest(
                method: HTTPMethod(rawValue: method), target: target, version: .http2, headers: headers,
                connection: connection.info)
        else { return refuse() }
        let length = headers["content-length"].flatMap { Int($0) }
        begin(
            request,
            body: frame.endStream
                ? .empty : RequestBody(declaredLength: length, heldLimit: server.limits.heldBytes))
    }

    // MARK: Deadline of a collected body

    override func bodyWanted() {
        guard body.isCollecting else { return }
        setDeadline()
        server.add(self)
    }

    private func setDeadline() {
        let moment = NIODeadline.now() + TimeAmount(server.limits.stallTimeout)
        bodyDeadline = moment
        server.note(moment)
    }

    override func answerIsDue(_ moment: NIODeadline) {
        server.add(self)
        server.note(moment)
    }

    func deadlinePassed(_ now: NIODeadline) {
        passDue(now)
        guard let due = bodyDeadline, due <= now else { return }
        bodyDeadline = nil
        bodyFailed(.timedOut)
    }

    /// The connection ends its streams.
    func stop() {}
    func cutOff() {}

    private func refuse() {
        sendResponse(
            .badRequest, ["content-type": "text/plain; charset=utf-8"], Array("400 Bad Request".utf8))
    }

    // MARK: Response

    private func fields(_ start: HTTPResponseStart) -> HPACKHeaders {
        var fields = HPACKHeaders()
        fields.reserveCapacity(start.headers.count + 3)
        fields.add(name: ":status", value: String(start.status.code))
        for (name, value) in start.headers {
            let name = name.lowercased()
            // RFC 9113, section 8.2.2: fields of the connection have no meaning here.
            switch name {
            case "connection", "keep-alive", "transfer-encoding", "upgrade", "content-length": continue
            default: fields.add(name: name, value: value)
            }
        }
        if let length = start.contentLength, !start.status.isBodiless {
            fields.add(name: "content-length", value: String(length))
        }
        if !start.headers.contains("Date") { fields.add(name: "date", value: server.dateText()) }
        return fields
    }

    override func exchangeCompleted() {
        bodyDeadline = nil
        if isTakenYet { server.remove(self) }
    }

    override func answerWasTaken() { server.remove(self) }

    override func sendResponse(_ status: HTTPStatus, _ headers: HTTPHeaders, _ body: [UInt8]) {
        let hasBody = !isHead && !status.isBodiless && !body.isEmpty
        let start = HTTPResponseStart(status: status, headers: headers, contentLength: body.count)
        write(.headers(.init(headers: fields(start), endStream: !hasBody)))
        guard hasBody else { return flush() }
        // A client that grants no window holds this back, and its stream with it.
        let promise = context?.eventLoop.makePromise(of: Void.self)
        promise?.futureResult.assumeIsolated().whenComplete { _ in
            self.isHeldUp = false
            self.batchWasTaken()
        }
        isHeldUp = true
        write(.data(.init(data: .byteBuffer(server.encode { $0.writeBytes(body) }), endStream: true)), promise: promise)
        flush()
    }

    override func sendHead(_ start: HTTPResponseStart) {
        write(.headers(.init(headers: fields(start), endStream: false)))
        flush()
    }

    override func sendPart(
        _ chunks: [ArraySlice<UInt8>], count: Int, isLast: Bool, promise: EventLoopPromise<Void>?
    ) {
        let bytes = server.encode { buffer in for chunk in chunks { buffer.writeBytes(chunk) } }
        write(.data(.init(data: .byteBuffer(bytes), endStream: isLast)), promise: promise)
        flush()
    }

    private func write(_ payload: HTTP2Frame.FramePayload, promise: EventLoopPromise<Void>? = nil) {
        guard let context else { return promise?.fail(HTTPStreamClosed()) ?? () }
        context.write(wrapOutboundOut(payload), promise: promise)
    }

    private func flush() {
        guard !isInRead, let context else { return }
        context.flush()
        if isHeldUp { batchIsHeldUp() }
    }

    /// RFC 9113, section 8.1: after a complete response, a reset without error asks the client to stop
    /// sending.
    override func giveUpBody() {
        write(.rstStream(.noError))
        context?.flush()
    }

    override func breakOff() { context?.close(promise: nil) }
}
