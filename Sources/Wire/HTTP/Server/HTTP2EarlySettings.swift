import NIOCore

/// Lets our settings count for what a client sends before it has heard of them.
///
/// Clients send their first requests right behind their preface (RFC 9113, section 3.4), and a setting counts from its
/// acknowledgement on (section 6.5.3): until then the library holds heads to its default of 16 KiB, and ends the connection
/// of who sends a longer one. Ours only ever allow more than the defaults, so they may count at once: an acknowledgement is
/// put behind the client's own first settings, and the client's, when it comes, is taken out.
///
/// Stands before the library's handler, and goes when its work is done.
final class HTTP2EarlySettings: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// The frames of a connection, as they begin in one read and end in another.
    private enum Place {
        /// In the client's preface: so many bytes are left of it.
        case preface(Int)
        /// In the head of a frame: what has come of it.
        case head(ByteBuffer)
        /// In the payload of a frame: so many bytes are left.
        case payload(Int)
        case done
    }

    private static let prefaceLength = 24
    private static let headLength = 9
    private static let settingsType: UInt8 = 4
    private static let acknowledged: UInt8 = 1
    /// An empty SETTINGS frame with the flag ACK.
    static let acknowledgement: [UInt8] = [0, 0, 0, settingsType, acknowledged, 0, 0, 0, 0]

    private var place = Place.preface(prefaceLength)
    private var isAcknowledged = false
    /// What the read at hand comes to.
    private var output = ByteBuffer()

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var input = unwrapInboundIn(data)
        while input.readableBytes > 0 { step(&input) }
        if output.readableBytes > 0 {
            context.fireChannelRead(wrapInboundOut(output))
            output = ByteBuffer()
        }
        if case .done = place { context.pipeline.syncOperations.removeHandler(context: context, promise: nil) }
    }

    private func step(_ input: inout ByteBuffer) {
        switch place {
        case .preface(let left):
            let taken = pass(&input, left)
            place = taken == left ? .head(ByteBuffer()) : .preface(left - taken)
        case .head(var head):
            if var part = input.readSlice(length: min(input.readableBytes, Self.headLength - head.readableBytes)) {
                head.writeBuffer(&part)
            }
            place = head.readableBytes == Self.headLength ? begin(head) : .head(head)
        case .payload(let left):
            let taken = pass(&input, left)
            place = taken == left ? end() : .payload(left - taken)
        case .done: pass(&input, input.readableBytes)
        }
    }

    /// A frame begins.
    private func begin(_ head: ByteBuffer) -> Place {
        var head = head
        let bytes = Array(head.readableBytesView)
        let length = Int(bytes[0]) << 16 | Int(bytes[1]) << 8 | Int(bytes[2])
        if isAcknowledged, bytes[3] == Self.settingsType, bytes[4] & Self.acknowledged != 0, length == 0 { return .done }
        output.writeBuffer(&head)
        return length > 0 ? .payload(length) : end()
    }

    /// A frame is whole. The first is the client's settings, or an error that the library tells.
    private func end() -> Place {
        if !isAcknowledged { output.writeBytes(Self.acknowledgement) }
        isAcknowledged = true
        return .head(ByteBuffer())
    }

    @discardableResult
    private func pass(_ input: inout ByteBuffer, _ count: Int) -> Int {
        guard var part = input.readSlice(length: min(count, input.readableBytes)) else { return 0 }
        return output.writeBuffer(&part)
    }
}
