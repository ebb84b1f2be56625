import API
import Support

/// Why a pod is over for good while the API still has it.
struct PodEnd: Hashable, Sendable {
    /// `Succeeded` or `Failed`.
    var phase: String
    var reason = ""
    var message = ""
    /// What its containers are given to stop; `nil` for what the pod says.
    var gracePeriod: Duration?
    /// What an event says of it; `nil` where none does.
    var note: Note?
    /// The node did not take it: no container of it ever was, and its status shows none.
    var isRefusal = false
    /// For the condition `DisruptionTarget`, of a pod that the node ends though it did nothing wrong (KEP 3329).
    var disruption: String?

    struct Note: Hashable, Sendable {
        var isWarning = true
        var message: String
    }

    /// The node does not run the pod.
    static func refused(_ reason: String, _ why: String) -> PodEnd {
        PodEnd(
            phase: "Failed", reason: reason, message: "Pod was rejected: " + why, note: Note(message: why),
            isRefusal: true)
    }
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
        /// A change of these ends it, whenever that comes.
        var awaited = ObjectsRead()
        /// The pod's volumes are not ready: their news end it.
        var isForVolumes = false
        /// Its claims to devices are not ready: news of drivers end it.
        var isForClaims = false

        /// Nothing is held for longer: what is has been held by a clock that was put back since.
        static let longest = Duration.seconds(300)

        func isOver(at now: Timestamp) -> Bool { until.map { $0 <= now || $0 - now > Self.longest } ?? false }
    }

    var resize = ResizeMemory()
    var backOff = RestartBackOff()
    /// The last instances of containers that began again all at once, by name: the runtime knows them no more.
    var former: [String: RuntimePod.Container] = [:]
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

    /// What the pod waits for by its holds.
    var awaited: Set<ObservedObjects.Key> {
        Set((holds.values.map(\.awaited) + [sandboxHold?.awaited].compactMap(\.self)).flatMap(\.revisions.keys))
    }

    /// Tries what is held again, where `isOver` says so.
    mutating func lift(_ isOver: (Hold) -> Bool) {
        holds = holds.filter { !isOver($0.value) }
        if let hold = sandboxHold, isOver(hold) { (sandboxHold, sandboxFailures) = (nil, 0) }
    }
}

extension PodMemory.Hold {
    /// Because of a fault: until objects come that it waits for, or else for `delay`.
    init(reason: String, _ fault: Fault, after delay: Duration) {
        let awaited = fault.objectsRead
        // Somebody may be missed even by those who listen.
        let limit: Duration = awaited == nil ? delay : Self.longest
        self.init(
            reason: reason, message: fault.summary, until: .now + limit, awaited: awaited ?? ObjectsRead())
    }
}
