import CLinux
import Glibc
public import Support
import Synchronization

/// How a process ended.
public enum ExitStatus: Hashable, Sendable, CustomStringConvertible {
    case exited(Int32)
    case signalled(Signal)

    public var isSuccess: Bool { self == .exited(0) }

    /// As a shell has it: the code, or 128 and the signal.
    public var shellCode: Int32 {
        switch self {
        case .exited(let code): code
        case .signalled(let signal): 128 + signal.number
        }
    }

    public var description: String {
        switch self {
        case .exited(let code): "exit code \(code)"
        case .signalled(let signal): "ended by \(signal)"
        }
    }
}

/// A process that we started. Dropping this object neither ends nor waits for it.
public final class ChildProcess: Sendable {
    public let pid: Int32
    private let pidfd: Descriptor
    private let status = Mutex<ExitStatus?>(nil)

    init(pid: Int32, pidfd: Descriptor) {
        self.pid = pid
        self.pidfd = pidfd
    }

    /// Names the process for a later run of ours; see ``ProcessIdentity``.
    public var identity: ProcessIdentity? { ProcessIdentity(pid: pid) }

    /// Suspends until the process has ended, and takes it out of the kernel's table. May be called by several
    /// tasks and again later. Cancelling the task stops the waiting, with the code `unavailable`, not the
    /// process.
    public func wait() async throws(Fault) -> ExitStatus { try await wait(isCancellable: true) }

    func wait(isCancellable: Bool) async throws(Fault) -> ExitStatus {
        // Each waiter has a descriptor of its own, since each may wait for one task only.
        let own = try trying("cannot wait for process \(pid)") { () throws(Errno) in
            Descriptor(owning: try system { fcntl(pidfd.number, F_DUPFD_CLOEXEC, 0) })
        }
        switch await EventThread.shared.readable(own, isCancellable: isCancellable) {
        case .readable: return try reap()
        case .failed(let error): throw Fault(error, "cannot wait for process \(pid)")
        case .cancelled:
            throw Fault(.unavailable, "waiting for process \(pid) was cancelled", cause: CancellationError())
        }
    }

    private func reap() throws(Fault) -> ExitStatus {
        try status.withLock { status throws(Fault) in
            if let status { return status }
            // Does not wait: the descriptor has said that the process has ended.
            let code = try trying("cannot read how process \(pid) ended") { () throws(Errno) in
                try system { linux_pidfd_reap(pidfd.number) }
            }
            let ended = code < 256 ? ExitStatus.exited(code) : .signalled(Signal(code - 256))
            status = ended
            return ended
        }
    }

    /// Signals this very process, never a later one with its number. One that has ended is passed over.
    public func send(_ signal: Signal) throws(Fault) {
        try sendSignal(signal, to: pidfd, pid: pid)
    }
}

/// `pidfd_send_signal`; a process that has ended is passed over.
func sendSignal(_ signal: Signal, to pidfd: Descriptor, pid: Int32) throws(Fault) {
    do throws(Errno) {
        try system { linux_pidfd_send_signal(pidfd.number, signal.number) }
    } catch Errno(ESRCH) {
        return
    } catch {
        throw Fault(error, "cannot send \(signal) to process \(pid)")
    }
}
