/// Every bound and time-out of a server, in one place.
public struct HTTPServerLimits: Sendable {
    /// Bytes of one request's head; more is answered with 431. Go's default.
    public var headerBytes = 1 << 20
    /// From accepting a connection, or the first byte of a further request, to the end of the head
    /// (kube-apiserver's `ReadHeaderTimeout`).
    public var headerTimeout: Duration = .seconds(32)
    /// How long a connection without a request is kept. Longer than the 90 s of Go's clients, so that they
    /// close first and never send into a connection that is just being closed.
    public var idleTimeout: Duration = .seconds(120)
    /// How long a body that the handler collects may stall, and how long a client may take nothing of an answer that has
    /// an end. Those that only a stop of the server ends may wait for their readers, within their bounds.
    public var stallTimeout: Duration = .seconds(60)
    /// Bytes of an unwanted request body that are read and dropped to keep the connection (Go's figure).
    public var discardedBytes = 256 << 10
    /// Bytes of a request that are held back until its reader asks for them; also of requests behind an
    /// unanswered one.
    public var heldBytes = 64 << 10
    /// Streams of one HTTP/2 connection at a time (kube-apiserver's figure).
    public var concurrentStreams = 250
    /// Flow-control window of one HTTP/2 stream in bytes.
    public var streamWindow = 256 << 10

    public init() {}
}
