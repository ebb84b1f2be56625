import APIMachinery

/// Who has to be asked again because a webhook changed an object after he had seen it (`reinvocationPolicy`). Pure.
///
/// There are two rounds at most. The second one asks everybody in this server, and of the webhooks those that want it and
/// came before a change.
struct Reinvocation: Sendable {
    /// Whether this is the second round.
    private(set) var isSecondRound = false
    /// Whether a second round is to come.
    private(set) var isNeeded = false
    /// Webhooks that want to be asked again, and have not seen a change since.
    private var content: Set<String> = []
    private var due: Set<String> = []
    /// What the webhooks left behind in the first round.
    private var output: Value?

    mutating func beginSecondRound() { isSecondRound = true }

    /// The webhooks' turn comes with this object: what changed since they left it was changed by others.
    mutating func begin(with object: Value?) {
        if isSecondRound, object != output { requireAll() }
    }

    /// The webhooks' turn is over.
    mutating func end(with object: Value?) { output = object }

    /// Whether a webhook is asked in this round. In the second one nobody is asked for the first time.
    func asks(_ webhook: AdmissionWebhook) -> Bool { asks(webhook.id) }

    /// The same for a policy.
    func asks(_ id: String) -> Bool { !isSecondRound || due.contains(id) }

    mutating func note(_ webhook: AdmissionWebhook, hasChanged: Bool) {
        note(webhook.id, hasChanged: hasChanged, isReinvocable: webhook.isReinvocable)
    }

    mutating func note(_ id: String, hasChanged: Bool, isReinvocable: Bool) {
        if hasChanged {
            requireAll()
            isNeeded = true
        }
        if isReinvocable { content.insert(id) }
    }

    private mutating func requireAll() {
        due.formUnion(content)
        content = []
    }
}
