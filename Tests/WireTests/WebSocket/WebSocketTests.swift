import Testing

@testable import Wire

@Suite struct WebSocketTests {
    @Test func `messages go both ways and pings are answered meanwhile`() async throws {
        let (a, b) = MemoryByteStream.pair()
        let (client, server) = (WebSocket(a, role: .client), WebSocket(b, role: .server))
        try await client.ping()
        try await client.send(.text("hello"))
        #expect(try await server.receive() == .text("hello"))
        try await server.send(.binary([1, 2]))
        #expect(try await client.receive() == .binary([1, 2]))
    }

    @Test func `a close is answered and ends both`() async throws {
        let (a, b) = MemoryByteStream.pair()
        let (client, server) = (WebSocket(a, role: .client), WebSocket(b, role: .server))
        try await client.sendClose()
        #expect(try await server.receive() == nil)
        #expect(try await server.receive() == nil)
        #expect(try await client.receive() == nil)
        await #expect(throws: ByteStreamError.closed) { try await server.send(.text("late")) }
    }

    @Test func `who is gone right after its close need not be answered`() async throws {
        let (a, b) = MemoryByteStream.pair()
        try await WebSocket(b, role: .server).sendClose()
        await b.close()
        #expect(try await WebSocket(a, role: .client).receive() == nil)
    }

    @Test func `an unfriendly close and a lost connection are errors`() async throws {
        let (a, b) = MemoryByteStream.pair()
        let (client, server) = (WebSocket(a, role: .client), WebSocket(b, role: .server))
        try await server.sendClose(WebSocketClose(.internalError, "oops"))
        await #expect(throws: WebSocketClose(.internalError, "oops")) { try await client.receive() }

        let (c, d) = MemoryByteStream.pair()
        await c.close()
        await #expect(throws: ByteStreamError.connectionLost) {
            try await WebSocket(d, role: .server).receive()
        }
    }

    @Test func `a message that is too long closes the connection with a reason`() async throws {
        let (a, b) = MemoryByteStream.pair()
        let (client, server) = (WebSocket(a, role: .client), WebSocket(b, role: .server, messageLimit: 10))
        try await client.send(.binary([UInt8](repeating: 0, count: 11)))
        await #expect(throws: WebSocketClose.self) { try await server.receive() }
        do {
            _ = try await client.receive()
            Issue.record("the client heard nothing")
        } catch let close as WebSocketClose {
            #expect(close.code == .tooLarge)
        }
    }

    @Test func `messages of many tasks do not mix`() async throws {
        let (a, b) = MemoryByteStream.pair(capacity: 100)
        let (client, server) = (WebSocket(a, role: .client), WebSocket(b, role: .server))
        try await withThrowingTaskGroup { group in
            for number in UInt8(0)..<20 {
                group.addTask { try await client.send(.binary([UInt8](repeating: number, count: 1000))) }
            }
            for _ in 0..<20 {
                let bytes = try await server.receive()?.bytes ?? []
                #expect(bytes.count == 1000 && Set(bytes).count == 1)
            }
            try await group.waitForAll()
        }
    }

    @Test func `finishing waits for the peer's answer and drops what came before it`() async throws {
        let (a, b) = MemoryByteStream.pair()
        let (client, server) = (WebSocket(a, role: .client), WebSocket(b, role: .server))
        try await client.send(.text("unread"))
        async let finished: Void = server.finish()
        #expect(try await client.receive() == nil)
        await client.close()
        try await finished
    }

    @Test func `bytes pass in binary messages of a bounded size`() async throws {
        let (a, b) = MemoryByteStream.pair(capacity: 1 << 20)
        let (near, far) = (
            WebSocketByteStream(WebSocket(a, role: .client), messageSize: 1000),
            WebSocketByteStream(WebSocket(b, role: .server, messageLimit: 1000))
        )
        let sent = (0..<2500).map { UInt8(truncatingIfNeeded: $0) }
        try await near.write(sent)
        try await near.write([])
        try await near.closeWrite()
        var received: [UInt8] = []
        while let bytes = try await far.read() { received += bytes }
        #expect(received == sent)
        #expect(try await near.read() == nil)
    }
}
