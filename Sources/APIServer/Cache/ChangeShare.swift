import APIMachinery
import Synchronization

/// What those who are told of a change make of it, each thing once however many they are: the fields that
/// selectors name, frames, and the object in other versions.
///
/// Lives as long as somebody is being told. The ring of past changes keeps none: memory does not grow with
/// what was once watched.
final class ChangeShare: Sendable {
    /// Which version of the object.
    enum Side: Hashable, Sendable {
        case old, new
    }

    private struct Reading: Hashable {
        var field: String
        var side: Side
    }

    private struct State {
        var frames: [SelectedEvent.Kind: [UInt8]] = [:]
        var texts: [Reading: String] = [:]
        var conversions: SharedConversions?
    }

    private let state = Mutex(State())

    /// What one side has in a field; `read` is called by the first who asks.
    func text(of field: String, _ side: Side, _ read: () -> String) -> String {
        state.withLock { state in
            let reading = Reading(field: field, side: side)
            if let text = state.texts[reading] { return text }
            let text = read()
            state.texts[reading] = text
            return text
        }
    }

    /// The JSON frame of an event; `make` is called by the first who sends it.
    func frame(_ kind: SelectedEvent.Kind, _ make: () -> [UInt8]) -> [UInt8] {
        state.withLock { state in
            if let frame = state.frames[kind] { return frame }
            let frame = make()
            state.frames[kind] = frame
            return frame
        }
    }

    /// The object in versions that a server outside has to be asked for.
    var conversions: SharedConversions {
        state.withLock { state in
            let conversions = state.conversions ?? SharedConversions()
            state.conversions = conversions
            return conversions
        }
    }
}
