import Synchronization

/// What has changed and was not looked at yet. A thing that changes many times in between is in it once, so
/// that a burst of changes becomes one piece of work, and its size is bounded by the number of things.
///
/// Filled from any thread, emptied by one task. While it is empty nothing runs.
final class ChangeInbox<Key: Hashable & Sendable>: Sendable {
    private let keys = Mutex<Set<Key>>([])
    private let bell = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    func add(_ key: Key) {
        let isFirst = keys.withLock { keys in
            keys.insert(key)
            return keys.count == 1
        }
        if isFirst { bell.continuation.yield() }
    }

    /// What is in it now, maybe nothing.
    func take() -> Set<Key> {
        keys.withLock { keys in
            defer { keys = [] }
            return keys
        }
    }

    /// Waits until there is something; `nil` once the task is cancelled.
    func next() async -> Set<Key>? {
        for await _ in bell.stream {
            let taken = take()
            if !taken.isEmpty { return taken }
        }
        return nil
    }
}
