import CZlib
import Support
import Testing

@testable import Wire

@Suite struct SPDYConnectionTests {
    /// What a Go client sends for the first two streams of `kubectl exec -i`, made with another zlib and
    /// another window. The second block leans on the first.
    static let goldenStreams = [
        "80030001000000280000000100000000000078f9e3c6a7c202a62346703a2b294a4dcc851625aca9a08006000000ffff",
        "800300010000001700000003000000000000c22e555c02cc2e00000000ffff",
    ]

    @Test func `the streams of another implementation are understood`() {
        let server = Peer(role: .server)
        let received = server.receive(Self.goldenStreams.flatMap(unhex))
        #expect(
            received.events == [
                .opened(1, ["streamtype": "error"]), .opened(3, ["streamtype": "stdin"]),
            ])
        #expect(received.output == [])
    }

    @Test func `the dictionary is the published one`() {
        #expect(spdyDictionary.count == 1423)
        #expect(adler32(1, spdyDictionary, 1423) == 0xE3C6_A7C2)
    }

    @Test func `a conversation has these bytes`() throws {
        let (client, server) = (Peer(role: .client), Peer(role: .server))
        let (id, open) = try #require(client.open(["streamType": "stdin"]))
        #expect(id == 1)
        #expect(
            open.prefix(18) == [0x80, 3, 0, 1, 0, 0, 0, UInt8(open.count - 8), 0, 0, 0, 1, 0, 0, 0, 0, 0, 0])
        #expect(server.receive(open).events == [.opened(1, ["streamtype": "stdin"])])

        let reply = server.reply(1)
        #expect(reply.prefix(4) == [0x80, 3, 0, 2])
        #expect(client.receive(reply).events == [.replied(1, [:])])

        let data = try #require(client.send(1, [104, 105]))
        #expect(data.output == [0, 0, 0, 1, 0, 0, 0, 2, 104, 105] && data.count == 2)
        #expect(client.end(1) == [0, 0, 0, 1, 1, 0, 0, 0])
        #expect(client.end(1) == [] && client.send(1, [1]) == nil)
        #expect(
            server.receive(data.output + [0, 0, 0, 1, 1, 0, 0, 0]).events == [
                .data(1, [104, 105]), .ended(1),
            ])
        #expect(client.receive(try #require(server.send(1, [7])).output).events == [.data(1, [7])])
        #expect(client.receive(server.end(1)).events == [.ended(1)])
        #expect(!client.isOpen(1) && !server.isOpen(1))

        #expect(server.receive(client.ping()).output == [0x80, 3, 0, 6, 0, 0, 0, 4, 0, 0, 0, 1])
        #expect(client.receive([0x80, 3, 0, 6, 0, 0, 0, 4, 0, 0, 0, 1]).events == [.pong(1)])
        let goAway = server.goAway()
        #expect(goAway == [0x80, 3, 0, 7, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0])
        #expect(client.receive(goAway).events == [.goAway(.ok)])
        #expect(client.open([:]) == nil)
    }

    @Test func `a stream above the limit is refused, and its headers still count`() throws {
        var limits = SPDYConnection.Limits()
        limits.streams = 1
        let (client, server) = (Peer(role: .client), Peer(role: .server, limits: limits))
        _ = server.receive(try #require(client.open(["a": "1"])).output)
        let refused = server.receive(try #require(client.open(["a": "2"])).output)
        #expect(refused.events == [])
        #expect(client.receive(refused.output).events == [.reset(3, .refusedStream)])
        #expect(client.receive(server.reset(1)).events == [.reset(1, .cancel)])
        #expect(
            server.receive(try #require(client.open(["a": "3"])).output).events == [.opened(5, ["a": "3"])])
    }

    @Test func `streams that a leaving peer did not take are reset first`() throws {
        let client = Peer(role: .client)
        _ = try #require(client.open([:]))
        _ = try #require(client.open([:]))
        let goAway = SPDYControlFrame.goAway(last: 1, .ok).encode()
        #expect(client.receive(goAway).events == [.reset(3, .refusedStream), .goAway(.ok)])
        #expect(client.isOpen(1))
    }

    @Test func `windows hold a sender back and open again`() throws {
        let client = Peer(role: .client, flow: .windows(100))
        let server = Peer(role: .server, flow: .windows(50))
        _ = client.receive(server.begin())
        _ = server.receive(client.begin() + (try #require(client.open([:]))).output)
        _ = client.receive(server.reply(1))
        let sent = try #require(client.send(1, ArraySlice(repeating: 1, count: 80)))
        #expect(sent.count == 50)
        #expect(try #require(client.send(1, [1])).count == 0)
        _ = server.receive(sent.output)
        let opened = client.receive(server.consumed(1, 30))
        #expect(opened.events == [.windowOpened(0), .windowOpened(1)])
        #expect(try #require(client.send(1, ArraySlice(repeating: 1, count: 80))).count == 30)
    }

    @Test func `a sender that ignores the window loses its stream, and the connection goes on`() throws {
        let client = Peer(role: .client, flow: .windows(100))
        let server = Peer(role: .server, flow: .windows(50))
        _ = server.receive(try #require(client.open([:])).output)
        // It was not told of the server's window, and believes in the 64 KiB that are the rule.
        let received = server.receive(
            try #require(client.send(1, ArraySlice(repeating: 1, count: 51))).output)
        #expect(received.events == [.reset(1, .flowControlError)])
        #expect(client.receive(received.output).events == [.reset(1, .flowControlError), .windowOpened(0)])
    }

    static let violations: [(String, [UInt8])] = [
        ("another version", [0x80, 2, 0, 6, 0, 0, 0, 4, 0, 0, 0, 1]),
        ("a short reset", [0x80, 3, 0, 3, 0, 0, 0, 4, 0, 0, 0, 1]),
        ("settings that lie about their number", [0x80, 3, 0, 4, 0, 0, 0, 4, 0xFF, 0xFF, 0xFF, 0xFF]),
        ("a huge control frame", [0x80, 3, 0, 1, 0, 0xFF, 0xFF, 0xFF]),
        ("a stream of the server's own", syn(2, SPDYHeaders().encode())),
        ("headers that are no zlib", [0x80, 3, 0, 1, 0, 0, 0, 12, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 2]),
        ("headers that lie about their number", syn(1, [0xFF, 0xFF, 0xFF, 0xFF])),
        ("headers that lie about a length", syn(1, [0, 0, 0, 1, 0xFF, 0xFF, 0xFF, 0xFF, 1])),
        ("a header without a name", syn(1, [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0])),
        (
            "a header twice",
            syn(1, [0, 0, 0, 2] + [0, 0, 0, 1, 65, 0, 0, 0, 0] + [0, 0, 0, 1, 97, 0, 0, 0, 0])
        ),
        ("bytes after the headers", syn(1, [0, 0, 0, 0, 0])),
        (
            "headers that expand a thousandfold",
            syn(1, [0, 0, 0, 1, 0, 0, 0, 1, 97, 0, 16, 0, 0] + [UInt8](repeating: 97, count: 1 << 20))
        ),
        (
            "a stream id that went back",
            syn(3, [0, 0, 0, 0]) + [0x80, 3, 0, 1, 0, 0, 0, 14, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
                + [0x42, 0x42, 0x42, 0x42]
        ),
    ]

    @Test(arguments: violations)
    func `the rules are kept`(what: String, bytes: [UInt8]) {
        let server = Peer(role: .server)
        let received = server.receive(bytes)
        guard case .violation = received.events.last else {
            Issue.record("\(what) was accepted")
            return
        }
        #expect(received.output.suffix(16).prefix(8) == [0x80, 3, 0, 7, 0, 0, 0, 8])
        #expect(received.output.last == 1)
        #expect(server.receive(bytes) == .init())
    }

    @Test func `data of a stream that never was is answered with a reset`() {
        let server = Peer(role: .server)
        let received = server.receive([0, 0, 0, 9, 0, 0, 0, 3, 1, 2] + [3])
        #expect(received.events == [])
        #expect(received.output == SPDYControlFrame.resetStream(id: 9, .invalidStream).encode())
        #expect(server.receive([0x80, 3, 0, 99, 0, 0, 0, 1, 0]) == .init(), "an unknown frame is skipped")
    }

    @Test(arguments: UInt64(0)..<50)
    func `a conversation survives any cut`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let (client, server) = (Peer(role: .client), Peer(role: .server))
        var (bytes, expected): ([UInt8], [SPDYConnection.Event]) = ([], [])
        for number in 0..<10 {
            let headers: SPDYHeaders = [
                "number": "\(number)", "x": String(repeating: "y", count: number * 50),
            ]
            let (id, output) = try #require(client.open(headers))
            let payload = (0..<Int.random(in: 1...300, using: &random)).map { UInt8(truncatingIfNeeded: $0) }
            bytes += output + (try #require(client.send(id, payload[...]))).output + client.end(id)
            expected += [.opened(id, headers), .data(id, payload), .ended(id)]
        }
        var events: [SPDYConnection.Event] = []
        while !bytes.isEmpty {
            let count = min(bytes.count, Int.random(in: 1...200, using: &random))
            for event in server.receive(bytes.prefix(count)).events {
                // Data may come in pieces.
                if case .data(let id, let more) = event, case .data(id, let before)? = events.last {
                    events[events.count - 1] = .data(id, before + more)
                } else {
                    events.append(event)
                }
            }
            bytes.removeFirst(count)
        }
        #expect(events == expected)
    }

    @Test(arguments: UInt64(0)..<200)
    func `no bytes crash it`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var connection = SPDYConnection(
            role: seed % 2 == 0 ? .server : .client, flow: seed % 3 == 0 ? .windows(1000) : .transport)
        _ = connection.open([:])
        for _ in 0..<30 {
            let payload = (0..<Int.random(in: 0...20, using: &random)).map { _ in
                UInt8.random(in: 0...3, using: &random)
            }
            let type = UInt8.random(in: 0...10, using: &random)
            let isControl = Bool.random(using: &random)
            let head: [UInt8] = isControl ? [0x80, 3, 0, type] : [0, 0, 0, type]
            _ = connection.receive(
                head + [UInt8.random(in: 0...3, using: &random), 0, 0, UInt8(payload.count)] + payload)
            _ = connection.consumed(1, 3)
        }
    }
}

/// A connection that can be handed to the macros of tests, which copy.
private final class Peer {
    private var connection: SPDYConnection

    init(
        role: SPDYConnection.Role, flow: SPDYConnection.FlowControl = .transport,
        limits: SPDYConnection.Limits = SPDYConnection.Limits()
    ) {
        connection = SPDYConnection(role: role, flow: flow, limits: limits)
    }

    func begin() -> [UInt8] { connection.begin() }
    func receive(_ bytes: some Collection<UInt8>) -> SPDYConnection.Received { connection.receive(bytes) }
    func open(_ headers: SPDYHeaders) -> (id: UInt32, output: [UInt8])? { connection.open(headers) }
    func reply(_ id: UInt32) -> [UInt8] { connection.reply(id) }
    func send(_ id: UInt32, _ bytes: ArraySlice<UInt8>) -> (count: Int, output: [UInt8])? {
        connection.send(id, bytes)
    }
    func end(_ id: UInt32) -> [UInt8] { connection.end(id) }
    func reset(_ id: UInt32) -> [UInt8] { connection.reset(id) }
    func consumed(_ id: UInt32, _ count: Int) -> [UInt8] { connection.consumed(id, count) }
    func ping() -> [UInt8] { connection.ping() }
    func goAway() -> [UInt8] { connection.goAway() }
    func isOpen(_ id: UInt32) -> Bool { connection.isOpen(id) }
}

/// A frame that opens a stream with this block.
private func syn(_ id: UInt32, _ block: [UInt8]) -> [UInt8] {
    var deflater = SPDYDeflater()
    return SPDYControlFrame.synStream(
        id: id, isFinal: false, isUnidirectional: false, block: deflater.compress(block)
    ).encode()
}

private func unhex(_ text: String) -> [UInt8] {
    let digits = Array(text.utf8).map { UInt8($0 < 58 ? $0 - 48 : $0 - 87) }
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}
