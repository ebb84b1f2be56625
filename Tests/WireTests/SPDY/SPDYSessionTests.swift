import Testing

@testable import Wire

@Suite struct SPDYSessionTests {
    @Test func `streams carry bytes both ways and end one direction at a time`() async throws {
        try await talk { session in
            let stream = try #require(try await session.accept())
            #expect(stream.headers["StreamType"] == "echo")
            while let bytes = try await stream.read() { try await stream.write(bytes) }
            try await stream.closeWrite()
            #expect(try await session.accept() == nil)
        } client: { session in
            let stream = try await session.open(["streamType": "echo"])
            async let received = readAll(stream)
            let sent = (0..<500_000).map { UInt8(truncatingIfNeeded: $0) }
            for start in stride(from: 0, to: sent.count, by: 100_000) {
                try await stream.write(Array(sent[start..<start + 100_000]))
            }
            try await stream.closeWrite()
            #expect(try await received == sent)
        }
    }

    @Test func `with windows a slow reader slows one stream only`() async throws {
        var limits = SPDYSession.Limits()
        limits.flow = .windows(64 << 10)
        try await talk(limits) { session in
            let slow = try #require(try await session.accept())
            let quick = try #require(try await session.accept())
            #expect(try await readAll(quick) == [1, 2, 3])
            try await quick.closeWrite()
            #expect(try await readAll(slow).count == 300_000)
            try await slow.closeWrite()
        } client: { session in
            let slow = try await session.open([:])
            let quick = try await session.open([:])
            async let written: Void = slow.write([UInt8](repeating: 0, count: 300_000))
            // The connection's window is shared: it must not be used up by the slow stream alone.
            try await quick.write([1, 2, 3])
            try await quick.closeWrite()
            #expect(try await readAll(quick) == [])
            try await written
            try await slow.closeWrite()
            #expect(try await readAll(slow) == [])
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `streams that nobody reads do not use up the window of the others`() async throws {
        var limits = SPDYSession.Limits()
        limits.flow = .windows(64 << 10)
        try await talk(limits) { session in
            for _ in 0..<4 {
                let unread = try #require(try await session.accept())
                // Some of it comes before the stream is closed, some after.
                try await unread.write([1])
                await unread.close()
            }
            let stream = try #require(try await session.accept())
            #expect(try await readAll(stream).count == 100_000)
            try await stream.closeWrite()
        } client: { session in
            for _ in 0..<4 {
                let unread = try await session.open([:])
                try? await unread.write([UInt8](repeating: 0, count: 60_000))
                #expect(try await readAll(unread) == [1])
            }
            let stream = try await session.open([:])
            try await stream.write([UInt8](repeating: 0, count: 100_000))
            try await stream.closeWrite()
            #expect(try await readAll(stream) == [])
        }
    }

    @Test func `a reset reads as an end and fails writing`() async throws {
        try await talk { session in
            let stream = try #require(try await session.accept())
            try await stream.write([1])
            await stream.close()
            #expect(try await session.accept() == nil)
        } client: { session in
            let stream = try await session.open([:])
            #expect(try await readAll(stream) == [1])
            await #expect(throws: ByteStreamError.closedByPeer) { try await stream.write([2]) }
        }
    }

    @Test func `what was written last arrives before the session ends`() async throws {
        try await talk { session in
            let stream = try #require(try await session.accept())
            try await stream.write([UInt8](repeating: 7, count: 200_000))
        } client: { session in
            let stream = try await session.open([:])
            #expect(try await readAll(stream).count == 200_000)
        }
    }

    @Test func `a lost connection ends every stream and cancels the body`() async throws {
        let (near, far) = MemoryByteStream.pair()
        await #expect(throws: ByteStreamError.connectionLost) {
            try await SPDYSession.run(over: near, role: .client) { session in
                await far.close()
                _ = try await session.open([:])
                try await Task.sleep(for: .seconds(60))
            }
        }
    }

    @Test func `a peer that breaks the rules is told so`() async throws {
        let (near, far) = MemoryByteStream.pair()
        await #expect(throws: SPDYViolation.self) {
            try await SPDYSession.run(over: near, role: .server) { session in
                try await far.write([0x80, 9, 0, 0, 0, 0, 0, 0])
                try await Task.sleep(for: .seconds(60))
            }
        }
        #expect(try await far.read()?.prefix(4) == [0x80, 3, 0, 7])
    }

    @Test func `a refused stream is an error of its opener`() async throws {
        var limits = SPDYSession.Limits()
        limits.connection.streams = 1
        try await talk(limits) { session in
            _ = try await session.accept()
            #expect(try await session.accept() == nil)
        } client: { session in
            _ = try await session.open([:])
            await #expect(throws: ByteStreamError.closedByPeer) { try await session.open([:]) }
        }
    }
}

/// Runs a server and a client over a pipe until both are done.
func talk(
    _ limits: SPDYSession.Limits = SPDYSession.Limits(),
    server: @escaping @Sendable (SPDYSession) async throws -> Void,
    client: @escaping @Sendable (SPDYSession) async throws -> Void
) async throws {
    let (near, far) = MemoryByteStream.pair()
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
            // The client may leave while the server waits for more.
            do {
                try await SPDYSession.run(over: far, role: .server, limits: limits, body: server)
            } catch ByteStreamError.connectionLost {}
        }
        group.addTask { try await SPDYSession.run(over: near, role: .client, limits: limits, body: client) }
        try await group.waitForAll()
    }
}

func readAll(_ stream: any ByteStream) async throws -> [UInt8] {
    var all: [UInt8] = []
    while let bytes = try await stream.read() { all += bytes }
    return all
}
