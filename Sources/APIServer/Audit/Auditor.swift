import APIMachinery
import Client
import Support
import Synchronization
import Wire

/// What an API server writes down of its requests, and where to.
public struct AuditOptions: Sendable {
    public var policy: AuditPolicy
    public var backends: [AuditBackend]

    public init(policy: AuditPolicy, _ backends: AuditBackend...) {
        self.policy = policy
        self.backends = backends
    }
}

/// Begins the trail of every request that the policy is about, and sends events on to every log.
final class Auditor: Sendable {
    private struct Counts: Sendable {
        var levels = [Int](repeating: 0, count: AuditLevel.allCases.count)
        var events = 0
        var rejected = 0
    }

    private let policy: AuditPolicy
    private let logs: [AuditLog]
    private let now: @Sendable () -> Timestamp
    private let counts = Mutex(Counts())

    init(_ options: AuditOptions, now: @escaping @Sendable () -> Timestamp) {
        policy = options.policy
        logs = options.backends.map { AuditLog($0, now: now) }
        self.now = now
    }

    /// The trail of a request from outside, its first stage written; `nil` when the policy does not want it. `sender` is
    /// `nil` when nobody knows who that is.
    private func begin(_ request: HTTPRequest, id: String, _ info: RequestInfo, sender: User?) -> AuditTrail? {
        let access = AccessRequest(user: sender ?? User(name: ""), info)
        guard let decision = decide(access) else { return nil }
        let event = AuditEvent(
            level: decision.level, id: id, uri: request.target, access: access,
            sourceIPs: SourceAddresses.of(request), userAgent: request.headers["User-Agent"] ?? "", received: now(),
            stageTime: now())
        return begin(
            event, decision, isLong: info.isLong, attempt: sender == nil ? AuthenticationAttempt(request) : nil)
    }

    /// The trail of a request that the gate has looked at. `id` is what the answer says in `Audit-ID`.
    func begin(_ request: HTTPRequest, id: String, _ passage: RequestGate.Passage) -> AuditTrail? {
        switch passage {
        case .open(let call):
            let trail = begin(request, id: id, call.info, sender: call.sender)
            trail?.decided(call.user, isAllowed: true, reason: call.reason)
            return trail
        case .closed(let status, let call?):
            let trail = begin(request, id: id, call.info, sender: call.sender)
            if status.reason == .forbidden { trail?.decided(call.user, isAllowed: false, reason: call.reason) }
            return trail
        case .closed(_, nil):
            return begin(request, id: id, FrontCall(request, User(name: "")).info, sender: nil)
        case .pending: return nil
        }
    }

    /// The trail of a call from inside the process.
    func begin(_ access: AccessRequest, uri: String) -> AuditTrail? {
        guard let decision = decide(access) else { return nil }
        var random = SystemRandomNumberGenerator()
        let event = AuditEvent(
            level: decision.level, id: GeneratedName.uuid(using: &random), uri: uri, access: access,
            sourceIPs: ["127.0.0.1"], userAgent: "k3s", received: now(), stageTime: now())
        return begin(event, decision, isLong: access.verb == "watch")
    }

    private func decide(_ access: AccessRequest) -> AuditPolicy.Decision? {
        let decision = policy.decide(access)
        counts.withLock { $0.levels[decision.level.rawValue] += 1 }
        return decision.level == .none ? nil : decision
    }

    private func begin(
        _ event: AuditEvent, _ decision: AuditPolicy.Decision, isLong: Bool, attempt: AuthenticationAttempt? = nil
    ) -> AuditTrail {
        let trail = AuditTrail(event, decision, isLong: isLong, attempt: attempt, auditor: self, now: now)
        trail.received()
        return trail
    }

    // MARK: Logs

    func append(_ event: AuditEvent) {
        counts.withLock { $0.events += 1 }
        for log in logs { log.append(event) }
    }

    /// Whether a request must wait now before it goes on.
    var mustWait: Bool { logs.contains(where: \.mustWait) }

    /// Waits as the logs ask. False when the request must not go on, since it could not be written down.
    func settle() async -> Bool {
        for log in logs {
            if await log.settle() { continue }
            counts.withLock { $0.rejected += 1 }
            return false
        }
        return true
    }

    /// Writes what comes until the task is cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in for log in logs { group.addTask { await log.run() } } }
    }

    /// Writes what is left.
    func close() async {
        await withDiscardingTaskGroup { group in for log in logs { group.addTask { await log.close() } } }
    }

    /// `nil` is of a server that writes nothing down.
    static func write(_ auditor: Auditor?, to text: inout MetricText) {
        let counts = auditor?.counts.withLock(\.self) ?? Counts()
        text.begin("apiserver_audit_event_total", .counter, "Audit events that were made.")
        text.sample("apiserver_audit_event_total", [], Double(counts.events))
        text.begin("apiserver_audit_error_total", .counter, "Audit events that were not written.")
        for log in auditor?.logs ?? [] { text.sample("apiserver_audit_error_total", [("plugin", log.name)], Double(log.lost)) }
        text.begin("apiserver_audit_requests_rejected_total", .counter, "Requests that could not be audited.")
        text.sample("apiserver_audit_requests_rejected_total", [], Double(counts.rejected))
        text.begin("apiserver_audit_level_total", .counter, "Requests by the level that the audit policy has for them.")
        for level in AuditLevel.allCases where counts.levels[level.rawValue] > 0 {
            text.sample("apiserver_audit_level_total", [("level", level.name)], Double(counts.levels[level.rawValue]))
        }
    }
}

/// Where a request came from, through which proxies.
enum SourceAddresses {
    /// What proxies say first, the connection's own address last, each once where it would follow itself.
    static func of(_ request: HTTPRequest) -> [String] {
        var addresses: [String] = []
        for header in request.headers.values(of: "X-Forwarded-For") {
            for text in HTTPFieldValue.list(header) where IPAddress(text) != nil { addresses.append(text) }
        }
        if let real = request.headers["X-Real-Ip"], IPAddress(real) != nil, !addresses.contains(real) {
            addresses.append(real)
        }
        if case .tcp(let host, _) = request.remoteAddress, addresses.last != host { addresses.append(host) }
        return addresses
    }
}

extension RequestInfo {
    /// Whether the answer may last: a watch, a log, a command, a proxied conversation. Deadlines and seats are not for
    /// it.
    var isLong: Bool { verb == "watch" || ResourceEndpoint.isConnection(subresource) }
}
