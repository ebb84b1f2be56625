import NIOCore

/// The end of a connection's pipeline once it carries raw bytes: what arrives goes to a
/// ``ChannelByteStream``, which slows the peer down when nobody reads.
final class RawStreamHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer

    private let inlet: Inlet
    private let outlet: Outlet
    private var context: ChannelHandlerContext?
    private var isPaused = false
    private var isReadHeld = false

    private init(inlet: Inlet, outlet: Outlet) {
        self.inlet = inlet
        self.outlet = outlet
    }

    /// Turns the channel into a stream that begins with the bytes that arrived already. Called on its event
    /// loop.
    static func install(on channel: any Channel, after received: ByteBuffer?) throws -> ChannelByteStream {
        try channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: true)
        let box = NIOLoopBoundBox<RawStreamHandler?>(nil, eventLoop: channel.eventLoop)
        let inlet = Inlet(resume: { channel.eventLoop.execute { box.value?.resume() } })
        let stream = ChannelByteStream(channel: channel, inlet: inlet)
        let handler = RawStreamHandler(inlet: inlet, outlet: stream.outlet)
        box.value = handler
        try channel.pipeline.syncOperations.addHandler(handler)
        if let received { handler.isPaused = inlet.push(received.readableBytesView) }
        return stream
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        end()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if inlet.push(unwrapInboundIn(data).readableBytesView) { isPaused = true }
    }

    func read(context: ChannelHandlerContext) {
        if isPaused { isReadHeld = true } else { context.read() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed { inlet.end(.finished) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    private func end() {
        inlet.end(.finished)
        outlet.close()
    }

    private func resume() {
        isPaused = false
        guard isReadHeld else { return }
        isReadHeld = false
        context?.read()
    }
}
