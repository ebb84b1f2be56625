import Support
import Testing

@testable import Wire

@Suite struct WebSocketConnectionTests {
    /// RFC 6455, section 5.7.
    @Test func `the examples of the RFC hold`() {
        var client = WebSocketConnection(role: .client)
        #expect(
            client.receive([0x81, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F]).events == [.message(.text("Hello"))])
        #expect(client.receive([0x01, 0x03, 0x48, 0x65, 0x6C]).events == [])
        #expect(client.receive([0x80, 0x02, 0x6C, 0x6F]).events == [.message(.text("Hello"))])

        var server = WebSocketConnection(role: .server)
        let masked: [UInt8] = [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58]
        #expect(server.receive(masked).events == [.message(.text("Hello"))])
        let ping: [UInt8] = [0x89, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58]
        #expect(server.receive(ping).output == [0x8A, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F])

        #expect(server.send(.text("Hello")) == [0x81, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F])
        #expect(
            server.send(.binary([UInt8](repeating: 0, count: 256))).prefix(4) == [0x82, 0x7E, 0x01, 0x00])
        let long = server.send(.binary([UInt8](repeating: 0, count: 65_536)))
        #expect(long.prefix(10) == [0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0])
    }

    @Test func `a closing conversation ends on both sides`() {
        var client = WebSocketConnection(role: .client)
        var server = WebSocketConnection(role: .server)
        let close = client.close(WebSocketClose(.goingAway, "bye"))
        let heard = server.receive(close)
        #expect(heard.events == [.close(WebSocketClose(.goingAway, "bye"))])
        #expect(heard.output == [0x88, 2, 0x03, 0xE9])
        #expect(client.receive(heard.output) == .init(events: [.close(WebSocketClose(.goingAway))]))
        #expect(client.close(WebSocketClose(.normal)) == [] && server.send(.text("late")) == [])
        #expect(server.receive(close) == .init())
    }

    @Test func `a ping between two fragments is answered at once`() {
        var client = WebSocketConnection(role: .client, masks: SeededRandom(seed: 1))
        var server = WebSocketConnection(role: .server)
        #expect(client.receive([0x02, 1, 7, 0x89, 1, 9]).output.count == 7)
        #expect(client.receive([0x80, 1, 8]).events == [.message(.binary([7, 8]))])
        #expect(server.receive(client.ping([5])).output == [0x8A, 1, 5])
    }

    static let violations: [(String, [UInt8], WebSocketCloseCode)] = [
        ("a reserved bit", [0xC1, 0], .protocolError),
        ("an unknown opcode", [0x83, 0], .protocolError),
        ("a mask from a server", [0x81, 0x80, 0, 0, 0, 0], .protocolError),
        ("a fragmented ping", [0x09, 0], .protocolError),
        ("a long ping", [0x89, 126, 0, 126], .protocolError),
        ("a continuation of nothing", [0x80, 0], .protocolError),
        ("a message within a message", [0x01, 0, 0x81, 0], .protocolError),
        ("half a close code", [0x88, 1, 3], .protocolError),
        ("a close code that is never sent", [0x88, 2, 0x03, 0xED], .protocolError),
        ("a negative length", [0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0], .protocolError),
        ("a huge length", [0x82, 127, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], .tooLarge),
        ("a long message", [0x82, 126, 0, 201], .tooLarge),
        ("a long message in pieces", [0x02, 1, 0, 0x80, 126, 0, 200], .tooLarge),
        ("broken UTF-8", [0x81, 1, 0xFF], .invalidData),
        ("a broken reason", [0x88, 3, 0x03, 0xE8, 0xFF], .invalidData),
    ]

    @Test(arguments: violations)
    func `the rules are kept`(what: String, bytes: [UInt8], code: WebSocketCloseCode) {
        var client = WebSocketConnection(role: .client, messageLimit: 200, masks: Zeros())
        let received = client.receive(bytes)
        guard case .violation(let close) = received.events.last else {
            Issue.record("\(what) was accepted")
            return
        }
        #expect(close.code == code)
        #expect(
            received.output.prefix(8) == [0x88, UInt8(0x82 + close.reason.utf8.count), 0, 0, 0, 0]
                + [UInt8(code.rawValue >> 8), UInt8(code.rawValue & 0xFF)])
        #expect(client.receive([0x81, 0]) == .init())
    }

    @Test func `a server takes no frame without a mask`() {
        var server = WebSocketConnection(role: .server)
        guard case .violation = server.receive([0x81, 0]).events.first else {
            Issue.record("accepted")
            return
        }
    }

    @Test(arguments: UInt64(0)..<20)
    func `messages survive any cut, in both directions`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var (client, server) = (WebSocketConnection(role: .client), WebSocketConnection(role: .server))
        let messages: [WebSocketMessage] = (0..<5).map { _ in
            let size = [0, 3, 125, 126, 5000, 65_535, 65_536].randomElement(using: &random) ?? 0
            let bytes = [UInt8](repeating: UInt8.random(in: 97...122, using: &random), count: size)
            return Bool.random(using: &random)
                ? .binary(bytes) : .text(String(decoding: bytes, as: UTF8.self))
        }
        #expect(
            deliver(messages.flatMap { client.send($0) }, to: &server, &random)
                == messages.map { .message($0) })
        #expect(
            deliver(messages.flatMap { server.send($0) }, to: &client, &random)
                == messages.map { .message($0) })
    }

    @Test(arguments: UInt64(0)..<200)
    func `no bytes crash it, and the bound holds`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var connection = WebSocketConnection(role: seed % 2 == 0 ? .client : .server, messageLimit: 100)
        for _ in 0..<20 {
            let opcode: UInt8 =
                [0, 1, 2, 8, 9, 10, 0x80, 0x81, 0x82, 0x88, 0x89].randomElement(using: &random) ?? 0
            let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            for event in connection.receive(
                [opcode, UInt8(bytes.count) | (seed % 2 == 0 ? 0 : 0x80)] + bytes
            ).events {
                if case .message(let message) = event { #expect(message.bytes.count <= 100) }
            }
        }
    }

    private func deliver(
        _ bytes: [UInt8], to connection: inout WebSocketConnection, _ random: inout SeededRandom
    ) -> [WebSocketConnection.Event] {
        var (rest, events) = (bytes[...], [WebSocketConnection.Event]())
        while !rest.isEmpty {
            let piece = rest.prefix(Int.random(in: 1...30_000, using: &random))
            rest = rest.dropFirst(piece.count)
            events += connection.receive(piece).events
        }
        return events
    }
}

private struct Zeros: RandomNumberGenerator, Sendable {
    mutating func next() -> UInt64 { 0 }
}
