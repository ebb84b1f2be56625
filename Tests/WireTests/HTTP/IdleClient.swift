import Glibc
import NIOCore
import NIOEmbedded
import NIOSSL
import Testing

@testable import Wire

/// A client that has one request answered and then idles. It gives up what it needs for TLS and keeps the socket, so
/// that what the connection costs from then on is the server's alone.
enum IdleClient {
    private static let request = ByteBuffer(string: "GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: idle\r\n\r\n")

    /// Connects, is answered, and returns the socket.
    static func connect(_ address: HTTPAddress, tls: TLSClientIdentity?) throws -> Int32 {
        let peer = try SocketAddress(ipAddress: "127.0.0.1", port: address.port)
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        let connected = peer.withSockAddr { Glibc.connect(descriptor, $0, socklen_t($1)) }
        try #require(descriptor >= 0 && connected == 0, "\(String(cString: strerror(errno)))")
        // The end of a handshake and the request are two writes: the second must not wait for an answer to the first.
        var isImmediate: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &isImmediate, socklen_t(MemoryLayout<Int32>.size))
        let channel = EmbeddedChannel()
        if let tls { try channel.pipeline.syncOperations.addHandler(tls.makeHandler(host: "localhost")) }
        channel.connect(to: peer, promise: nil)
        channel.writeAndFlush(request, promise: nil)
        defer {
            // TLS waits for a goodbye that will not come; its time passes at once here.
            channel.close(promise: nil)
            channel.embeddedEventLoop.advanceTime(by: .seconds(60))
        }
        while true {
            while let bytes = try channel.readOutbound(as: ByteBuffer.self) { try send(bytes, to: descriptor) }
            if let answer = try channel.readInbound(as: ByteBuffer.self) {
                try #require(String(buffer: answer).hasPrefix("HTTP/1.1 200 "))
                return descriptor
            }
            var bytes = [UInt8](repeating: 0, count: 4096)
            let count = read(descriptor, &bytes, bytes.count)
            try #require(count > 0, "\(String(cString: strerror(errno)))")
            try channel.writeInbound(ByteBuffer(bytes: bytes[..<count]))
        }
    }

    private static func send(_ bytes: ByteBuffer, to descriptor: Int32) throws {
        let count = bytes.withUnsafeReadableBytes { write(descriptor, $0.baseAddress, $0.count) }
        try #require(count == bytes.readableBytes, "\(String(cString: strerror(errno)))")
    }
}
