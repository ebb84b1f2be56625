import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOPosix
import NIOSSL
import NIOTLS

@testable import Wire

/// A client of HTTP/2 for tests: each call is one stream.
struct HTTP2Client: Sendable {
    typealias Stream = NIOAsyncChannel<HTTP2Frame.FramePayload, HTTP2Frame.FramePayload>

    struct Response {
        var headers = HPACKHeaders()
        var body: [UInt8] = []
        var wasReset = false
    }

    let channel: any Channel
    let streams: NIOHTTP2Handler.AsyncStreamMultiplexer<any Channel>

    /// `window` is what each stream may be sent before it is read.
    static func connect(to address: HTTPAddress, window: Int? = nil) async throws -> HTTP2Client {
        let tls = try TLSClientIdentity(
            authoritiesPEM: TestCertificates.authority, serverName: "localhost", protocols: ["h2"])
        return try await StreamDialer.connect(address, tls: tls, timeout: .seconds(10)) { channel in
            var configuration = NIOHTTP2Handler.Configuration()
            if let window {
                configuration.connection.initialSettings.append(
                    HTTP2Setting(parameter: .initialWindowSize, value: window))
                configuration.stream.targetWindowSize = window
            }
            let streams = try channel.pipeline.syncOperations.configureAsyncHTTP2Pipeline(
                mode: .client, configuration: configuration
            ) { channel in channel.eventLoop.makeSucceededFuture(channel) }
            return HTTP2Client(channel: channel, streams: streams)
        }
    }

    /// Opens a stream, sends a head, and lets the body talk.
    func talk<R: Sendable>(
        _ method: String, _ path: String, _ fields: [(String, String)] = [], endsStream: Bool = false,
        _ body: (
            NIOAsyncChannelInboundStream<HTTP2Frame.FramePayload>,
            NIOAsyncChannelOutboundWriter<HTTP2Frame.FramePayload>
        )
            async throws -> R
    ) async throws -> R {
        let stream: Stream = try await UnusedChannels.open { wrap in try await streams.openStream(wrap) }
        return try await stream.executeThenClose { inbound, outbound in
            let head: [(String, String)] = [
                (":method", method), (":scheme", "https"), (":authority", "localhost"), (":path", path),
            ]
            try await outbound.write(
                .headers(.init(headers: HPACKHeaders(head + fields), endStream: endsStream)))
            return try await body(inbound, outbound)
        }
    }

    /// One request and its whole response.
    func send(
        _ method: String, _ path: String, _ fields: [(String, String)] = [], body: [UInt8]? = nil
    ) async throws -> Response {
        try await talk(method, path, fields, endsStream: body == nil) { inbound, outbound in
            if let body {
                try await outbound.write(
                    .data(.init(data: .byteBuffer(ByteBuffer(bytes: body)), endStream: true)))
            }
            return try await Self.read(inbound)
        }
    }

    static func read(_ inbound: NIOAsyncChannelInboundStream<HTTP2Frame.FramePayload>) async throws
        -> Response
    {
        var response = Response()
        for try await frame in inbound {
            switch frame {
            case .headers(let headers):
                response.headers = headers.headers
                if headers.endStream { return response }
            case .data(let data):
                if case .byteBuffer(let bytes) = data.data { response.body += Array(bytes.readableBytesView) }
                if data.endStream { return response }
            case .rstStream:
                response.wasReset = true
                return response
            default: break
            }
        }
        return response
    }
}
