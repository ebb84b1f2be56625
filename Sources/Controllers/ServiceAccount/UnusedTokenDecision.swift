import API
import APIMachinery
import Support

/// What becomes of a token that a controller of old put into a Secret by itself and nobody has used for long (KEP-2799).
///
/// First it is marked, and not believed any more; as long after that it goes. Who still needs it takes the mark away. Times
/// are told from days, as the labels are. Pure; its shell is ``UnusedTokens``.
struct UnusedTokenDecision: Sendable {
    enum Action: Hashable, Sendable {
        case keep
        /// Look again then, unless something changes before.
        case wait(Duration)
        /// Since this day it is not to be believed.
        case mark(String)
        case remove
    }

    private static let day = Duration.seconds(86_400)

    let secret: Secret
    let account: ServiceAccount?
    /// Whether a pod has it: such a one counts as used, without a word of its use.
    let isMounted: Bool
    /// The first day on which use was noted; `nil` when none is known.
    let trackedSince: Timestamp?
    /// How long nobody must have used it.
    let period: Duration
    let now: Timestamp

    var action: Action {
        let (metadata, labels) = (secret.metadata, secret.metadata.labels)
        guard isAutomatic, metadata.deletionTimestamp == nil, let trackedSince, let created = metadata.creationTimestamp
        else { return .keep }
        // Since the midnight on which all use was sure to be noted.
        if let wait = wait(trackedSince + Self.day) ?? wait(created + .seconds(1)) { return .wait(wait) }
        if let text = labels[AccountTokenSecret.lastUsed] {
            guard let used = AccountTokenSecret.day(text) else { return .keep }
            if let wait = wait(used + Self.day) { return .wait(wait) }
        }
        if isMounted { return .wait(Self.day) }
        guard let marked = AccountTokenSecret.day(labels[AccountTokenSecret.invalidSince] ?? "") else {
            return .mark(AccountTokenSecret.day(of: now))
        }
        return wait(marked + Self.day).map { .wait($0) } ?? .remove
    }

    /// Who makes a Secret for a token does not name it in the account; the controllers of old did.
    private var isAutomatic: Bool {
        guard secret.type == AccountTokenSecret.type, let account else { return false }
        let uid = secret.metadata.annotations[AccountTokenSecret.accountUID] ?? ""
        guard uid.isEmpty || uid == account.metadata.uid else { return false }
        return account.secrets.contains { $0.name == secret.metadata.name }
    }

    /// How long it is until the period after `time` is over; `nil` when it is.
    private func wait(_ time: Timestamp) -> Duration? {
        let left = time + period - now
        return left > .zero ? left : nil
    }
}
