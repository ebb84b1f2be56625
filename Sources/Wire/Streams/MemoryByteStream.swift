/// A duplex stream within this process: what one end writes, the other end reads.
///
/// Joins two components of one process that otherwise talk over a connection, and stands for the network in
/// tests.
public final class MemoryByteStream: ByteStream {
    private let incoming: BytePipe
    private let outgoing: BytePipe

    private init(incoming: BytePipe, outgoing: BytePipe) {
        self.incoming = incoming
        self.outgoing = outgoing
    }

    /// The two ends. Each direction holds up to `capacity` bytes before its writer waits.
    public static func pair(capacity: Int = 64 << 10) -> (MemoryByteStream, MemoryByteStream) {
        let (there, back) = (BytePipe(capacity: capacity), BytePipe(capacity: capacity))
        return (
            MemoryByteStream(incoming: back, outgoing: there),
            MemoryByteStream(incoming: there, outgoing: back)
        )
    }

    public func read() async throws -> [UInt8]? { try await incoming.read() }

    public func write(_ bytes: [UInt8]) async throws { try await outgoing.write(bytes) }

    public func closeWrite() async throws { outgoing.finish() }

    public func close() async {
        incoming.abandon()
        outgoing.finish()
    }
}
