import NIOCore

/// Stands first in a TLS connection and tells a client that speaks plain HTTP what is wrong, with the answer that Go's
/// server gives, instead of dropping it. Leaves as soon as it has seen that TLS is spoken.
final class PlainHTTPRefusal: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let answer =
        "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
    /// How requests begin. None of these is the header of a TLS record, which is as long.
    private static let beginnings = ["GET /", "HEAD ", "POST ", "PUT /", "PATCH", "DELET", "OPTIO"].map {
        Array($0.utf8)
    }
    private static let headerLength = 5

    /// What came as long as it is too short to tell.
    private var start = ByteBuffer()
    private var hasRefused = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // Read and dropped: a socket that is closed with bytes unread takes the answer with it.
        guard !hasRefused else { return }
        var bytes = unwrapInboundIn(data)
        start.writeBuffer(&bytes)
        let known = start.readableBytesView.prefix(Self.headerLength)
        let isHTTP = Self.beginnings.contains { $0.starts(with: known) }
        guard isHTTP else {
            context.fireChannelRead(wrapInboundOut(start))
            return context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
        }
        guard known.count == Self.headerLength else { return }
        hasRefused = true
        start = ByteBuffer()
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: Self.answer)), promise: nil)
        // The rest ends with the client, or with the front door's deadline.
        context.close(mode: .output, promise: nil)
    }
}
