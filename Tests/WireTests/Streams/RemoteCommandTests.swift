import Testing

@testable import Wire

@Suite struct RemoteCommandTests {
    static let wanted = RemoteCommandStreams.Wanted(stdin: true, stdout: true, stderr: true, resize: true)

    /// A command that answers on every stream, and a client that ends stdin if it can.
    @Sendable static func serve(_ streams: RemoteCommandStreams) async throws {
        let stdin = try #require(streams.stdin)
        #expect(try await streams.resize?.read() == Array("80x25".utf8))
        try await streams.stderr?.write(Array("ready".utf8))
        var input: [UInt8] = []
        while input.last != UInt8(ascii: "!") {
            guard let bytes = try await stdin.read() else { break }
            input += bytes
        }
        try await streams.stdout?.write(input.reversed())
        try await streams.error.write(Array("done".utf8))
        try await streams.error.closeWrite()
    }

    @Sendable static func command(_ streams: RemoteCommandStreams) async throws {
        try await streams.resize?.write(Array("80x25".utf8))
        #expect(try await streams.stderr?.read() == Array("ready".utf8))
        try await streams.stdin?.write(Array("abc!".utf8))
        try await streams.stdin?.closeWrite()
        let stdout = try #require(streams.stdout)
        #expect(try await readAll(stdout) == Array("!cba".utf8))
        #expect(try await readAll(streams.error) == Array("done".utf8))
    }

    @Test(arguments: [
        nil, WebSocketSubprotocol.channel, WebSocketSubprotocol.base64Channel, WebSocketSubprotocol.channelV4,
        WebSocketSubprotocol.base64ChannelV4, WebSocketSubprotocol.channelV5,
    ])
    func `a command runs over the channels of a WebSocket`(subprotocol: String?) async throws {
        let format = try #require(ChannelFormat(subprotocol: subprotocol))
        let (near, far) = MemoryByteStream.pair()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await RemoteCommandStreams.serve(
                    over: WebSocket(far, role: .server), format: format, Self.wanted, body: Self.serve)
            }
            group.addTask {
                try await RemoteCommandStreams.connect(
                    over: WebSocket(near, role: .client), format: format, Self.wanted, body: Self.command)
            }
            try await group.waitForAll()
        }
    }

    @Test func `a command runs over SPDY`() async throws {
        try await talk { session in
            try await Self.serve(try await RemoteCommandStreams.accept(over: session, Self.wanted))
        } client: { session in
            try await Self.command(try await RemoteCommandStreams.open(over: session, Self.wanted))
        }
    }

    @Test func `a command runs without any connection`() async throws {
        let (server, client) = RemoteCommandStreams.pair(Self.wanted)
        async let served: Void = Self.serve(server)
        async let commanded: Void = {
            try await client.resize?.write(Array("80x25".utf8))
            try await client.stdin?.write(Array("abc!".utf8))
            #expect(try await client.stdout?.read() == Array("!cba".utf8))
        }()
        _ = try await (served, commanded)
    }

    @Test func `in version 5 the end of stdin is the end of stdin`() async throws {
        let (near, far) = MemoryByteStream.pair()
        let client = WebSocket(near, role: .client)
        let format = ChannelFormat(hasCloseSignal: true)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await RemoteCommandStreams.serve(
                    over: WebSocket(far, role: .server), format: format, .init(stdin: true, stdout: true)
                ) { streams in
                    let stdin = try #require(streams.stdin)
                    try await streams.stdout?.write(try await readAll(stdin))
                }
            }
            #expect(try await client.receive() == .binary([1]), "the server says that it is ready")
            try await client.send(.binary([0, 104, 105]))
            try await client.send(.binary([9, 9]))
            try await client.send(.binary([]))
            try await client.send(.binary([255, 0]))
            #expect(try await client.receive() == .binary([1, 104, 105]))
            #expect(try await client.receive() == nil)
            await client.close()
            try await group.waitForAll()
        }
    }

    @Test func `a client that leaves cancels the command`() async throws {
        let (near, far) = MemoryByteStream.pair()
        let client = WebSocket(near, role: .client)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await #expect(throws: ByteStreamError.connectionLost) {
                    try await RemoteCommandStreams.serve(
                        over: WebSocket(far, role: .server), format: ChannelFormat(), .init(stdout: true)
                    ) { _ in try await Task.sleep(for: .seconds(60)) }
                }
            }
            _ = try await client.receive()
            try await client.sendClose()
            try await group.waitForAll()
        }
    }

    @Test func `streams that nobody asked for are reset, and a missing one is named`() async throws {
        try await talk { session in
            do {
                _ = try await RemoteCommandStreams.accept(
                    over: session, .init(stdin: true), within: .milliseconds(50))
                Issue.record("complete without stdin")
            } catch let error as RemoteStreamError {
                guard case .missingStreams(let opened) = error else { return }
                #expect(opened == ["error"] || opened == [])
            }
        } client: { session in
            _ = try? await session.open(["streamtype": "nonsense"])
            _ = try? await session.open(["streamtype": "error"])
            _ = try? await session.accept()
        }
    }

    @Test(
        arguments: [
            (WebSocketMessage.binary([1, 2]), ChannelFormat(), ChannelFormat.Content.data(channel: 1, [2])),
            (.binary([255, 0]), ChannelFormat(), .data(channel: 255, [0])),
            (.binary([255, 0]), ChannelFormat(hasCloseSignal: true), .close(channel: 0)),
            (.binary([255]), ChannelFormat(hasCloseSignal: true), nil),
            (.text("1aGk="), ChannelFormat(isBase64: true), .data(channel: 1, [104, 105])),
            (.text("1a*"), ChannelFormat(isBase64: true), nil),
            (.text("xaGk="), ChannelFormat(isBase64: true), nil),
            (.binary([]), ChannelFormat(), .empty), (.text(""), ChannelFormat(isBase64: true), .empty),
        ] as [(WebSocketMessage, ChannelFormat, ChannelFormat.Content?)])
    func `a message says its channel`(
        message: WebSocketMessage, format: ChannelFormat, content: ChannelFormat.Content?
    ) {
        #expect(format.decode(message) == content)
        if case .data(let channel, let data) = content { #expect(format.encode(channel, data) == message) }
    }
}
