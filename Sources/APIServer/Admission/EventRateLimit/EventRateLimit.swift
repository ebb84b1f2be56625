import API
import APIMachinery
import Client
import Support
import Synchronization

/// Keeps programs from flooding the API with events (Kubernetes documentation, "EventRateLimit"): a `Configuration` of
/// `eventratelimit.admission.k8s.io` says how many, and by what they are told apart.
final class EventRateLimit: ValidatingAdmission {
    /// By what events are told apart.
    private enum Kind: String {
        case server = "Server"
        case namespace = "Namespace"
        case user = "User"
        case sourceAndObject = "SourceAndObject"
    }

    private struct Limit {
        var kind: Kind
        var buckets: TokenBuckets
    }

    private let limits: Mutex<[Limit]>
    private let now: @Sendable () -> Timestamp

    /// As Kubernetes has it for a limit that does not say.
    private static let usualSize = 4096

    /// Reads the configuration; without one nothing is limited.
    init(_ configuration: Value?, now: @escaping @Sendable () -> Timestamp) throws(Fault) {
        var limits: [Limit] = []
        for limit in configuration?["limits"]?.array ?? [] {
            let name = limit["type"]?.string ?? ""
            guard let kind = Kind(rawValue: name) else {
                throw Self.fault("\(name) is no type of limit: Server, Namespace, User or SourceAndObject")
            }
            guard let perSecond = limit["qps"]?.integer, let burst = limit["burst"]?.integer, perSecond > 0, burst > 0
            else { throw Self.fault("the limit of type \(name) needs a positive qps and burst") }
            let size = kind == .server ? 1 : limit["cacheSize"]?.integer ?? 0
            let rate = TokenBucket.Rate(perSecond: Double(perSecond), burst: Double(burst))
            limits.append(
                Limit(kind: kind, buckets: TokenBuckets(rate, size: size > 0 ? Int(size) : Self.usualSize)))
        }
        self.limits = Mutex(limits)
        self.now = now
    }

    func concerns(_ resource: GroupVersionResource) -> Bool { resource == .events }

    func validate(_ request: AdmissionRequest) throws(Status) {
        guard request.operation == .create || request.operation == .update, request.subresource == nil,
            !request.isDryRun, let event = request.object
        else { return }
        let now = now()
        let refusal: String? = limits.withLock { limits in
            var refusal: String?
            // Each limit counts the event, also when another refuses it.
            for index in limits.indices {
                let kind = limits[index].kind
                let key = Self.key(kind, event, request)
                if !limits[index].buckets.take(key, at: now) {
                    refusal = "limit reached on type \(kind.rawValue) for key \(key)"
                }
            }
            return refusal
        }
        guard let refusal else { return }
        throw Status(code: 429, reason: .tooManyRequests, message: "Too many requests: " + refusal)
    }

    private static func key(_ kind: Kind, _ event: Value, _ request: AdmissionRequest) -> String {
        switch kind {
        case .server: return ""
        case .namespace: return request.namespace
        case .user: return request.user.name
        case .sourceAndObject:
            let source = ["component", "host"].map { event.at("source", $0)?.string ?? "" }
            let object = ["kind", "namespace", "name", "uid", "apiVersion"]
                .map { event.at("involvedObject", $0)?.string ?? "" }
            return (source + object).joined(separator: "")
        }
    }

    private static func fault(_ why: String) -> Fault {
        Fault(
            .invalid, "the configuration of EventRateLimit is not valid: \(why)",
            remedy: "correct `limits` in the configuration of EventRateLimit")
    }
}
