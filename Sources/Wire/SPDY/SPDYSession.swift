import Synchronization

/// Runs a ``SPDYConnection`` over a stream of bytes and offers its streams.
///
/// Two tasks, both within ``run(over:role:limits:body:)``: one reads the transport and hands events to the
/// streams, one writes what has gathered. A stream whose reader is slow makes the first wait and, without
/// windows, all streams with it; a peer that does not read makes writers wait.
public final class SPDYSession: Sendable {
    /// Every bound of a session beyond those of its connection.
    public struct Limits: Hashable, Sendable {
        public var connection = SPDYConnection.Limits()
        public var flow = SPDYConnection.FlowControl.transport
        /// Unread bytes of one stream before the transport is no longer read. With windows at least a window.
        public var streamBuffer = 256 << 10
        /// Unsent bytes before writers wait.
        public var outputBuffer = 256 << 10
        /// How long the peer may take to close its side when we are done.
        public var closeTimeout = Duration.seconds(5)

        public init() {}
    }

    private struct State: ~Copyable {
        var connection: SPDYConnection
        var output: [UInt8] = []
        var streams: [UInt32: SPDYStream] = [:]
        var accepted: [SPDYStream] = []
        /// Nothing is to follow the output that there is.
        var isFinishing = false
        /// Output was taken and is on its way.
        var isWriting = false
        var hasEnded = false
    }

    private let transport: any ByteStream
    private let limits: Limits
    private let state: Mutex<State>
    private let hasOutput = Signal()
    private let hasRoom = Signal()
    private let hasAccepted = Signal()
    private let ended = Signal()

    private init(_ transport: any ByteStream, role: SPDYConnection.Role, limits: Limits) {
        self.transport = transport
        self.limits = limits
        var connection = SPDYConnection(role: role, flow: limits.flow, limits: limits.connection)
        let output = connection.begin()
        state = Mutex(State(connection: connection, output: output))
        if !output.isEmpty { hasOutput.raise() }
    }

    /// Runs a session over `transport` while `body` uses it.
    ///
    /// When `body` returns, open streams end, the peer is told, and the transport closes once the peer did,
    /// or after ``Limits/closeTimeout``. When the peer leaves first, every stream ends, and the `body` of a
    /// server is cancelled; if it gives up, ``ByteStreamError/connectionLost`` is thrown. A client's reads on
    /// to the end of its streams.
    public static func run<Result: Sendable>(
        over transport: any ByteStream, role: SPDYConnection.Role, limits: Limits = Limits(),
        body: @escaping @Sendable (SPDYSession) async throws -> Result
    ) async throws -> Result {
        let session = SPDYSession(transport, role: role, limits: limits)
        do {
            let result = try await withPump {
                switch role {
                case .server: try await session.pump()
                case .client: try await untilCancelled { try await session.pump() }
                }
            } body: {
                let result = try await body(session)
                await session.finish()
                return result
            }
            await transport.close()
            return result
        } catch {
            await transport.close()
            throw error
        }
    }

    // MARK: Streams

    /// Waits for a stream that the peer opened, and accepts it. `nil` when the session has ended. One task
    /// accepts.
    public func accept() async throws -> SPDYStream? {
        while true {
            let (stream, hasEnded) = state.withLock { state -> (SPDYStream?, Bool) in
                guard !state.accepted.isEmpty else { return (nil, state.hasEnded) }
                let stream = state.accepted.removeFirst()
                state.output += state.connection.reply(stream.id)
                return (stream, false)
            }
            if let stream {
                hasOutput.raise()
                return stream
            }
            if hasEnded { return nil }
            try await hasAccepted.wait()
        }
    }

    /// Opens a stream and waits until the peer accepted it. Throws ``ByteStreamError/closedByPeer`` when it
    /// refused.
    public func open(_ headers: SPDYHeaders) async throws -> SPDYStream {
        let stream = try state.withLock { state throws(ByteStreamError) in
            guard !state.hasEnded, let (id, output) = state.connection.open(headers) else {
                throw .connectionLost
            }
            let stream = SPDYStream(id: id, headers: headers, session: self, buffer: limits.streamBuffer)
            state.streams[id] = stream
            state.output += output
            return stream
        }
        hasOutput.raise()
        do {
            try await stream.waitForReply()
            return stream
        } catch {
            await stream.close()
            throw error
        }
    }

    /// Gives bytes of a stream to the connection, as many as there is room for; `nil` when the stream takes
    /// none.
    func send(_ id: UInt32, _ bytes: ArraySlice<UInt8>) -> Int? {
        command { state -> Int? in
            guard !state.hasEnded, !state.isFinishing else { return nil }
            guard state.output.count < limits.outputBuffer else { return 0 }
            guard let (count, output) = state.connection.send(id, bytes) else { return nil }
            state.output += output
            return count
        }
    }

    func end(_ id: UInt32) {
        command { state in
            state.output += state.connection.end(id)
            if !state.connection.isOpen(id) { state.streams[id] = nil }
        }
    }

    func consumed(_ id: UInt32, _ count: Int) { command { $0.output += $0.connection.consumed(id, count) } }

    func reset(_ id: UInt32, unread: Int) {
        command { state in
            state.output += state.connection.reset(id) + state.connection.consumed(id, unread)
            state.streams[id] = nil
        }
    }

    private func command<Answer>(_ body: (inout State) -> sending Answer) -> Answer {
        let (answer, isWritable) = state.withLock { state in
            let answer = body(&state)
            return (answer, !state.output.isEmpty)
        }
        if isWritable { hasOutput.raise() }
        return answer
    }

    // MARK: The two tasks

    private func pump() async throws {
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await self.readTransport() }
                group.addTask { try await self.writeTransport() }
                try await group.next()
                group.cancelAll()
            }
            endAll()
        } catch {
            endAll()
            throw error
        }
    }

    private func readTransport() async throws {
        while let bytes = try await transport.read() {
            let events = command { state in
                let received = state.connection.receive(bytes)
                state.output += received.output
                return received.events
            }
            for event in events { try await handle(event) }
            // A peer that asks and does not listen is not asked for more.
            while state.withLock({ $0.output.count > 2 * limits.outputBuffer }) { try await hasRoom.wait() }
        }
    }

    private func writeTransport() async throws {
        while true {
            let (output, isFinishing) = state.withLock { state in
                defer { state.output = [] }
                state.isWriting = !state.output.isEmpty
                return (state.output, state.isFinishing)
            }
            if !output.isEmpty {
                try await write(output)
            } else if isFinishing {
                try await transport.closeWrite()
                // The session ends when the peer has closed its side too, which the reader sees.
                while true { try await hasOutput.wait() }
            } else {
                try await hasOutput.wait()
            }
        }
    }

    private func write(_ output: [UInt8]) async throws {
        do {
            try await transport.write(output)
        } catch is ByteStreamError {
            throw ByteStreamError.connectionLost
        }
        state.withLock { $0.isWriting = false }
        raiseAllWritable()
        hasRoom.raise()
    }

    private func handle(_ event: SPDYConnection.Event) async throws {
        switch event {
        case .opened(let id, let headers):
            let stream = SPDYStream(id: id, headers: headers, session: self, buffer: limits.streamBuffer)
            state.withLock { state in
                state.streams[id] = stream
                state.accepted.append(stream)
            }
            hasAccepted.raise()
        case .replied(let id, _): stream(id)?.wasAccepted()
        case .data(let id, let bytes):
            do {
                guard let stream = stream(id) else { throw ByteStreamError.closed }
                try await stream.incoming.write(bytes)
            } catch is ByteStreamError {
                // Nobody reads it; it still counts as read.
                consumed(id, bytes.count)
            }
        case .ended(let id):
            stream(id)?.incoming.finish()
            state.withLock { if !$0.connection.isOpen(id) { $0.streams[id] = nil } }
        case .reset(let id, _):
            let stream = state.withLock { state in
                state.accepted.removeAll { $0.id == id }
                return state.streams.removeValue(forKey: id)
            }
            stream?.wasReset()
        case .windowOpened(0): raiseAllWritable()
        case .windowOpened(let id): stream(id)?.writable.raise()
        case .headers, .pong, .goAway: break
        case .violation(let what):
            try await flush()
            throw SPDYViolation(summary: what)
        }
    }

    /// Waits until the peer was told everything, or has had its time to hear it.
    private func flush() async throws {
        _ = try await withDeadline(limits.closeTimeout) {
            while self.state.withLock({ !$0.output.isEmpty || $0.isWriting }) {
                try await self.hasRoom.wait()
            }
        }
    }

    private func raiseAllWritable() {
        for stream in state.withLock({ Array($0.streams.values) }) { stream.writable.raise() }
    }

    private func stream(_ id: UInt32) -> SPDYStream? { state.withLock { $0.streams[id] } }

    // MARK: The end

    /// Ends every stream, says goodbye, and waits for the peer to do the same.
    private func finish() async {
        let streams = state.withLock { Array($0.streams.values) }
        for stream in streams { stream.endOutput() }
        command { state in
            state.output += state.connection.goAway()
            state.isFinishing = true
        }
        hasOutput.raise()
        // What still comes in is nobody's any more.
        for stream in streams { stream.incoming.abandon() }
        _ = try? await withDeadline(limits.closeTimeout) {
            while !self.state.withLock({ $0.hasEnded }) { try await self.ended.wait() }
        }
    }

    private func endAll() {
        let streams = state.withLock { state in
            state.hasEnded = true
            defer { state.streams = [:] }
            return Array(state.streams.values)
        }
        for stream in streams { stream.wasLost() }
        hasAccepted.raise()
        ended.raise()
    }
}

/// The peer broke the rules of SPDY.
public struct SPDYViolation: Error, Hashable, Sendable {
    public var summary: String
}
