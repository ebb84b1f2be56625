import Support
import Synchronization

/// What the class of burstable pods weighs against guaranteed pods when processors are scarce: what its pods ask for
/// together, as Kubernetes has it. A group that nobody speaks of weighs as much as one processor, however many pods are
/// in it.
///
/// Pure. One writes at a time, so that the last that is written is what holds.
struct BurstableWeight: Sendable {
    /// In thousandths of a core, by the uid of the pod.
    private var requests: [String: Int64] = [:]
    private var written: Int64?
    private var isBusy = false

    /// The pod asks for this much; `nil` for one that is of another class, or has ended.
    mutating func note(_ uid: String, _ milliCPU: Int64?) { requests[uid] = milliCPU }

    /// The shares that are to be written now; `nil` for none. ``end(isWritten:)`` must follow.
    mutating func begin() -> Int64? {
        guard !isBusy, shares != written else { return nil }
        isBusy = true
        return next()
    }

    /// What was begun is done; returns the shares that are to be written next.
    mutating func end(isWritten: Bool) -> Int64? {
        if isWritten, shares != written { return next() }
        isBusy = false
        // What could not be written is tried when somebody asks again.
        if !isWritten { written = nil }
        return nil
    }

    private mutating func next() -> Int64 {
        written = shares
        return shares
    }

    private var shares: Int64 {
        let sum = requests.values.reduce(Int128(0)) { $0 + Int128($1) }
        return CgroupValues.shares(milliCPU: Int64(clamping: sum))
    }
}

/// The one of the node.
final class BurstableShare: Sendable {
    private let state = Mutex(BurstableWeight())

    /// Changes what pods ask for, and has written what that leads to.
    func change(
        _ uid: String, _ milliCPU: Int64?, write: (_ shares: Int64) async throws(Fault) -> Void
    ) async throws(Fault) {
        var next = state.withLock { state in
            state.note(uid, milliCPU)
            return state.begin()
        }
        while let shares = next {
            do throws(Fault) { try await write(shares) } catch {
                _ = state.withLock { $0.end(isWritten: false) }
                throw error
            }
            next = state.withLock { $0.end(isWritten: true) }
        }
    }
}
