import CLinux
import Glibc
public import Support
import Synchronization

/// The signals that are sent to this process, as a sequence. One per process: a second one takes over the
/// first's.
///
/// A handler writes into a pipe, rather than `signalfd`: that would need the signals blocked in every thread,
/// those of the runtime and of libraries too, and children would inherit the mask. A signal that arrives
/// twice before it is read may be seen once. While this object lives the signals have no other effect; after
/// it, their default one.
public final class Signals: AsyncSequence, Sendable {
    private let handled: [Signal]
    private let reading: Descriptor
    private let writing: Descriptor

    /// From now on these signals come here. End of a child needs none: see ``ChildProcess/wait()``.
    public init(_ signals: [Signal]) throws(Fault) {
        handled = signals
        (reading, writing) = try trying("cannot handle signals") { () throws(Errno) in
            let pipe = try Descriptor.pipe()
            // The handler must never wait.
            try system { fcntl(pipe.writing.number, F_SETFL, O_NONBLOCK) }
            return pipe
        }
        for signal in signals {
            try trying("cannot handle \(signal)") { () throws(Errno) in
                try system { linux_signal_to_pipe(signal.number, writing.number) }
            }
        }
    }

    deinit {
        for signal in handled { linux_signal_default(signal.number) }
    }

    /// A broken connection is an error of the write, not the end of the process.
    public static func ignoreBrokenPipes() {
        signal(SIGPIPE, SIG_IGN)
    }

    public func makeAsyncIterator() -> Iterator { Iterator(signals: self) }

    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let signals: Signals

        /// The next signal; `nil` once the task is cancelled.
        public mutating func next(
            isolation actor: isolated (any Actor)? = #isolation
        ) async throws(Fault) -> Signal? {
            while true {
                switch await EventThread.shared.readable(signals.reading) {
                case .cancelled: return nil
                case .failed(let error): throw Fault(error, "cannot wait for signals")
                case .readable:
                    if let byte = try? signals.reading.read(upTo: 1).first { return Signal(Int32(byte)) }
                }
            }
        }
    }
}
