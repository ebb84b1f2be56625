import NIOCore

/// A connection that stopped being HTTP, as raw bytes in both directions.
final class ChannelByteStream: ByteStream, Sendable {
    /// How many bytes a writer may be ahead of the socket before it must wait.
    private static let highWater = 128 << 10

    let outlet: Outlet
    private let inlet: Inlet
    private let channel: any Channel

    /// Made on the channel's event loop. Whoever reads from the channel pushes into the inlet, and closes
    /// inlet and outlet when the channel closes.
    init(channel: any Channel, inlet: Inlet) {
        self.channel = channel
        self.inlet = inlet
        self.outlet = Outlet(limit: 4 * Self.highWater, loop: channel.eventLoop)
        outlet.attach(ChannelSink(channel: channel))
    }

    func read() async throws -> [UInt8]? { try await inlet.next() }

    func write(_ bytes: [UInt8]) async throws {
        let writer = HTTPBodyWriter(outlet: outlet, cancel: {})
        try await writer.send(bytes, held: Self.highWater)
    }

    func closeWrite() async throws {
        // Whoever closes the stream next must not take with it what the socket has not got yet.
        _ = try await outlet.drained(to: 0)
        outlet.finish()
    }

    /// What was written before goes first, as far as the socket takes it at once.
    func close() async {
        try? await channel.eventLoop.flatSubmit { [channel] in channel.close() }.get()
    }

    /// A stream that its owner drops must not leave the connection open behind it.
    deinit { channel.close(promise: nil) }
}

/// Sends an outlet's batches as they are, and ends our direction after the last.
private final class ChannelSink: OutletSink {
    private let channel: any Channel

    init(channel: any Channel) { self.channel = channel }

    func send(_ chunks: [ArraySlice<UInt8>], count: Int, isLast: Bool, promise: EventLoopPromise<Void>) {
        var buffer = channel.allocator.buffer(capacity: count)
        for chunk in chunks { buffer.writeBytes(chunk) }
        if isLast {
            let channel = channel
            promise.futureResult.whenSuccess { channel.close(mode: .output, promise: nil) }
        }
        channel.writeAndFlush(buffer, promise: promise)
    }
}
