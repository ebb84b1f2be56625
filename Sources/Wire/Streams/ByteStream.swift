/// Two directions of bytes between this process and a peer: a socket after its HTTP upgrade, one stream of a
/// multiplexed connection, a pipe in a test.
///
/// At most one task reads and at most one task writes at a time; the two may be different tasks. A task
/// that is cancelled while it waits in `read` or `write` gets a `CancellationError`, and the stream may
/// then only be closed.
public protocol ByteStream: Sendable {
    /// Waits for bytes and returns them, never an empty array. `nil` says that the peer ended its
    /// direction; every later call says so again. Reading is what makes room for the peer to send more.
    func read() async throws -> [UInt8]?

    /// Returns when the bytes were accepted and there is room for more, which is how a slow peer slows the
    /// writer down.
    func write(_ bytes: [UInt8]) async throws

    /// Ends our direction: the peer reads to the end of what was written and then gets `nil`. The other
    /// direction stays.
    func closeWrite() async throws

    /// Ends both directions at once and drops what was not sent. Calling it again does nothing.
    func close() async
}
