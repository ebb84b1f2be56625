/// What `body` gives, or `nil` when it took longer than `limit`: it is then cancelled, and what it still gives is dropped.
/// A body that does not heed its cancellation is waited for all the same.
public func withTimeLimit<Value: Sendable, Failure: Error>(
    _ limit: Duration, _ body: @escaping @Sendable () async throws(Failure) -> Value
) async throws(Failure) -> Value? {
    let outcome = await withTaskGroup(of: Result<Value, Failure>?.self) { group in
        group.addTask {
            do throws(Failure) { return .success(try await body()) } catch { return .failure(error) }
        }
        group.addTask {
            // Ends early only when the outcome is there already, or nobody wants it any more.
            try? await Task.sleep(for: limit)
            return nil
        }
        defer { group.cancelAll() }
        return await group.next() ?? nil
    }
    return try outcome?.get()
}
