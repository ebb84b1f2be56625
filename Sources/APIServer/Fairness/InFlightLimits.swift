import Client
import Synchronization

/// How the server sees to it that few clients do not take it from the others.
enum Turns: Sendable {
    /// By flows and priority levels (`--enable-priority-and-fairness`, which is so unless it is said otherwise).
    case byFlow(FlowControl)
    case counted(InFlightLimits)
}

/// How many requests may run at once where flows are not told apart (`--enable-priority-and-fairness=false`): so many
/// that read, so many that write. Nobody waits.
final class InFlightLimits: Sendable {
    private let reads: Int
    private let writes: Int
    private let running = Mutex((reads: 0, writes: 0))

    /// A request that runs. ``end()`` is called once.
    struct Seat: Sendable {
        fileprivate let limits: InFlightLimits
        fileprivate let isRead: Bool

        func end() {
            limits.running.withLock { running in
                if isRead { running.reads -= 1 } else { running.writes -= 1 }
            }
        }
    }

    /// Zero is without a bound.
    init(reads: Int, writes: Int) {
        self.reads = reads > 0 ? reads : .max
        self.writes = writes > 0 ? writes : .max
    }

    /// `nil` when too many run. Whoever looks after the cluster is never refused, as in Kubernetes.
    func enter(_ user: User, verb: String) -> Seat? {
        let isRead = verb == "get" || verb == "list"
        let isPrivileged = user.groups.contains("system:masters")
        let hasEntered = running.withLock { running in
            guard isPrivileged || (isRead ? running.reads < reads : running.writes < writes) else { return false }
            if isRead { running.reads += 1 } else { running.writes += 1 }
            return true
        }
        return hasEntered ? Seat(limits: self, isRead: isRead) : nil
    }
}
