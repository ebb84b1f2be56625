import NIOCore
import NIOEmbedded
import NIOHPACK
import NIOPosix
import Testing

@testable import Wire

@Suite(.timeLimit(.minutes(2))) struct HTTP2LargeHeadTests {
    private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
    private static let settings = frame(4, 0, stream: 0, [0, 3, 0, 0, 0, 100])

    private static func frame(_ type: UInt8, _ flags: UInt8, stream: UInt8, _ payload: [UInt8]) -> [UInt8] {
        let count = payload.count
        return [UInt8(count >> 16), UInt8(count >> 8 & 0xff), UInt8(count & 0xff), type, flags, 0, 0, 0, stream] + payload
    }

    /// However the bytes are cut, the acknowledgement comes behind the first frame, and the client's own is taken out.
    @Test(arguments: [1, 5, 9, 24, 33, 1000])
    func `settings count from the client's first frame on`(size: Int) throws {
        let request = Self.frame(1, 5, stream: 1, Array(repeating: 7, count: 40))
        let late = Self.frame(6, 0, stream: 0, [4, 1, 0, 0, 0, 0, 0, 0])
        let sent = Self.preface + Self.settings + request + HTTP2EarlySettings.acknowledgement + late
            + HTTP2EarlySettings.acknowledgement
        let channel = EmbeddedChannel(handler: HTTP2EarlySettings())
        for start in stride(from: 0, to: sent.count, by: size) {
            try channel.writeInbound(ByteBuffer(bytes: sent[start..<min(start + size, sent.count)]))
        }
        var seen: [UInt8] = []
        while let part = try channel.readInbound(as: ByteBuffer.self) { seen += Array(part.readableBytesView) }
        // A second acknowledgement is the library's affair.
        #expect(
            seen == Self.preface + Self.settings + HTTP2EarlySettings.acknowledgement + request + late
                + HTTP2EarlySettings.acknowledgement)
        _ = try channel.finish()
    }

    /// A request right behind the preface, its head in frames of 16 KiB as every client sends them.
    @Test(arguments: [20_000, 200_000, 900_000])
    func `a long head is taken before the client has heard of our settings`(size: Int) async throws {
        let identity = try TLSIdentity(certificatePEM: TestCertificates.server, keyPEM: TestCertificates.serverKey)
        try await withServer(certificates: identity) { request, exchange in
            exchange.respond(.ok, ["X-Length": "\(request.headers["X-Long"]?.utf8.count ?? 0)"], [])
        } _: { _, address in
            let request = try Self.head([("x-long", String(repeating: "a", count: size))])
            let answer = try await Self.answer(to: Self.preface + Self.settings + request, from: address)
            #expect(answer.first(name: ":status") == "200")
            #expect(answer.first(name: "x-length") == "\(size)")
        }
    }

    /// Sends the bytes at once, and returns the fields of the first HEADERS frame that comes back.
    private static func answer(to bytes: [UInt8], from address: HTTPAddress) async throws -> HPACKHeaders {
        let tls = try TLSClientIdentity(
            authoritiesPEM: TestCertificates.authority, serverName: "localhost", protocols: ["h2"])
        return try await RawClient.talk(to: address, tls: tls) { outbound, transcript in
            try await outbound.write(ByteBuffer(bytes: bytes))
            var decoder = HPACKDecoder(allocator: ByteBufferAllocator())
            var seen = ByteBuffer()
            while let part = try await transcript.next() {
                seen.writeImmutableBuffer(part)
                while let head = seen.getBytes(at: seen.readerIndex, length: 9) {
                    let length = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
                    guard var frame = seen.getSlice(at: seen.readerIndex, length: 9 + length) else { break }
                    seen.moveReaderIndex(forwardBy: 9 + length)
                    frame.moveReaderIndex(forwardBy: 9)
                    if head[3] == 1 { return try decoder.decodeHeaders(from: &frame) }
                }
            }
            return HPACKHeaders()
        }
    }

    /// HEADERS and as many CONTINUATION frames as the fields need.
    private static func head(_ fields: [(String, String)]) throws -> [UInt8] {
        var encoder = HPACKEncoder(allocator: ByteBufferAllocator())
        var block = ByteBuffer()
        let start = [(":method", "GET"), (":scheme", "https"), (":authority", "localhost"), (":path", "/")]
        try encoder.encode(headers: HPACKHeaders(start + fields), to: &block)
        let bytes = Array(block.readableBytesView)
        var frames: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 16_384) {
            let part = Array(bytes[start..<min(start + 16_384, bytes.count)])
            let ends: UInt8 = start + 16_384 >= bytes.count ? 4 : 0
            frames += frame(start == 0 ? 1 : 9, start == 0 ? ends | 1 : ends, stream: 1, part)
        }
        return frames
    }
}
