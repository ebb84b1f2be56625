import NIOCore
import NIOPosix
import NIOSSL

@testable import Wire

/// A client that sends exactly the bytes it is given, over TCP or TLS.
struct RawClient: Sendable {
    let channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>

    /// What the server said, as far as it was read.
    final class Transcript {
        var text = ""
        private var iterator: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator

        init(_ iterator: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator) { self.iterator = iterator }

        /// Reads until the text ends so, or the server closes.
        func read(until end: String) async throws {
            while !text.hasSuffix(end), let bytes = try await iterator.next() {
                text += String(buffer: bytes)
            }
        }

        /// What comes next, as it comes; `nil` when the server has closed.
        func next() async throws -> ByteBuffer? { try await iterator.next() }

        func readToEnd() async throws {
            while let bytes = try await iterator.next() { text += String(buffer: bytes) }
        }
    }

    /// Connects, talks, and closes.
    static func talk<R: Sendable>(
        to address: HTTPAddress, tls: TLSClientIdentity? = nil,
        _ body: (NIOAsyncChannelOutboundWriter<ByteBuffer>, Transcript) async throws -> R
    ) async throws -> R {
        let channel: NIOAsyncChannel<ByteBuffer, ByteBuffer> = try await UnusedChannels.open(isHalfClosing: true) {
            wrap in
            try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(host: "127.0.0.1", port: address.port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        guard let tls else { return }
                        try channel.pipeline.syncOperations.addHandler(tls.makeHandler(host: "localhost"))
                    }.flatMap { wrap(channel) }
                }
        }
        return try await channel.executeThenClose { inbound, outbound in
            try await body(outbound, Transcript(inbound.makeAsyncIterator()))
        }
    }

    /// Sends the text and returns everything the server says until it closes.
    static func exchange(_ text: String, with address: HTTPAddress, tls: TLSClientIdentity? = nil)
        async throws -> String
    {
        try await talk(to: address, tls: tls) { outbound, transcript in
            try await outbound.write(ByteBuffer(string: text))
            try await transcript.readToEnd()
            return transcript.text
        }
    }
}
