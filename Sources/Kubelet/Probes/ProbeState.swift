/// What one probe of one container says, from its results so far. Pure.
///
/// A result counts when as many equal ones came in a row as the threshold asks for. Until then the container
/// is held to be alive, not ready, and neither started nor not.
struct ProbeState: Hashable, Sendable {
    let kind: ProbeKind
    let schedule: ProbeSchedule
    /// The result that counts; `nil` while a startup probe has none.
    private(set) var isSuccess: Bool?
    /// The probe has said its last word on this container: it has started, or it must be restarted.
    private(set) var isFinished = false

    private var last: Bool?
    private var count = 0

    /// `isKnownGood`: the container was started, or ready, before this process began to probe it.
    init(_ kind: ProbeKind, _ schedule: ProbeSchedule, isKnownGood: Bool = false) {
        self.kind = kind
        self.schedule = schedule
        switch kind {
        case .startup:
            isSuccess = isKnownGood ? true : nil
            isFinished = isKnownGood
        case .liveness: isSuccess = true
        case .readiness: isSuccess = isKnownGood
        }
    }

    /// The probe ran; says whether what counts has changed.
    mutating func record(_ result: Bool) -> Bool {
        guard !isFinished else { return false }
        count = last == result ? count + 1 : 1
        last = result
        guard count >= (result ? schedule.successThreshold : schedule.failureThreshold) else { return false }
        if kind == .startup || (kind == .liveness && !result) { isFinished = true }
        defer { isSuccess = result }
        return isSuccess != result
    }
}
