import Synchronization

/// Something that is on or off, and can be waited for.
final class Switch: Sendable {
    private struct State {
        var isOn: Bool
        var count = 0
        var waiting: [(id: Int, wanted: Bool, continuation: CheckedContinuation<Void, Never>)] = []
        /// Cancelled before they waited.
        var cancelled: Set<Int> = []
    }

    private let state: Mutex<State>

    init(_ isOn: Bool) { state = Mutex(State(isOn: isOn)) }

    var isOn: Bool { state.withLock(\.isOn) }

    func turn(_ isOn: Bool) {
        let woken = state.withLock { state in
            state.isOn = isOn
            let woken = state.waiting.filter { $0.wanted == isOn }
            state.waiting.removeAll { $0.wanted == isOn }
            return woken
        }
        for waiter in woken { waiter.continuation.resume() }
    }

    /// Returns as soon as it is as wanted, or the task is cancelled.
    func wait(until wanted: Bool) async {
        let id = state.withLock { state in
            state.count += 1
            return state.count
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let mustWait = state.withLock { state in
                    guard state.isOn != wanted, state.cancelled.remove(id) == nil else { return false }
                    state.waiting.append((id, wanted, continuation))
                    return true
                }
                if !mustWait { continuation.resume() }
            }
        } onCancel: {
            let continuation = state.withLock { state in
                guard let index = state.waiting.firstIndex(where: { $0.id == id }) else {
                    state.cancelled.insert(id)
                    return nil as CheckedContinuation<Void, Never>?
                }
                return state.waiting.remove(at: index).continuation
            }
            continuation?.resume()
        }
        if Task.isCancelled { state.withLock { _ = $0.cancelled.remove(id) } }
    }
}
