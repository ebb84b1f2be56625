import CLinux
import Glibc
public import Support

/// A process that is known beyond our own life: its number, and its start, which tells it from a later one
/// that was given the same number. Worth writing down together with ``Machine/bootID()``.
public struct ProcessIdentity: Hashable, Sendable {
    public let pid: Int32
    /// In clock ticks since the machine started (field 22 of `/proc/PID/stat`).
    public let startTime: UInt64

    /// As it was written down.
    public init(pid: Int32, startTime: UInt64) {
        self.pid = pid
        self.startTime = startTime
    }

    /// Of the process that has this number now; `nil` when there is none.
    public init?(pid: Int32) {
        guard let text = try? Files.readText("/proc/\(pid)/stat"), let start = Self.startTime(inStat: text)
        else { return nil }
        self.init(pid: pid, startTime: start)
    }

    /// Whether this very process runs; one that has ended and only waits to be taken note of does not.
    public var isRunning: Bool {
        guard let text = try? Files.readText("/proc/\(pid)/stat"), Self.startTime(inStat: text) == startTime
        else { return false }
        return !["Z", "X"].contains(Self.fields(inStat: text).first.map(String.init) ?? "X")
    }

    /// Signals this very process; one that has ended is passed over.
    public func send(_ signal: Signal) throws(Fault) {
        guard let pidfd = try open() else { return }
        try sendSignal(signal, to: pidfd, pid: pid)
    }

    /// Suspends until the process has ended; it need not be our child. The result says so: false when the
    /// task was cancelled before.
    public func waitForEnd() async throws(Fault) -> Bool {
        guard let pidfd = try open() else { return true }
        switch await EventThread.shared.readable(pidfd) {
        case .readable: return true
        case .cancelled: return false
        case .failed(let error): throw Fault(error, "cannot wait for process \(pid)")
        }
    }

    /// A handle on it, or `nil` when it has ended. Opened first and compared then, so that the number cannot
    /// have passed to another process between.
    private func open() throws(Fault) -> Descriptor? {
        do throws(Errno) {
            let pidfd = Descriptor(owning: try system { linux_pidfd_open(pid) })
            return isRunning ? pidfd : nil
        } catch Errno(ESRCH) {
            return nil
        } catch {
            throw Fault(error, "cannot follow process \(pid)")
        }
    }

    static func startTime(inStat text: String) -> UInt64? {
        let fields = fields(inStat: text)
        return fields.count > 19 ? UInt64(fields[19]) : nil
    }

    /// The fields from the third on. The second is the program's name in parentheses and may contain
    /// anything.
    private static func fields(inStat text: String) -> [Substring] {
        guard let end = text.lastIndex(of: ")") else { return [] }
        return text[text.index(after: end)...].split(whereSeparator: \.isWhitespace)
    }
}
