import Testing

@testable import Wire

@Suite struct PortForwardTests {
    private func headers(_ type: String, _ port: String = "80", _ request: String? = nil) -> SPDYHeaders {
        var headers: SPDYHeaders = ["streamType": type, "port": port]
        if let request { headers.add("requestID", request) }
        return headers
    }

    @Test func `streams are paired by their request, in any order`() {
        var pairing = PortForwardPairing()
        #expect(pairing.add(1, headers("error", "80", "0")) == .waiting(evicted: nil))
        #expect(pairing.add(3, headers("data", "81", "1")) == .waiting(evicted: nil))
        #expect(pairing.add(5, headers("error", "81", "1")) == .paired(data: 3, error: 5, port: 81))
        #expect(pairing.add(7, headers("data", "80", "0")) == .paired(data: 7, error: 1, port: 80))
    }

    @Test func `old clients are paired by their stream ids`() {
        var pairing = PortForwardPairing()
        #expect(pairing.add(1, headers("error")) == .waiting(evicted: nil))
        #expect(pairing.add(3, headers("data")) == .paired(data: 3, error: 1, port: 80))
    }

    @Test func `what fits nowhere is refused`() {
        var pairing = PortForwardPairing()
        for bad in [
            headers("stdin"), headers("data", "0"), headers("data", "65536"), headers("data", "x"), [:],
        ] {
            #expect(pairing.add(1, bad) == .refused)
        }
        #expect(pairing.add(1, headers("error", "80", "0")) == .waiting(evicted: nil))
        #expect(pairing.add(3, headers("error", "80", "0")) == .refused)
        #expect(pairing.add(5, headers("data", "81", "0")) == .refused)
    }

    @Test func `the oldest half gives way`() {
        var pairing = PortForwardPairing(limit: 2)
        #expect(pairing.add(1, headers("error", "80", "0")) == .waiting(evicted: nil))
        #expect(pairing.add(3, headers("error", "80", "1")) == .waiting(evicted: nil))
        #expect(pairing.add(5, headers("error", "80", "2")) == .waiting(evicted: 1))
        #expect(pairing.add(7, headers("data", "80", "1")) == .paired(data: 7, error: 3, port: 80))
    }

    @Sendable static func serve(_ session: SPDYSession) async throws {
        var acceptor = PortForwardAcceptor(session)
        for port: UInt16 in [80, 443] {
            let connection = try #require(try await acceptor.next())
            #expect(connection.port == port)
            try await connection.data.write(try await readAll(connection.data).reversed())
            try await connection.data.closeWrite()
            try await connection.error.write(Array("port \(port)".utf8))
            try await connection.error.closeWrite()
        }
        #expect(try await acceptor.next() == nil)
    }

    @Sendable static func forward(_ session: SPDYSession) async throws {
        for (request, port) in [80, 443].enumerated() {
            let connection = try await session.forward(port: UInt16(port), request: request)
            try await connection.data.write([1, 2, 3])
            try await connection.data.closeWrite()
            #expect(try await readAll(connection.data) == [3, 2, 1])
            #expect(try await readAll(connection.error) == Array("port \(port)".utf8))
        }
    }

    @Test func `ports are forwarded over SPDY`() async throws {
        try await talk(server: Self.serve, client: Self.forward)
    }

    @Test func `ports are forwarded over SPDY in a WebSocket`() async throws {
        let (near, far) = MemoryByteStream.pair()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                let transport = WebSocketByteStream(WebSocket(far, role: .server))
                do {
                    try await SPDYSession.run(over: transport, role: .server, body: Self.serve)
                } catch ByteStreamError.connectionLost {}
            }
            group.addTask {
                let transport = WebSocketByteStream(WebSocket(near, role: .client))
                try await SPDYSession.run(over: transport, role: .client, body: Self.forward)
            }
            try await group.waitForAll()
        }
    }
}
