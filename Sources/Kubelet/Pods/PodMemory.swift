import API
import Support

/// Why a pod is over for good while the API still has it.
struct PodEnd: Hashable, Sendable {
    /// `Succeeded` or `Failed`.
    var phase: String
    var reason = ""
    var message = ""
}

/// What the kubelet knows of a pod beyond the API and the runtime. Losing it, by a restart, costs a little
/// time and harms nothing.
struct PodMemory: Hashable, Sendable {
    /// Why something is not done yet, in the words of the pod's status.
    struct Hold: Hashable, Sendable {
        var reason: String
        var message: String
        /// When it is tried again; `nil` until something happens.
        var until: Timestamp?

        func isOver(at now: Timestamp) -> Bool { until.map { $0 <= now } ?? false }
    }

    var backOff = RestartBackOff()
    /// Containers that could not be started, by name.
    var holds: [String: Hold] = [:]
    /// The sandbox could not be made.
    var sandboxHold: Hold?
    /// How often in a row that failed.
    var sandboxFailures = 0
    /// Containers that are being stopped, by id, with the instant at which they will be killed.
    var stopping: [String: Timestamp] = [:]
    /// Containers whose `postStart` hook runs, by id.
    var starting: Set<String> = []
    /// When the kubelet first saw the pod.
    var firstSeen: Timestamp?
    /// When the end of the pod began: its grace period counts from here.
    var endingSince: Timestamp?
    var end: PodEnd?
    /// The volumes and the control group are given back.
    var isReleased = false
    /// What containers wrote about their end, by id.
    var messages: [String: String] = [:]
    /// Containers whose waiting was made known by an event, by id.
    var announced: Set<String> = []
}
