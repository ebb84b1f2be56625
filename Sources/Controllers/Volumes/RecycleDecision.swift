import API
import APIMachinery
import Client
import Support

/// What is to be done next for a volume that shall be emptied.
///
/// Pure: it is told which pod of the name there is, and which this controller made. One that somebody else made, or this
/// controller before it was started anew, says nothing of the volume: it goes.
struct RecycleDecision: Sendable {
    enum Action: Hashable, Sendable {
        /// Nothing before something changes, or before the moment.
        case wait(ControllerNote?, until: Timestamp?)
        /// This pod empties the volume.
        case begin(Pod)
        /// It could not be emptied; the pod, if it is there still, goes.
        case giveUp(Pod?, ControllerNote)
        /// It is empty, and the pod goes.
        case complete(Pod)
    }

    var volume: PersistentVolume
    /// The pod that empties it; `nil` for volumes of a type that is never emptied.
    var wanted: Pod?
    /// The pods that use it still, in order.
    var users: [String] = []
    /// The pod of that name.
    var pod: Pod?
    /// The uid of the pod that was made for this.
    var own: String?
    /// Until when to wait after a failure.
    var pause: Timestamp?

    var action: Action {
        guard let wanted else {
            return volume.status.phase == VolumeDecision.Phase.failed.rawValue
                ? .wait(nil, until: nil) : giveUp(nil, "No recycler plugin found for the volume!")
        }
        if let pod { return progress(of: pod) }
        if own != nil { return failed(nil, "recycler pod was deleted") }
        guard users.isEmpty else {
            let message = "Volume is used by pods: \(users.joined(separator: ","))"
            return .wait(ControllerNote(reason: Self.failure, message: message), until: nil)
        }
        return pause.map { .wait(nil, until: $0) } ?? .begin(wanted)
    }

    private func progress(of pod: Pod) -> Action {
        guard pod.metadata.uid == own else {
            return pod.metadata.deletionTimestamp == nil
                ? giveUp(pod, "Recycle failed: old recycler pod found, will retry later") : .wait(nil, until: nil)
        }
        switch pod.status.phase {
        case "Succeeded": return .complete(pod)
        case "Failed":
            let message = pod.status.message
            return failed(pod, message.isEmpty ? "pod failed, pod.Status.Message unknown" : message)
        default: return .wait(nil, until: nil)
        }
    }

    private static let failure = "VolumeFailedRecycle"

    private func failed(_ pod: Pod?, _ why: String) -> Action {
        giveUp(pod, "Recycle failed: failed to recycle volume: \(why)")
    }

    private func giveUp(_ pod: Pod?, _ message: String) -> Action {
        .giveUp(pod, Self.note(message))
    }

    /// That the volume could not be emptied.
    static func note(_ message: String) -> ControllerNote {
        ControllerNote(kind: .warning, reason: failure, message: message)
    }
}
