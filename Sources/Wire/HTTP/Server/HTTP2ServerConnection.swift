import NIOCore
import NIOHTTP2

/// One HTTP/2 connection of a server: counts its streams, and ends it in good order.
///
/// Frames, flow control and header compression are the library's; each stream is an ``HTTP2ServerStream``.
final class HTTP2ServerConnection: ChannelInboundHandler, HTTPServerMember {
    typealias InboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    let server: HTTPServerLoop
    let info: HTTPConnectionInfo
    private var context: ChannelHandlerContext?
    private var streams: [ObjectIdentifier: HTTP2ServerStream] = [:]
    private(set) var deadline: NIODeadline?

    init(server: HTTPServerLoop, info: HTTPConnectionInfo) {
        self.server = server
        self.info = info
    }

    /// Puts the protocol's handlers into a connection that negotiated `h2`.
    static func install(_ server: HTTPServerLoop, _ info: HTTPConnectionInfo, on channel: any Channel) throws
    {
        let connection = HTTP2ServerConnection(server: server, info: info)
        let bound = NIOLoopBound(connection, eventLoop: channel.eventLoop)
        let limits = server.limits
        var configuration = NIOHTTP2Handler.ConnectionConfiguration()
        configuration.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: limits.concurrentStreams),
            HTTP2Setting(parameter: .maxHeaderListSize, value: limits.headerBytes),
            HTTP2Setting(parameter: .initialWindowSize, value: limits.streamWindow),
        ]
        // A head of the permitted size must fit into frames of the smallest permitted size (16 KiB).
        configuration.maximumSequentialContinuationFrames = limits.headerBytes >> 14
        configuration.targetWindowSize = 4 * limits.streamWindow
        // Programs that watch cancel streams and send pings as a matter of course.
        configuration.controlFrameRateLimit.maximumCount = 2000
        var stream = NIOHTTP2Handler.StreamConfiguration()
        stream.targetWindowSize = limits.streamWindow
        stream.outboundBufferSizeHighWatermark = OutletQueue.batchLimit
        stream.outboundBufferSizeLowWatermark = OutletQueue.batchLimit / 2
        stream.streamResetFrameRateLimit.maximumCount = 2000
        try channel.pipeline.syncOperations.addHandler(HTTP2EarlySettings())
        _ = try channel.pipeline.syncOperations.configureHTTP2Pipeline(
            mode: .server, connectionConfiguration: configuration, streamConfiguration: stream
        ) { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(HTTP2ServerStream(connection: bound.value))
            }
        }
        try channel.pipeline.syncOperations.addHandler(connection)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        setDeadline(server.limits.headerTimeout)
        server.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        server.remove(self)
    }

    func channelInactive(context: ChannelHandlerContext) {
        server.remove(self)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // An error of one stream is that stream's affair; it is told there.
        if error is NIOHTTP2Errors.StreamError { return }
        context.close(promise: nil)
    }

    func opened(_ stream: HTTP2ServerStream) {
        streams[ObjectIdentifier(stream)] = stream
        deadline = nil
    }

    func closed(_ stream: HTTP2ServerStream) {
        streams[ObjectIdentifier(stream)] = nil
        guard streams.isEmpty else { return }
        if server.isStopping { return closeSoon() }
        setDeadline(server.limits.idleTimeout)
    }

    private func setDeadline(_ duration: Duration) {
        let moment = NIODeadline.now() + TimeAmount(duration)
        deadline = moment
        server.note(moment)
    }

    // MARK: Ending

    /// Idle for too long, or a stopping connection's grace is over. While streams are open there is no
    /// deadline.
    func deadlinePassed(_ now: NIODeadline) {
        deadline = nil
        if server.isStopping {
            context?.close(promise: nil)
        } else {
            sayGoAway()
            closeSoon()
        }
    }

    func stop() {
        sayGoAway()
        if streams.isEmpty { return closeSoon() }
        for stream in Array(streams.values) { stream.endLongResponses() }
    }

    func cutOff() { context?.close(promise: nil) }

    /// RFC 9113, section 6.8: with the highest id it announces the end without refusing what is under way.
    private func sayGoAway() {
        guard let context else { return }
        let frame = HTTP2Frame(
            streamID: .rootStream,
            payload: .goAway(lastStreamID: .maxID, errorCode: .noError, opaqueData: nil))
        context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
    }

    /// Closes in the next turn of the loop, when the last frames have been written.
    private func closeSoon() {
        guard let context else { return }
        let written = context.eventLoop.makePromise(of: Void.self)
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        written.futureResult.whenComplete { _ in bound.value.context?.close(promise: nil) }
        let frame = HTTP2Frame(streamID: .rootStream, payload: .ping(HTTP2PingData(), ack: false))
        context.writeAndFlush(wrapOutboundOut(frame), promise: written)
    }
}
