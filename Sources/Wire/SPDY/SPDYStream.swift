import Synchronization

/// One stream of a ``SPDYSession``.
///
/// A reset by the peer reads as the end of the stream, because the SPDY library of Kubernetes resets every
/// stream when it is done with it; writing after it fails.
public final class SPDYStream: ByteStream {
    /// Known to both sides: odd when the client opened the stream.
    public let id: UInt32
    /// What the stream was opened with.
    public let headers: SPDYHeaders

    private enum Reply { case none, accepted, failed(ByteStreamError) }

    private let session: SPDYSession
    private let reply = Mutex(Reply.none)
    private let replied = Signal()
    let incoming: BytePipe
    let writable = Signal()

    init(id: UInt32, headers: SPDYHeaders, session: SPDYSession, buffer: Int) {
        self.id = id
        self.headers = headers
        self.session = session
        incoming = BytePipe(capacity: buffer)
    }

    public func read() async throws -> [UInt8]? {
        let bytes = try await incoming.read()
        if let bytes { session.consumed(id, bytes.count) }
        return bytes
    }

    public func write(_ bytes: [UInt8]) async throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            guard let count = session.send(id, rest) else { throw ByteStreamError.closedByPeer }
            rest = rest.dropFirst(count)
            if count == 0 { try await writable.wait() }
        }
    }

    public func closeWrite() async throws { endOutput() }

    /// Resets the stream unless both sides have ended it.
    public func close() async { session.reset(id, unread: incoming.abandon()) }

    func endOutput() { session.end(id) }

    // MARK: What the session tells

    func waitForReply() async throws {
        while true {
            switch reply.withLock({ $0 }) {
            case .accepted: return
            case .failed(let error): throw error
            case .none: try await replied.wait()
            }
        }
    }

    func wasAccepted() { settle(.accepted) }

    func wasReset() {
        incoming.finish()
        settle(.failed(.closedByPeer))
        writable.raise()
    }

    func wasLost() {
        incoming.finish(throwing: ByteStreamError.connectionLost)
        settle(.failed(.connectionLost))
        writable.raise()
    }

    /// The first reply counts.
    private func settle(_ answer: Reply) {
        reply.withLock { if case .none = $0 { $0 = answer } }
        replied.raise()
    }
}
