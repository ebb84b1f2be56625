internal import Logging
import NIOCore
import Support

/// A connection as its loop sees it: something with a deadline that can be asked to end.
protocol HTTPServerMember: AnyObject {
    /// When ``deadlinePassed(_:)`` is to be called; `nil` while the connection may last for ever.
    var deadline: NIODeadline? { get }
    func deadlinePassed(_ now: NIODeadline)
    /// End as soon as what was begun is finished.
    func stop()
    /// End now.
    func cutOff()
}

/// The earlier of two moments; the one that is there when the other is not.
func earlier(_ a: NIODeadline?, _ b: NIODeadline?) -> NIODeadline? {
    guard let a, let b else { return a ?? b }
    return min(a, b)
}

/// What the connections of one event loop share: handler, limits, the clock's text, a write buffer, and one
/// timer for all their deadlines.
final class HTTPServerLoop {
    let loop: any EventLoop
    let handler: any HTTPHandler
    let lane: HTTPServerLane
    let limits: HTTPServerLimits
    let log: Logger
    private(set) var isStopping = false

    private var members: [ObjectIdentifier: any HTTPServerMember] = [:]
    private var emptied: EventLoopPromise<Void>?
    private var tick: Scheduled<Void>?
    private var tickAt = NIODeadline.distantFuture
    private var dateLine: (second: Int64, text: String, bytes: [UInt8]) = (-1, "", [])
    private var scratch = ByteBuffer()

    /// Deadlines are kept to this precision, so that one timer serves thousands of connections.
    private static let precision = TimeAmount.seconds(1)

    init(
        loop: any EventLoop, handler: any HTTPHandler, lane: HTTPServerLane, limits: HTTPServerLimits,
        log: Logger
    ) {
        self.loop = loop
        self.handler = handler
        self.lane = lane
        self.limits = limits
        self.log = log
    }

    // MARK: Members

    func add(_ member: any HTTPServerMember) {
        members[ObjectIdentifier(member)] = member
        if isStopping { member.stop() }
    }

    func remove(_ member: any HTTPServerMember) {
        members[ObjectIdentifier(member)] = nil
        guard members.isEmpty else { return }
        tick?.cancel()
        (tick, tickAt) = (nil, .distantFuture)
        emptied?.succeed()
        emptied = nil
    }

    /// Asks every connection to end; the future is fulfilled when all have.
    func stop() -> EventLoopFuture<Void> {
        isStopping = true
        let promise = loop.makePromise(of: Void.self)
        if let emptied { emptied.futureResult.cascade(to: promise) } else { emptied = promise }
        for member in Array(members.values) { member.stop() }
        if members.isEmpty {
            emptied?.succeed()
            emptied = nil
        }
        return promise.futureResult
    }

    func cutOff() { for member in Array(members.values) { member.cutOff() } }

    // MARK: Deadlines

    /// A member's deadline moved to that moment. Cheap when the timer rings before it anyway.
    func note(_ deadline: NIODeadline) {
        guard deadline + Self.precision < tickAt else { return }
        schedule(at: deadline + Self.precision)
    }

    private func schedule(at moment: NIODeadline) {
        tick?.cancel()
        tickAt = moment
        let bound = NIOLoopBound(self, eventLoop: loop)
        tick = loop.scheduleTask(deadline: moment) { bound.value.ring() }
    }

    private func ring() {
        (tick, tickAt) = (nil, .distantFuture)
        let now = NIODeadline.now()
        for member in Array(members.values) {
            if let deadline = member.deadline, deadline <= now { member.deadlinePassed(now) }
        }
        let next = members.values.compactMap(\.deadline).min()
        if let next { schedule(at: max(next, now) + Self.precision) }
    }

    // MARK: Shared bytes

    /// The present moment for a `Date` header (RFC 9110, section 6.6.1), made once a second.
    func dateText() -> String {
        refreshDate()
        return dateLine.text
    }

    /// The whole line, with its CR LF.
    func date() -> [UInt8] {
        refreshDate()
        return dateLine.bytes
    }

    private func refreshDate() {
        let now = Timestamp.now
        guard now.seconds != dateLine.second else { return }
        let text = HTTPDate.text(now)
        dateLine = (now.seconds, text, Array("Date: \(text)\r\n".utf8))
    }

    /// Fills the shared buffer. It is used anew as soon as the connection has let go of it, which with TLS is
    /// at the next flush.
    func encode(_ write: (inout ByteBuffer) -> Void) -> ByteBuffer {
        var buffer = ByteBuffer()
        swap(&buffer, &scratch)
        buffer.clear(minimumCapacity: 1024)
        write(&buffer)
        // One long response must not hold on to its memory for ever.
        if buffer.capacity <= 2 * OutletQueue.batchLimit { scratch = buffer }
        return buffer
    }
}
