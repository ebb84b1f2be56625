import NIOCore
import NIOHPACK
import NIOHTTP2
import Support
import Synchronization

/// The answer to one call, on the side of the server: headers with the first message, then messages, then the
/// status.
final class GRPCAnswer: Sendable {
    private typealias Frame = HTTP2Frame.FramePayload

    private let outbound: NIOAsyncChannelOutboundWriter<HTTP2Frame.FramePayload>
    private let hasBegun = Mutex(false)

    init(_ outbound: NIOAsyncChannelOutboundWriter<HTTP2Frame.FramePayload>) { self.outbound = outbound }

    func send(_ message: [UInt8]) async throws {
        let isFirst = hasBegun.withLock { hasBegun in
            defer { hasBegun = true }
            return !hasBegun
        }
        if isFirst { try await outbound.write(.headers(Frame.Headers(headers: Self.beginning))) }
        var buffer = ByteBuffer(bytes: GRPCMessageReader.prefix(message))
        buffer.writeBytes(message)
        try await outbound.write(.data(Frame.Data(data: .byteBuffer(buffer))))
    }

    /// Ends the call; without a message before, in one frame ("Trailers-Only").
    func end(_ status: GRPCStatus) async throws {
        var headers = hasBegun.withLock(\.self) ? HPACKHeaders() : Self.beginning
        headers.add(name: "grpc-status", value: "\(status.code.rawValue)")
        if !status.message.isEmpty {
            headers.add(name: "grpc-message", value: percentEncoded(status.message))
        }
        try await outbound.write(.headers(Frame.Headers(headers: headers, endStream: true)))
    }

    private static var beginning: HPACKHeaders { [":status": "200", "content-type": "application/grpc"] }
}

/// As `grpc-message` has it: printable ASCII without `%` as it is, every other byte as `%` and two digits.
func percentEncoded(_ text: String) -> String {
    var result = ""
    for byte in text.utf8 {
        if (0x20...0x7E).contains(byte), byte != UInt8(ascii: "%") {
            result.unicodeScalars.append(UnicodeScalar(byte))
        } else {
            result += "%" + Hex.encode([byte]).uppercased()
        }
    }
    return result
}

/// Counts what is under way, up to a bound.
final class Counter: Sendable {
    private let limit: Int
    private let count = Mutex(0)

    init(limit: Int) { self.limit = limit }

    /// False when as many are in as may be.
    func enter() -> Bool {
        count.withLock { count in
            guard count < limit else { return false }
            count += 1
            return true
        }
    }

    func leave() { count.withLock { $0 -= 1 } }
}
