import NIOHPACK
import NIOHTTP2
import Support
import Testing

@testable import Wire

@Suite struct GRPCResponseReaderTests {
    private let begin: HPACKHeaders = [":status": "200", "content-type": "application/grpc", "x-a": "b"]

    @Test func `an answer is metadata, messages and a status`() {
        var reader = GRPCResponseReader(messageLimit: 10)
        #expect(reader.headers([":status": "103"], isEnd: false) == [])
        #expect(reader.headers(begin, isEnd: false) == [.metadata(["x-a": "b"])])
        #expect(reader.data([0, 0, 0, 0, 2, 8], isEnd: false) == [])
        #expect(reader.data([9, 0, 0, 0, 0, 0], isEnd: false) == [.message([8, 9]), .message([])])
        #expect(
            reader.headers(["grpc-status": "0", "x-t": "1"], isEnd: true) == [
                .end(GRPCStatus(.ok, "", trailers: ["x-t": "1"]))
            ])
        #expect(reader.closed() == [] && reader.reset(.cancel) == [] && reader.data([1], isEnd: true) == [])
    }

    static let endings: [(HPACKHeaders, GRPCStatus.Code)] = [
        ([":status": "503"], .unavailable), ([":status": "404"], .unimplemented),
        ([":status": "401"], .unauthenticated), ([":status": "418"], .unknown), ([:], .unknown),
        ([":status": "200", "content-type": "text/html"], .unknown),
        ([":status": "200", "content-type": "application/grpc"], .internal),
        ([":status": "500", "grpc-status": "16"], .unauthenticated),
        ([":status": "200", "grpc-status": "99"], GRPCStatus.Code(rawValue: 99)),
        ([":status": "200", "content-type": "application/grpc", "grpc-status": "x"], .internal),
    ]

    @Test(arguments: endings)
    func `what is no answer still has a status`(headers: HPACKHeaders, code: GRPCStatus.Code) {
        var reader = GRPCResponseReader(messageLimit: 10)
        guard case .end(let status)? = reader.headers(headers, isEnd: true).last else {
            Issue.record("no end")
            return
        }
        #expect(status.code == code)
    }

    @Test(arguments: [
        ([1, 0, 0, 0, 0], GRPCStatus.Code.internal), ([0, 0, 0, 0, 11], .resourceExhausted),
        ([0, 0xFF, 0xFF, 0xFF, 0xFF], .resourceExhausted),
    ])
    func `a message that lies ends the call`(bytes: [UInt8], code: GRPCStatus.Code) {
        var reader = GRPCResponseReader(messageLimit: 10)
        _ = reader.headers(begin, isEnd: false)
        guard case .end(let status)? = reader.data(bytes, isEnd: false).last else {
            Issue.record("no end")
            return
        }
        #expect(status.code == code)
    }

    @Test func `good news within a message is bad news`() {
        var reader = GRPCResponseReader(messageLimit: 10)
        _ = reader.headers(begin, isEnd: false)
        _ = reader.data([0, 0, 0, 0, 2, 8], isEnd: false)
        guard case .end(let status)? = reader.headers(["grpc-status": "0"], isEnd: true).last else { return }
        #expect(status.code == .internal)
    }

    @Test(arguments: UInt64(0)..<100)
    func `messages come whole however the bytes are cut`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let messages = (0..<20).map { _ in
            (0..<Int.random(in: 0...50, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random)
            }
        }
        var bytes = messages.flatMap { GRPCMessageReader.prefix($0) + $0 }[...]
        var reader = GRPCMessageReader(limit: 50)
        var read: [[UInt8]] = []
        while !bytes.isEmpty {
            let piece = bytes.prefix(Int.random(in: 1...40, using: &random))
            bytes = bytes.dropFirst(piece.count)
            read += try reader.receive(piece)
        }
        #expect(read == messages && reader.isBetweenMessages)
    }

    @Test(arguments: [
        ("", ""), ("plain", "plain"), ("a%20b", "a b"), ("%E2%9C%93", "✓"), ("%", "%"), ("%4", "%4"),
        ("%zz", "%zz"),
        ("%+1", "%+1"), ("100%%41", "100%A"), ("%ff", "\u{FFFD}"),
    ])
    func `the message is decoded leniently`(text: String, decoded: String) {
        #expect(percentDecoded(text) == decoded)
    }

    @Test(arguments: [
        (Duration.zero, "0n"), (.nanoseconds(1), "1n"), (.milliseconds(50), "50000000n"),
        (.milliseconds(100), "100000u"),
        (.seconds(2), "2000000u"), (.seconds(120), "120000m"), (.seconds(100_000), "100000S"),
        (.seconds(-1), "0n"),
        (.seconds(200_000_000), "3333334M"), (.seconds(Int64.max), "52596000M"),
        (.nanoseconds(100_000_001), "100001u"),
    ])
    func `a timeout has at most eight digits and is never cut short`(timeout: Duration, text: String) {
        #expect(GRPCRequest.text(timeout) == text)
    }

    @Test func `metadata cannot replace the protocol's headers`() {
        var request = GRPCRequest(
            method: "/a/b", metadata: [":path": "/c", "grpc-timeout": "1S", "te": "x", "k": "v"])
        request.metadata.addBinary("x-bin", [0xFF])
        let headers = request.headers(authority: "localhost")
        #expect(
            headers[":path"] == ["/a/b"] && headers["te"] == ["trailers"] && headers["grpc-timeout"] == [])
        #expect(headers["k"] == ["v"] && headers["x-bin"] == ["/w"])
    }

    @Test func `a status is told as Go tells it`() {
        for (status, text) in [
            (GRPCStatus(.notFound, "no such lamp"), "rpc error: code = NotFound desc = no such lamp"),
            (GRPCStatus(.cancelled, ""), "rpc error: code = Canceled desc = "),
            (GRPCStatus(.unauthenticated, "who"), "rpc error: code = Unauthenticated desc = who"),
            (GRPCStatus(GRPCStatus.Code(rawValue: 17), "x"), "rpc error: code = Code(17) desc = x"),
        ] {
            #expect(status.textOfGo == text)
        }
    }
}
