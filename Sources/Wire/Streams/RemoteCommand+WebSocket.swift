extension RemoteCommandStreams {
    /// The channels of `channel.k8s.io` and its successors.
    private enum Number {
        static let stdin: UInt8 = 0
        static let stdout: UInt8 = 1
        static let stderr: UInt8 = 2
        static let error: UInt8 = 3
        static let resize: UInt8 = 4
        static let count: UInt8 = 5
    }

    /// Serves a remote command over a WebSocket of the negotiated subprotocol while `body` runs it.
    ///
    /// Only version 5 lets the client end stdin alone; before it, stdin ends with the connection. See
    /// ``ChannelMultiplexer/run(over:format:count:isClient:closeTimeout:body:)`` for how it ends.
    public static func serve<Result: Sendable>(
        over webSocket: WebSocket, format: ChannelFormat, _ wanted: Wanted,
        body: @escaping @Sendable (RemoteCommandStreams) async throws -> Result
    ) async throws -> Result {
        try await ChannelMultiplexer.run(over: webSocket, format: format, count: Number.count) { channels in
            // Clients wait for a message on the lowest channel that they read, to know that the connection
            // stands.
            let lowest = wanted.stdout ? Number.stdout : wanted.stderr ? Number.stderr : Number.error
            try await channels.channel(lowest).write([])
            return try await body(RemoteCommandStreams(channels, wanted, isServer: true))
        }
    }

    /// Speaks to a server of remote commands over a WebSocket while `body` uses the streams.
    public static func connect<Result: Sendable>(
        over webSocket: WebSocket, format: ChannelFormat, _ wanted: Wanted,
        body: @escaping @Sendable (RemoteCommandStreams) async throws -> Result
    ) async throws -> Result {
        try await ChannelMultiplexer.run(
            over: webSocket, format: format, count: Number.count, isClient: true
        ) { channels in
            try await body(RemoteCommandStreams(channels, wanted, isServer: false))
        }
    }

    private init(_ channels: ChannelMultiplexer, _ wanted: Wanted, isServer: Bool) {
        // Only clients close channels; a server's end with the connection, which its peers expect.
        func channel(_ number: UInt8, _ isWanted: Bool = true) -> (any ByteStream)? {
            guard isWanted else { return nil }
            let channel = channels.channel(number)
            return isServer ? OpenEnded(channel) : channel
        }
        self.init(
            error: channel(Number.error) ?? channels.channel(Number.error),
            stdin: channel(Number.stdin, wanted.stdin), stdout: channel(Number.stdout, wanted.stdout),
            stderr: channel(Number.stderr, wanted.stderr), resize: channel(Number.resize, wanted.resize))
    }

    /// A channel whose end is not told.
    private struct OpenEnded: ByteStream {
        let channel: any ByteStream

        init(_ channel: any ByteStream) { self.channel = channel }

        func read() async throws -> [UInt8]? { try await channel.read() }
        func write(_ bytes: [UInt8]) async throws { try await channel.write(bytes) }
        func closeWrite() async throws {}
        func close() async { await channel.close() }
    }
}
