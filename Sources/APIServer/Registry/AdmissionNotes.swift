import Synchronization

/// What a request leaves behind besides its answer: warnings for the client, annotations for the audit log.
///
/// One for each request of a client. Both count whether the request succeeds or not.
final class AdmissionNotes: Sendable {
    private struct State {
        var warnings: [String] = []
        var annotations: [String: String] = [:]
    }

    private let state = Mutex(State())

    /// More do not fit into the heads of an answer, and a large object could earn as many as it has parts.
    private static let mostWarnings = 200

    /// Adds a warning, once, for the client (KEP-1693).
    func warn(_ text: String) {
        state.withLock { state in
            guard state.warnings.count < Self.mostWarnings, !state.warnings.contains(text) else { return }
            state.warnings.append(text)
        }
    }

    /// Adds an annotation for the audit log, such as `pod-security.kubernetes.io/enforce-policy`. The first value of a
    /// key stays.
    func annotate(_ key: String, _ value: String) {
        state.withLock { if $0.annotations[key] == nil { $0.annotations[key] = value } }
    }

    var warnings: [String] { state.withLock(\.warnings) }
    var annotations: [String: String] { state.withLock(\.annotations) }
}
