import APIMachinery
import Runtime
import Support

/// Decides what happens to the wishes of containers for images: one pull of an image at a time, shared by
/// all that wait for it, and a pause that doubles after each failure, from 10 seconds to five minutes.
///
/// Pure. A wish is repeated until it is answered with ``Answer/pulled(_:)`` or the like.
struct ImageDesk: Sendable {
    /// A container of a pod that wants its image.
    struct Wish: Hashable, Sendable {
        var podUID: String
        var container: String
    }

    /// What is pulled: other credentials may lead to another answer.
    struct Key: Hashable, Sendable {
        var image: String
        /// What the pod brought, in the order in which it is tried.
        var auths: [CRI.AuthConfig]
        /// The service account for which plug-ins of the node give credentials.
        var account: ObjectName? = nil
    }

    /// How a pull went.
    enum Outcome: Hashable, Sendable {
        case pulled(reference: String, took: Duration, withWaiting: Duration)
        case failed(String)
    }

    enum Answer: Hashable, Sendable {
        /// Start this pull when its turn has come (``PullLine``), tell of its end, and ask again then.
        case pull
        /// Somebody else's pull serves this wish, too: ask again when it has ended.
        case wait
        /// The pull that this wish waited for has ended so. Told once.
        case ended(Outcome)
        /// Not before `until`, because the last try failed.
        case later(until: Timestamp, why: String)
    }

    static let first: Duration = .seconds(10)
    static let most: Duration = .seconds(300)

    private struct Failure: Sendable {
        var delay: Duration
        var until: Timestamp
        var why: String
    }

    private var pulls: [Key: Set<Wish>] = [:]
    private var ended: [Wish: (key: Key, outcome: Outcome)] = [:]
    private var failures: [Key: Failure] = [:]

    /// Whether a pull runs that a container waits for, itself or for one of its volumes.
    func isWaiting(podUID: String, _ container: String) -> Bool {
        pulls.values.contains { wishes in
            wishes.contains {
                $0.podUID == podUID && ($0.container == container || $0.container.hasPrefix(container + "/"))
            }
        }
    }

    mutating func ask(_ wish: Wish, _ key: Key, now: Timestamp) -> Answer {
        if let news = ended[wish] {
            ended[wish] = nil
            if news.key == key { return .ended(news.outcome) }
        }
        if pulls[key] != nil {
            pulls[key]?.insert(wish)
            return .wait
        }
        // A longer rest than the whole pause: the clock was put back.
        if let failure = failures[key], failure.until > now, failure.until - now <= failure.delay {
            return .later(until: failure.until, why: failure.why)
        }
        pulls[key] = [wish]
        return .pull
    }

    /// How the pull ended that `wish` waited for. Told once.
    mutating func news(_ wish: Wish) -> Outcome? { ended.removeValue(forKey: wish)?.outcome }

    /// Nobody waits for the pull any more, and it has not begun: it does not. False when somebody does.
    mutating func abandon(_ key: Key) -> Bool {
        guard pulls[key]?.isEmpty ?? true else { return false }
        pulls[key] = nil
        return true
    }

    /// The pull is over; returns the pods that shall ask again.
    mutating func end(_ key: Key, _ outcome: Outcome, now: Timestamp) -> Set<String> {
        let wishes = pulls.removeValue(forKey: key) ?? []
        for wish in wishes { ended[wish] = (key, outcome) }
        switch outcome {
        case .pulled: failures[key] = nil
        case .failed(let why):
            let delay = failures[key].map { min($0.delay + $0.delay, Self.most) } ?? Self.first
            failures[key] = Failure(delay: delay, until: now + delay, why: why)
        }
        // A failure that nobody asked about for long is no reason to wait any more; the table stays small.
        failures = failures.filter { now - $0.value.until < Self.most + Self.most }
        return Set(wishes.map(\.podUID))
    }

    /// The pod is gone.
    mutating func forget(podUID: String) {
        ended = ended.filter { $0.key.podUID != podUID }
        for key in pulls.keys { pulls[key] = pulls[key]?.filter { $0.podUID != podUID } }
    }
}
