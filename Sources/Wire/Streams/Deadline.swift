/// Runs `body` for at most `duration`; then it is cancelled, and `nil` is returned once it has ended.
func withDeadline<Result: Sendable>(
    _ duration: Duration, _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result? {
    try await withThrowingTaskGroup(of: Result?.self) { group in
        group.addTask {
            try? await Task.sleep(for: duration)
            return nil
        }
        group.addTask { try await body() }
        let first = try await group.next()
        group.cancelAll()
        return first ?? nil
    }
}
