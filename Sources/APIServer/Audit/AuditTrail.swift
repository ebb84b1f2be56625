import APIMachinery
import Client
import Support
import Synchronization
import Wire

/// One audited request from its beginning to its end: gathers what is known of it, and makes an event of it at each
/// stage that the policy wants.
final class AuditTrail: Sendable {
    private struct State {
        var event: AuditEvent
        var notes: AdmissionNotes?
        /// The code that ``AuditEvent/status`` and ``AuditEvent/responseObject`` belong to.
        var answeredCode = 0
        var hasStarted = false
        var hasEnded = false
    }

    let decision: AuditPolicy.Decision
    let id: String
    /// Whether the answer's head is a stage of its own: it may be long until the end.
    private let isLong: Bool
    /// Of who is not known: how they tried to be, which is said in place of the answer's message.
    private let attempt: AuthenticationAttempt?
    private let auditor: Auditor
    private let now: @Sendable () -> Timestamp
    private let state: Mutex<State>

    init(
        _ event: AuditEvent, _ decision: AuditPolicy.Decision, isLong: Bool, attempt: AuthenticationAttempt? = nil,
        auditor: Auditor, now: @escaping @Sendable () -> Timestamp
    ) {
        self.decision = decision
        self.isLong = isLong
        self.attempt = attempt
        self.auditor = auditor
        self.now = now
        id = event.id
        state = Mutex(State(event: event))
    }

    // MARK: What becomes known

    /// The request was let in or not; `user` is in whose name it goes on.
    func decided(_ user: User, isAllowed: Bool, reason: String) {
        state.withLock { state in
            if user != state.event.access.user { state.event.impersonated = user }
            state.event.annotations["authorization.k8s.io/decision"] = isAllowed ? "allow" : "forbid"
            state.event.annotations["authorization.k8s.io/reason"] = reason
        }
    }

    /// The object that came with the request.
    func requested(_ object: Value) {
        state.withLock { state in
            let metadata = object["metadata"]
            state.event.objectName = metadata?["name"]?.string ?? ""
            state.event.objectNamespace = metadata?["namespace"]?.string ?? ""
            state.event.objectUID = metadata?["uid"]?.string ?? ""
            state.event.objectRevision = metadata?["resourceVersion"]?.string ?? ""
            if decision.level >= .request { state.event.requestObject = kept(object) }
        }
    }

    /// The patch that came with the request: JSON, or what an apply sends as YAML.
    func patched(_ body: [UInt8]) {
        guard decision.level >= .request else { return }
        let patch = (try? Value(json: body)) ?? (try? YAML.documents(body).first) ?? .null
        state.withLock { $0.event.requestObject = kept(patch) }
    }

    /// Admission's notes of the request, some of which are yet to be made.
    func gather(_ notes: AdmissionNotes) { state.withLock { $0.notes = notes } }

    /// The object that is answered with. Made only if the policy asks for it.
    func answered(_ object: () -> Value) {
        guard decision.level >= .requestResponse else { return }
        let object = kept(object())
        state.withLock { $0.event.responseObject = object }
    }

    /// The `Status` that is answered with.
    func answered(_ status: Value, code: Int) {
        state.withLock { state in
            var status = status
            if decision.level >= .requestResponse { state.event.responseObject = status }
            status["apiVersion"] = nil
            status["kind"] = nil
            status["code"] = .integer(Int64(code))
            if let attempt { status["message"] = .string(attempt.message) }
            state.event.status = status
            state.answeredCode = code
        }
    }

    private func kept(_ object: Value) -> Value { decision.omitsManagedFields ? object.withoutManagedFields : object }

    // MARK: Stages

    func received() {
        guard attempt == nil else { return }
        state.withLock { emit(.requestReceived, $0) }
    }

    /// The head of the answer goes out. As in Kubernetes, that is the one stage of a request of nobody that is known.
    func started(code: Int) {
        guard isLong || attempt != nil else { return }
        state.withLock { state in
            guard !state.hasStarted, !state.hasEnded else { return }
            state.hasStarted = true
            state.event.status = Self.status(state, code)
            emit(.responseStarted, state)
        }
    }

    /// The exchange is over. `code` is `nil` when the client left before it was answered.
    func ended(code: Int?) {
        state.withLock { state in
            guard !state.hasEnded else { return }
            state.hasEnded = true
            guard attempt == nil else { return }
            state.event.status = Self.status(state, code ?? 0)
            for (key, text) in state.notes?.annotations ?? [:] { state.event.annotations[key] = text }
            emit(.responseComplete, state)
        }
    }

    /// What was heard of the answer, if it is the answer that was given in the end.
    private static func status(_ state: State, _ code: Int) -> Value {
        if let status = state.event.status, state.answeredCode == code { return status }
        return ["metadata": .emptyObject, "code": .integer(Int64(code))]
    }

    private func emit(_ stage: AuditStage, _ state: State) {
        guard !decision.omittedStages.contains(stage) else { return }
        var event = state.event
        event.stage = stage
        event.stageTime = stage == .requestReceived ? event.received : now()
        auditor.append(event)
    }
}

extension AuditTrail: HTTPAnswerObserver {
    func answers(_ status: HTTPStatus, _ headers: HTTPHeaders, _ body: [UInt8]?) {
        if status.code >= 400, let body, let object = StatusForm.decode(body, headers["Content-Type"] ?? "") {
            answered(object, code: status.code)
        }
        started(code: status.code)
    }
}
