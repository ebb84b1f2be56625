import NIOCore
import Support
import Synchronization

/// How many TCP connections are open.
final class DNSStreamCount: Sendable {
    static let most = 256
    private let count = Atomic<Int>(0)

    /// Counts one more, if there is room.
    func enter() -> Bool {
        let now = count.add(1, ordering: .relaxed).newValue
        if now > Self.most { leave() }
        return now <= Self.most
    }

    func leave() { count.subtract(1, ordering: .relaxed) }
}

/// Answers the questions of one TCP connection (RFC 7766), one at a time, until it is idle.
final class DNSStream: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// A client keeps a connection for its next question no longer than that.
    private static let patience = TimeAmount.seconds(10)
    /// Questions that may wait while one is answered.
    private static let mostWaiting = 32

    private let handler: any DNSHandler
    private let count: DNSStreamCount
    private var decoder = DNSStreamDecoder()
    private var waiting: [[UInt8]] = []
    private var isAnswering = false
    private var isCounted = false
    private var idle: Scheduled<Void>?

    init(_ handler: any DNSHandler, _ count: DNSStreamCount) {
        self.handler = handler
        self.count = count
    }

    func channelActive(context: ChannelHandlerContext) {
        isCounted = count.enter()
        if isCounted { beginIdling(context) } else { context.close(promise: nil) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        idle?.cancel()
        waiting = []
        if isCounted { count.leave() }
        isCounted = false
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        waiting += decoder.receive(unwrapInboundIn(data).readableBytesView)
        guard waiting.count <= Self.mostWaiting else { return context.close(promise: nil) }
        proceed(context)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func proceed(_ context: ChannelHandlerContext) {
        while !isAnswering, !waiting.isEmpty {
            isAnswering = true
            idle?.cancel()
            let me = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            let query = DNSQuery(bytes: waiting.removeFirst(), isStream: true) { bytes in
                me.execute { $0.0.finish($0.1, bytes) }
            }
            if let answer = handler.answer(query) { finish(context, answer) }
        }
    }

    private func finish(_ context: ChannelHandlerContext, _ answer: [UInt8]) {
        guard isAnswering, context.channel.isActive else { return }
        isAnswering = false
        let frame = ByteBuffer(bytes: DNSStreamDecoder.frame(answer))
        context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
        beginIdling(context)
        proceed(context)
    }

    private func beginIdling(_ context: ChannelHandlerContext) {
        let channel = context.channel
        idle?.cancel()
        idle = context.eventLoop.scheduleTask(in: Self.patience) { channel.close(promise: nil) }
    }
}
