/// Runs `body` while `pump` moves bytes for it, and ends both.
///
/// When `body` ends, the pump is cancelled. When the pump ends first the connection is gone: `body` is
/// cancelled, since nobody hears it any more, and if it gives up, the pump's error (or
/// ``ByteStreamError/connectionLost``) is thrown.
func withPump<Result: Sendable>(
    _ pump: @escaping @Sendable () async throws -> Void, body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    try await withThrowingTaskGroup(of: Ended<Result>.self) { group in
        group.addTask {
            do {
                try await pump()
                return .pump(ByteStreamError.connectionLost)
            } catch {
                return .pump(error)
            }
        }
        group.addTask {
            do {
                return .body(.success(try await body()))
            } catch {
                return .body(.failure(error))
            }
        }
        var lost: (any Error)?
        while let ended = try await group.next() {
            group.cancelAll()
            switch ended {
            case .pump(let error): lost = error
            case .body(.success(let result)): return result
            case .body(.failure(let error)):
                guard error is CancellationError, let lost else { throw error }
                throw lost
            }
        }
        throw CancellationError()
    }
}

/// Runs the connection of a client and, when the peer has ended it, stays until it is cancelled: a client's `body` is to
/// read what came before the end, and then sees the end in its streams.
func untilCancelled(after pump: () async throws -> Void) async throws {
    do { try await pump() } catch { if Task.isCancelled { throw error } }
    while true { try await Signal().wait() }
}

private enum Ended<Result: Sendable>: Sendable {
    case pump(any Error)
    case body(Swift.Result<Result, any Error>)
}
