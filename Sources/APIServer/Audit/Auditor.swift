import APIMachinery
import Client
import Support
import Wire

/// What an API server writes down of its requests, and where to.
public struct AuditOptions: Sendable {
    public var policy: AuditPolicy
    public var sink: any AuditSink
    public var mode = AuditMode.blocking
    /// Events that may wait for the sink (`--audit-log-batch-buffer-size`).
    public var bufferedEvents = 10_000
    /// Bytes of one event beyond which its objects are left out; `nil` when they are always written
    /// (`--audit-log-truncate-max-event-size`).
    public var longestEvent: Int?

    public init(policy: AuditPolicy, sink: any AuditSink) {
        self.policy = policy
        self.sink = sink
    }
}

/// What happens when events come faster than they can be written (`--audit-log-mode`).
public enum AuditMode: String, Sendable, CaseIterable {
    /// They are dropped and counted.
    case batch
    /// Requests wait for room.
    case blocking
    /// Requests wait until their first event is written, and are refused when it cannot be.
    case blockingStrict = "blocking-strict"
}

/// Begins the trail of every request that the policy is about.
final class Auditor: Sendable {
    private let policy: AuditPolicy
    let log: AuditLog
    private let now: @Sendable () -> Timestamp

    init(_ options: AuditOptions, now: @escaping @Sendable () -> Timestamp) {
        policy = options.policy
        log = AuditLog(options)
        self.now = now
    }

    /// The trail of a request from outside, its first stage written; `nil` when the policy does not want it. `sender` is
    /// `nil` when nobody knows who that is.
    func begin(_ request: HTTPRequest, _ info: RequestInfo, sender: User?) -> AuditTrail? {
        let access = AccessRequest(user: sender ?? User(name: ""), info)
        guard let decision = decide(access) else { return nil }
        let event = AuditEvent(
            level: decision.level, id: Self.id(request.headers), uri: request.target, access: access,
            sourceIPs: SourceAddresses.of(request), userAgent: request.headers["User-Agent"] ?? "", received: now(),
            stageTime: now())
        return begin(event, decision, isLong: info.isLong)
    }

    /// The trail of a request that the gate has looked at.
    func begin(_ request: HTTPRequest, _ passage: RequestGate.Passage) -> AuditTrail? {
        switch passage {
        case .open(let call):
            let trail = begin(request, call.info, sender: call.sender)
            trail?.decided(call.user, isAllowed: true, reason: call.reason)
            return trail
        case .closed(let status, let call?):
            let trail = begin(request, call.info, sender: call.sender)
            if status.reason == .forbidden { trail?.decided(call.user, isAllowed: false, reason: call.reason) }
            return trail
        case .closed(_, nil):
            return begin(request, FrontCall(request, User(name: "")).info, sender: nil)
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
        log.counted(decision.level)
        return decision.level == .none ? nil : decision
    }

    private func begin(_ event: AuditEvent, _ decision: AuditPolicy.Decision, isLong: Bool) -> AuditTrail {
        let trail = AuditTrail(event, decision, isLong: isLong, log: log, now: now)
        trail.received()
        return trail
    }

    /// The id that the client gave the request, if it did (`Audit-ID`); otherwise one of our own.
    private static func id(_ headers: HTTPHeaders) -> String {
        if let given = headers["Audit-ID"], !given.isEmpty, given.utf8.count <= 64 { return given }
        var random = SystemRandomNumberGenerator()
        return GeneratedName.uuid(using: &random)
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
