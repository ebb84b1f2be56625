import Datastore
import Synchronization

/// A sink that remembers what it was given and notices when it is called concurrently.
final class Recorder: Sendable {
    private struct State {
        var changes: [Change] = []
        var isInside = false
        var wasConcurrent = false
    }

    private let state = Mutex(State())

    var changes: [Change] { state.withLock { $0.changes } }
    var revisions: [Revision] { changes.map(\.revision) }
    var wasConcurrent: Bool { state.withLock { $0.wasConcurrent } }

    func receive(_ changes: [Change]) {
        state.withLock { state in
            state.wasConcurrent = state.wasConcurrent || state.isInside
            state.isInside = true
        }
        state.withLock { state in
            state.changes += changes
            state.isInside = false
        }
    }
}

/// A value that several tasks and sinks share.
final class Shared<Value: Sendable>: Sendable {
    private let state: Mutex<Value>

    init(_ value: Value) { state = Mutex(value) }

    var value: Value { state.withLock { $0 } }

    func change(_ body: (inout Value) -> Void) { state.withLock { body(&$0) } }
}
