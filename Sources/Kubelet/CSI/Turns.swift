import Support
import Synchronization

/// Lets one task at a time work on each thing, in the order in which they came. What waits is bounded by the tasks that
/// there are.
final class Turns: Sendable {
    /// Whose turn is taken, and who waits for it.
    private let waiting = Mutex<[String: [CheckedContinuation<Void, Never>]]>([:])

    func run<Result: Sendable>(
        _ key: String, _ body: () async throws(Fault) -> Result
    ) async throws(Fault) -> Result {
        await take(key)
        defer { passOn(key) }
        return try await body()
    }

    private func take(_ key: String) async {
        await withCheckedContinuation { continuation in
            let isOurs = waiting.withLock { waiting in
                guard waiting[key] != nil else {
                    waiting[key] = []
                    return true
                }
                waiting[key]?.append(continuation)
                return false
            }
            if isOurs { continuation.resume() }
        }
    }

    private func passOn(_ key: String) {
        let next = waiting.withLock { waiting -> CheckedContinuation<Void, Never>? in
            guard waiting[key]?.isEmpty == false else {
                waiting[key] = nil
                return nil
            }
            return waiting[key]?.removeFirst()
        }
        next?.resume()
    }
}
