import Host
import Support
import Synchronization

/// Reads the log of one container run and hands it on, part by part, in the form that was asked for.
struct LogReader: Sendable {
    let path: String
    let options: LogOptions

    /// Reads what there is. `send` is given non-empty parts and waits until there is room for more.
    func read(_ send: @Sendable ([UInt8]) async throws -> Void) async throws {
        var cursor = try LogCursor(path, options)
        try await Self.drain(&cursor, send)
    }

    /// Reads what there is and what is still to come, also across rotations, until `waitForEnd` has returned and all
    /// that was written is read. Nothing is polled: the kernel tells of changes.
    func follow(
        until waitForEnd: @escaping @Sendable () async -> Void, _ send: @Sendable ([UInt8]) async throws -> Void
    ) async throws {
        let watch = try FileWatch()
        // A log that is written elsewhere changes there.
        let target = Self.target(ofLink: path)
        let file = target ?? path
        try watch.add(Path.parent(of: file), for: LogRotation.changes)
        let progress = LogProgress(name: Path.name(of: file), isClosedFirst: target != nil)
        // Opened after the watch has begun, so that no line falls between.
        var cursor = try LogCursor(file, options)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await progress.follow(watch) }
            group.addTask {
                await waitForEnd()
                progress.end()
            }
            defer { group.cancelAll() }
            try await Self.drain(&cursor, progress, send)
        }
    }

    /// Where the file is that a link leads to; `nil` for a log that is a file itself.
    private static func target(ofLink path: String) -> String? {
        guard (try? Files.status(of: path, followingLinks: false))?.kind == .symbolicLink else { return nil }
        return try? Files.resolve(path)
    }

    private static func drain(
        _ cursor: inout LogCursor, _ progress: LogProgress, _ send: @Sendable ([UInt8]) async throws -> Void
    ) async throws {
        var changes = progress.changes.makeAsyncIterator()
        while true {
            // Asked before reading: what is complete now is complete in the file.
            let (hasEnded, isComplete) = progress.take()
            try await drain(&cursor, send)
            if cursor.isDone { return }
            if hasEnded || isComplete, try cursor.moveToNextFile() { continue }
            if hasEnded { return }
            if try cursor.rewindIfEmptied() { continue }
            guard await changes.next() != nil else { throw progress.failure ?? CancellationError() }
        }
    }

    private static func drain(
        _ cursor: inout LogCursor, _ send: @Sendable ([UInt8]) async throws -> Void
    ) async throws {
        while let part = try cursor.next() {
            if !part.isEmpty { try await send(part) }
        }
    }
}

/// What is known of a log that is being followed; wakes its reader.
private final class LogProgress: Sendable {
    private struct State {
        var rotation: LogRotation
        var hasEnded = false
        var failure: (any Error)?
    }

    /// One element at least after each change; ends when no more changes will be told.
    let changes: AsyncStream<Void>
    private let changed: AsyncStream<Void>.Continuation
    private let state: Mutex<State>

    init(name: String, isClosedFirst: Bool) {
        (changes, changed) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        state = Mutex(State(rotation: LogRotation(name: name, isClosedFirst: isClosedFirst)))
    }

    var failure: (any Error)? { state.withLock { $0.failure } }

    /// Whether the container has ended, and whether the present file is complete; the latter is told once.
    func take() -> (hasEnded: Bool, isComplete: Bool) {
        state.withLock { ($0.hasEnded, $0.rotation.takeIsComplete()) }
    }

    func end() {
        state.withLock { $0.hasEnded = true }
        changed.yield()
    }

    func follow(_ watch: FileWatch) async {
        do {
            for try await event in watch {
                state.withLock { $0.rotation.note(event) }
                changed.yield()
            }
        } catch {
            state.withLock { $0.failure = error }
        }
        changed.finish()
    }
}
