import APIMachinery
import Client

/// What a decision wants a person to be told about the object at hand.
struct ControllerNote: Hashable, Sendable {
    var kind: EventNote.Kind = .normal
    var reason: String
    var message: String
}

extension ControllerContext {
    /// Writes a note as an event about `object`.
    func record(_ note: ControllerNote, about object: some ResourceView) {
        record(note.kind, note.reason, note.message, about: object)
    }

    func record(
        _ kind: EventNote.Kind, _ reason: String, _ message: String, about object: some ResourceView
    ) {
        events.record(object, kind, reason: reason, message: message, at: now())
    }
}
