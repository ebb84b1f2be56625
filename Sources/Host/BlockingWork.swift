public import Support

/// Calls of the system that take long.
public enum BlockingWork {
    /// Runs `body` on a thread of its own and suspends until it is done, so that none of Swift's threads
    /// waits. It cannot be cancelled: what the system has begun is finished.
    public static func run<Result: Sendable>(
        _ body: @escaping @Sendable () throws(Fault) -> Result
    ) async throws(Fault) -> Result {
        let outcome: Swift.Result<Result, Fault> = await withCheckedContinuation { continuation in
            startThread(stackSize: 1 << 20) {
                do throws(Fault) {
                    continuation.resume(returning: .success(try body()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try outcome.get()
    }
}
