import NIOCore

/// What became of bytes that were written.
public enum HTTPWriteOutcome: Sendable, Equatable {
    /// They will be sent.
    case accepted
    /// They were not taken: more than the writer's limit would be held back. The owner decides what that
    /// means.
    case full
    /// They were not taken: the other side is gone, or the body was finished.
    case closed
}

/// The other side went away before the body was written.
public struct HTTPStreamClosed: Error, Sendable {
    public init() {}
}

/// Writes the body of a response as it comes into being: a watch, a log, a long list.
///
/// May be used from any thread. Writing never blocks: what the peer does not take is held back, up to the
/// limit that the writer was made with. What is written within one turn of the event loop is sent as one
/// frame.
public struct HTTPBodyWriter: Sendable {
    let outlet: Outlet
    let cancel: @Sendable () -> Void

    /// Bytes that were accepted and that the socket has not taken yet.
    public var pendingBytes: Int { outlet.pending }

    /// Queues the bytes; they are kept by reference and copied only on their way into the socket, so that one
    /// encoded event can be given to many writers.
    @discardableResult
    public func write(_ bytes: [UInt8]) -> HTTPWriteOutcome { outlet.write(bytes[...]) }

    /// As ``write(_:)-1``, with a part of an array.
    @discardableResult
    public func write(_ bytes: ArraySlice<UInt8>) -> HTTPWriteOutcome { outlet.write(bytes) }

    /// Queues the bytes and waits until no more than `held` bytes are held back.
    /// Throws ``HTTPStreamClosed`` when the client is gone, `CancellationError` when the task is cancelled.
    public func send(_ bytes: [UInt8], held: Int = 64 << 10) async throws {
        while true {
            switch outlet.write(bytes[...]) {
            case .accepted: return try await drained(to: held)
            case .closed: throw HTTPStreamClosed()
            case .full: try await drained(to: 0)
            }
        }
    }

    /// Waits until no more than that many bytes are held back. Throws as ``send(_:held:)``.
    public func drained(to held: Int = 0) async throws {
        guard try await outlet.drained(to: held) else { throw HTTPStreamClosed() }
    }

    /// Calls once, on any thread, when no more than that many bytes are held back (`true`) or the client is
    /// gone (`false`); at once if that is so already.
    public func whenDrained(to held: Int = 0, _ callback: @escaping @Sendable (_ isOpen: Bool) -> Void) {
        outlet.whenDrained(to: held, callback)
    }

    /// Ends the body in good order after what was written.
    public func finish() { outlet.finish() }

    /// Breaks the response off, so that the client sees that it is not complete: the connection is closed
    /// (HTTP/1.1) or the stream reset (HTTP/2).
    public func abort() { cancel() }
}
