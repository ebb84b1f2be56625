import Logging
import NIOCore
import Support

/// Where requests are answered one after another: an HTTP/1.1 connection, or a single HTTP/2 stream.
///
/// This class holds what both have in common: which exchange is current, what happens with its body, and
/// whether it was answered. The subclasses know how the parts look on the wire. Lives on one event loop.
class HTTPServerStream: OutletSink {
    private enum Answer {
        /// No request, or its response is complete.
        case none
        case awaited
        case streaming(Outlet, left: Int?, endsOnStop: Bool)
        case upgraded
    }

    let server: HTTPServerLoop
    private(set) var exchangeID: UInt64 = 0
    private(set) var isHead = false
    private(set) var body = RequestBody.empty
    /// Of the answer's body, so far.
    private var sentBytes = 0
    private var answer = Answer.none
    private var inlet: Inlet?
    private var collected: (@Sendable (Result<[UInt8], HTTPBodyError>) -> Void)?
    private var endCallbacks: [@Sendable (HTTPExchangeEnd) -> Void] = []
    /// When an answer should have begun, and what happens if it has not.
    private var answerDue: NIODeadline?
    private var late: (@Sendable () -> Void)?
    /// When the client must have taken what was sent last of an answer that has an end.
    private var takenDue: NIODeadline?

    init(server: HTTPServerLoop) { self.server = server }

    // MARK: What subclasses say

    /// When ``passDue(_:)`` is to be called.
    final var answerDeadline: NIODeadline? { earlier(answerDue, takenDue) }

    var isAnswerAwaited: Bool { if case .none = answer { false } else { true } }

    /// A head was read: calls the handler.
    final func begin(_ request: HTTPRequest, body: RequestBody) {
        exchangeID &+= 1
        isHead = request.method == .head
        self.body = body
        sentBytes = 0
        answer = .awaited
        server.handler.handle(request, exchange)
    }

    final func bodyReceived(_ bytes: ByteBufferView) { perform(body.received(bytes), bytes: bytes) }
    final func bodyEnded() { perform(body.ended()) }
    final func bodyFailed(_ error: HTTPBodyError) { perform(body.failed(error)) }

    /// The connection is gone, whether or not the exchange was over. The end is told before the body's failure, so
    /// that nobody answers into the void and takes it for an answer.
    final func connectionLost() {
        switch answer {
        case .none: break
        case .awaited: end(.broken(nil))
        case .streaming(let outlet, _, _):
            outlet.close()
            end(.broken(status))
        case .upgraded: end(.completed(.switchingProtocols))
        }
        bodyFailed(.cutShort)
    }

    /// The server stops: responses without a natural end are given one.
    final func endLongResponses() {
        if case .streaming(let outlet, _, true) = answer { outlet.finish() }
    }

    // MARK: What subclasses do

    /// Sends a whole response. `exchangeCompleted()` follows.
    func sendResponse(_ status: HTTPStatus, _ headers: HTTPHeaders, _ body: [UInt8]) {}
    func sendHead(_ start: HTTPResponseStart) {}
    func sendPart(_ chunks: [ArraySlice<UInt8>], count: Int, isLast: Bool, promise: EventLoopPromise<Void>?) {
    }
    /// The response is on its way. The request's body may still be arriving, and is being dropped.
    func exchangeCompleted() {}
    /// Somebody wants the body: a client that waits for `100 Continue` gets it.
    func bodyWanted() {}
    func setReading(paused: Bool) {}
    /// The rest of the body is more than anybody cares to read. The response has been sent.
    func giveUpBody() {}
    func breakOff() {}
    /// ``answerDeadline`` has moved to that moment.
    func answerIsDue(_ moment: NIODeadline) {}
    /// The client has taken the last of an answer, for which it was waited.
    func answerWasTaken() {}
    func startUpgrade(_ headers: HTTPHeaders) -> UpgradeResult {
        .failure(Fault(.unsupported, "HTTP/2 has no upgrade", remedy: "connect with HTTP/1.1"))
    }

    // MARK: What the exchange asks for

    private var exchange: HTTPExchange {
        HTTPExchange(
            stream: NIOLoopBound(self, eventLoop: server.loop), id: exchangeID, loop: server.loop,
            lane: server.lane)
    }

    final func respond(_ id: UInt64, _ status: HTTPStatus, _ headers: HTTPHeaders, _ body: [UInt8]) {
        guard id == exchangeID, case .awaited = answer else { return }
        guard body.count <= OutletQueue.batchLimit || isHead else {
            // A long body goes out piece by piece, so that a slow client holds back the shared array and no
            // copy.
            let outlet = Outlet(limit: body.count, loop: server.loop)
            _ = outlet.write(body[...])
            outlet.finish()
            let start = HTTPResponseStart(status: status, headers: headers, contentLength: body.count)
            return open(id, start, outlet, endsOnStop: false)
        }
        answer = .none
        (answerDue, late) = (nil, nil)
        self.status = status
        sentBytes = isHead ? 0 : body.count
        sendResponse(status, headers, body)
        complete()
    }

    final func open(_ id: UInt64, _ start: HTTPResponseStart, _ outlet: Outlet, endsOnStop: Bool) {
        guard id == exchangeID, case .awaited = answer else { return outlet.close() }
        answer = .streaming(outlet, left: start.contentLength, endsOnStop: endsOnStop)
        (answerDue, late) = (nil, nil)
        status = start.status
        sendHead(start)
        outlet.attach(self)
        if server.isStopping { endLongResponses() }
    }

    final func send(_ chunks: [ArraySlice<UInt8>], count: Int, isLast: Bool, promise: EventLoopPromise<Void>)
    {
        guard case .streaming(let outlet, let left, let endsOnStop) = answer else {
            return promise.fail(HTTPStreamClosed())
        }
        if let left, isHead ? false : count > left || (isLast && count < left) {
            promise.fail(HTTPStreamClosed())
            return breakOff()
        }
        answer = isLast ? .none : .streaming(outlet, left: left.map { $0 - count }, endsOnStop: endsOnStop)
        sentBytes += isHead ? 0 : count
        sendPart(isHead ? [] : chunks, count: isHead ? 0 : count, isLast: isLast, promise: promise)
        if isLast { complete() }
    }

    final func collect(
        _ id: UInt64, limit: Int, _ done: @escaping @Sendable (Result<[UInt8], HTTPBodyError>) -> Void
    ) {
        guard id == exchangeID, isAnswerAwaited else { return done(.failure(.cutShort)) }
        guard collected == nil else { return done(.failure(.alreadyTaken)) }
        collected = done
        perform(body.collect(limit: limit))
        if body.isWanted { bodyWanted() }
    }

    final func feed(_ id: UInt64, _ inlet: Inlet) {
        guard id == exchangeID, isAnswerAwaited else { return inlet.end(.failed(HTTPBodyError.cutShort)) }
        guard let (bytes, action) = body.stream() else {
            return inlet.end(.failed(HTTPBodyError.alreadyTaken))
        }
        self.inlet = inlet
        let isFull = inlet.push(ByteBuffer(bytes: bytes).readableBytesView)
        perform(isFull && action == .resume ? .pause : action)
        if body.isWanted { bodyWanted() }
    }

    final func readOn(_ id: UInt64) { if id == exchangeID { setReading(paused: false) } }

    final func whenEnded(_ id: UInt64, _ callback: @escaping @Sendable (HTTPExchangeEnd) -> Void) {
        guard id == exchangeID, isAnswerAwaited else {
            return callback(id == exchangeID ? lastEnd : .completed(nil))
        }
        endCallbacks.append(callback)
    }

    final func whenLate(_ id: UInt64, _ limit: Duration, _ callback: @escaping @Sendable () -> Void) {
        guard id == exchangeID, case .awaited = answer else { return }
        let moment = NIODeadline.now() + TimeAmount(limit)
        (answerDue, late) = (moment, callback)
        answerIsDue(moment)
    }

    /// Time has passed: tells who wanted to know that no answer has begun, and gives up a client that does not read.
    final func passDue(_ now: NIODeadline) {
        if let due = takenDue, due <= now {
            takenDue = nil
            breakOff()
        }
        guard let due = answerDue, due <= now else { return }
        let callback = late
        (answerDue, late) = (nil, nil)
        callback?()
    }

    // MARK: Clients that do not read

    /// Whoever follows something may stop reading for a while, within the bound of what is held for it. An answer that
    /// has an end holds a seat among others and what it is made of, and is given up.
    final func batchIsHeldUp() {
        if case .streaming(_, _, endsOnStop: true) = answer { return }
        guard takenDue == nil else { return }
        let moment = NIODeadline.now() + TimeAmount(server.limits.stallTimeout)
        takenDue = moment
        answerIsDue(moment)
    }

    final func batchWasTaken() {
        guard takenDue != nil else { return }
        takenDue = nil
        if !isAnswerAwaited { answerWasTaken() }
    }

    final var isTakenYet: Bool { takenDue == nil }

    final func sentBytes(_ id: UInt64) -> Int { id == exchangeID ? sentBytes : 0 }

    final func abort(_ id: UInt64) { if id == exchangeID, isAnswerAwaited { breakOff() } }

    final func upgrade(_ id: UInt64, _ headers: HTTPHeaders) -> UpgradeResult {
        guard id == exchangeID, case .awaited = answer else {
            return .failure(Fault(.unavailable, "the connection closed before it was upgraded"))
        }
        let result = startUpgrade(headers)
        if case .success = result {
            answer = .upgraded
            (answerDue, late) = (nil, nil)
        }
        return result
    }

    /// A task that was to answer has returned or thrown.
    final func operationEnded(_ id: UInt64, _ error: (any Error)?) {
        guard id == exchangeID else { return }
        switch answer {
        case .none, .upgraded: break
        case .awaited:
            server.log.error(
                "a request was not answered",
                metadata: ["error": "\(error.map { "\($0)" } ?? "none was thrown")"])
            respond(id, .internalServerError, ["Content-Type": "text/plain; charset=utf-8"], [])
        case .streaming(let outlet, _, _): if error == nil { outlet.finish() } else { breakOff() }
        }
    }

    // MARK: Inside

    private var lastEnd = HTTPExchangeEnd.completed(nil)
    /// Of the response that is on its way.
    private var status = HTTPStatus.ok

    private func complete() {
        perform(body.discard(limit: server.limits.discardedBytes))
        end(.completed(status))
        exchangeCompleted()
    }

    private func end(_ end: HTTPExchangeEnd) {
        answer = .none
        (answerDue, late) = (nil, nil)
        lastEnd = end
        guard !endCallbacks.isEmpty else { return }
        let callbacks = endCallbacks
        endCallbacks = []
        for callback in callbacks { callback(end) }
    }

    private func perform(_ action: RequestBody.Action, bytes: ByteBufferView = ByteBuffer().readableBytesView)
    {
        switch action {
        case .none: break
        case .pause: setReading(paused: true)
        case .resume: setReading(paused: false)
        case .collected(let result):
            setReading(paused: false)
            let done = collected
            collected = nil
            done?(result)
        case .forward: if inlet?.push(bytes) == true { setReading(paused: true) }
        case .forwardEnd:
            inlet?.end(.finished)
            inlet = nil
        case .forwardFailure(let error):
            inlet?.end(.failed(error))
            inlet = nil
            setReading(paused: false)
        case .giveUp: giveUpBody()
        }
    }
}
