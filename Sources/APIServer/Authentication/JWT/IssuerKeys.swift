import APIMachinery
import Support
import Synchronization
import Wire

/// The keys of one issuer, fetched when a token needs them: first the issuer's document of itself, then the keys that it
/// names (OpenID Connect Discovery 1.0). Nothing is fetched while no token comes.
///
/// An issuer is asked at most once in ``pause``, whatever tokens come. Those who wait for its answer wait together.
final class IssuerKeys: Sendable {
    private struct State {
        var known: IssuerKeySet?
        /// Why the last attempt failed.
        var failure: String?
        /// Nobody asks before.
        var nextFetch: Timestamp?
        var isFetching = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let issuer: JWTIssuer
    private let now: @Sendable () -> Timestamp
    private let state = Mutex(State())
    private let madeClient = Mutex<HTTPClient?>(nil)

    /// From one time that the issuer is asked to the next.
    static let pause = Duration.seconds(10)
    /// For both documents together.
    private static let patience = Duration.seconds(20)
    private static let documentLimit = 1 << 20

    init(_ issuer: JWTIssuer, now: @escaping @Sendable () -> Timestamp) {
        self.issuer = issuer
        self.now = now
    }

    /// What is known; `nil` before the issuer has answered once.
    var known: IssuerKeySet? { state.withLock { $0.known } }

    var failure: String? { state.withLock { $0.failure } }

    /// Whether asking the issuer now could bring something new.
    var mayRefresh: Bool {
        let now = now()
        return state.withLock { $0.isFetching || $0.nextFetch.map { $0 <= now } ?? true }
    }

    private enum Turn { case fetch, wait, leave }

    /// Asks the issuer, or waits for whoever is asking; returns at once when it was asked only just now.
    func refresh() async {
        let now = now()
        let turn = state.withLock { state -> Turn in
            if state.isFetching { return .wait }
            if let next = state.nextFetch, now < next { return .leave }
            state.isFetching = true
            return .fetch
        }
        switch turn {
        case .leave: return
        case .wait: await wait()
        case .fetch:
            let result = await fetch()
            let waiting = state.withLock { state -> [CheckedContinuation<Void, Never>] in
                state.isFetching = false
                switch result {
                case .keys(let keys): (state.known, state.failure) = (keys, nil)
                case .failed(let why): state.failure = why
                case .givenUp: break
                }
                if case .givenUp = result {} else { state.nextFetch = self.now() + Self.pause }
                defer { state.waiting = [] }
                return state.waiting
            }
            for continuation in waiting { continuation.resume() }
        }
    }

    private func wait() async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                guard state.isFetching else { return true }
                state.waiting.append(continuation)
                return false
            }
            if isOver { continuation.resume() }
        }
    }

    // MARK: Asking

    private enum Fetched {
        case keys(IssuerKeySet)
        case failed(why: String)
        /// Who asked has gone: the next one may ask at once.
        case givenUp
    }

    private func fetch() async -> Fetched {
        do {
            let client = try client()
            let (issuer, limit) = (issuer, Self.documentLimit)
            return try await WebhookClient.within(Self.patience) {
                let document = try await Self.document(issuer.discoveryURL, client, limit)
                guard document["issuer"]?.string == issuer.url else {
                    return .failed(
                        why: "issuer did not match the issuer returned by provider, expected \(GoText.quoted(issuer.url)) "
                            + "got \(GoText.quoted(document["issuer"]?.string ?? ""))")
                }
                guard let url = document["jwks_uri"]?.string, url.hasPrefix("https://") else {
                    return .failed(why: "\(issuer.discoveryURL) names no keys at an https URL")
                }
                return .keys(IssuerKeySet(try await Self.document(url, client, limit)))
            }
        } catch is CancellationError {
            return .givenUp
        } catch {
            return .failed(why: Self.explanation(error, issuer.discoveryURL))
        }
    }

    private static func explanation(_ error: any Error, _ url: String) -> String {
        switch error {
        case let failure as WebhookFailure: failure.description
        case is WebhookDeadline: "Get \(GoText.quoted(url)): context deadline exceeded"
        case let fault as Fault: "Get \(GoText.quoted(url)): \(WebhookFailure.words(for: fault))"
        default: "Get \(GoText.quoted(url)): \(error)"
        }
    }

    private static func document(_ url: String, _ client: HTTPClient, _ limit: Int) async throws -> Value {
        let request = try HTTPClientRequest(.get, url: url, headers: ["Accept": "application/json"], timeout: nil)
        let response = try await client.send(request)
        let bytes = try await response.body.collect(limit: limit)
        guard response.status.code == 200 else {
            throw WebhookFailure(
                kind: .refused(code: response.status.code), description: "Get \(GoText.quoted(url)): \(response.status.code)")
        }
        do throws(JSONError) {
            return try Value(json: bytes)
        } catch {
            throw WebhookFailure(kind: .unreadable, description: "Get \(GoText.quoted(url)): \(error)")
        }
    }

    /// Made when it is first needed: reading all authorities of the system takes time and memory.
    private func client() throws(Fault) -> HTTPClient {
        if let known = madeClient.withLock({ $0 }) { return known }
        let client = HTTPClient(tls: try TLSClientIdentity(authoritiesPEM: issuer.authorities))
        madeClient.withLock { $0 = client }
        return client
    }
}
