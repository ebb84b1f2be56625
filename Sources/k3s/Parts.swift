import Support

/// Parts of the process that run side by side.
enum Parts {
    typealias Part = @Sendable () async throws -> Void

    /// Runs all of them until one ends or fails; the others are cancelled then, and waited for.
    static func untilFirstEnds(_ parts: [Part]) async throws(Fault) {
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                defer { group.cancelAll() }
                for part in parts { group.addTask { try await part() } }
                try await group.next()
            }
        } catch {
            throw error as? Fault ?? Fault(.failed, "a part of the server failed", cause: error)
        }
    }
}
