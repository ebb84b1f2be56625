import Support

/// Decides which notes become Event objects of their own, which count up one that exists, and which are
/// dropped.
///
/// A component that fails in a loop must fill neither the log nor a person's screen. Three rules, those of
/// client-go's event correlator: notes that differ only in time share one Event with a `count`; more than
/// ``Limits/similar`` notes that differ only in their message within ``Limits/similarWindow`` are combined
/// into one; and one object may cause only a burst of writes, then one each ``Limits/refill``. Its memory is
/// bounded by ``Limits/remembered`` entries.
///
/// Pure: the recorder writes, and says with ``written(_:as:)`` and ``lost(_:)`` what came of it.
struct EventLedger: Sendable {
    struct Limits: Hashable, Sendable {
        var remembered = 4096
        var similar = 10
        var similarWindow: Duration = .seconds(600)
        var burst = 25
        var refill: Duration = .seconds(300)
    }

    /// What makes two notes the same Event.
    struct Identity: Hashable, Sendable {
        var subject: EventNote.Subject
        var kind: EventNote.Kind
        var reason: String
        /// Empty once similar notes are combined.
        var message: String
    }

    enum Action: Hashable, Sendable {
        /// Create an Event of this text.
        case create(Identity, message: String)
        /// Count the Event of this name up.
        case count(Identity, name: String, to: Int, message: String)
        case drop
    }

    private struct Similar {
        var messages: Set<String> = []
        var last: Timestamp
    }

    private struct Allowance {
        var tokens: Double
        var asOf: Timestamp
    }

    private struct Written {
        var name: String
        var count: Int
    }

    let limits: Limits
    private var similar: [Identity: Similar] = [:]
    private var allowances: [EventNote.Subject: Allowance] = [:]
    private var written: [Identity: Written] = [:]

    init(limits: Limits = Limits()) { self.limits = limits }

    /// How many things the ledger remembers at present.
    var size: Int { similar.count + allowances.count + written.count }

    mutating func take(_ note: EventNote) -> Action {
        forgetIfFull()
        // The version of an object is no part of what the event is about: each status update would begin a new one.
        var subject = note.subject
        subject.resourceVersion = ""
        let family = Identity(subject: subject, kind: note.kind, reason: note.reason, message: "")
        let isCombined = joinFamily(family, note)
        guard spend(subject, at: note.time) else { return .drop }
        var identity = family
        if !isCombined { identity.message = note.message }
        let message = isCombined ? "(combined from similar events): " + note.message : note.message
        guard let present = written[identity] else { return .create(identity, message: message) }
        written[identity]?.count += 1
        return .count(identity, name: present.name, to: present.count + 1, message: message)
    }

    /// The Event was created under this name.
    mutating func written(_ identity: Identity, as name: String) {
        written[identity] = Written(name: name, count: 1)
    }

    /// The Event is not there any more: events expire.
    mutating func lost(_ identity: Identity) { written[identity] = nil }

    /// Whether so many messages of one kind came lately that this note is combined with them.
    private mutating func joinFamily(_ family: Identity, _ note: EventNote) -> Bool {
        var entry = similar[family] ?? Similar(last: note.time)
        if note.time - entry.last > limits.similarWindow { entry.messages = [] }
        entry.last = note.time
        if entry.messages.count < limits.similar { entry.messages.insert(note.message) }
        similar[family] = entry
        return entry.messages.count >= limits.similar && !entry.messages.contains(note.message)
    }

    private mutating func spend(_ subject: EventNote.Subject, at now: Timestamp) -> Bool {
        var allowance = allowances[subject] ?? Allowance(tokens: Double(limits.burst), asOf: now)
        let elapsed = max(now - allowance.asOf, .zero)
        allowance.tokens = min(Double(limits.burst), allowance.tokens + elapsed / limits.refill)
        allowance.asOf = now
        let isAllowed = allowance.tokens >= 1
        if isAllowed { allowance.tokens -= 1 }
        allowances[subject] = allowance
        return isAllowed
    }

    /// Forgetting costs only a second Event where a count would have done.
    private mutating func forgetIfFull() {
        if similar.count >= limits.remembered { similar = [:] }
        if allowances.count >= limits.remembered { allowances = [:] }
        if written.count >= limits.remembered { written = [:] }
    }
}
