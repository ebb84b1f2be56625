import API
import APIMachinery
import Datastore
import DequeModule
import Support

/// The cluster as its log tells, change by change, and what of it was against the rules.
///
/// Pure, and apart from everything that it judges: it knows nothing of caches, controllers or what they believe.
struct Ledger: Sendable {
    /// One change of one object.
    struct Event: Sendable {
        var kind: String
        var old: StoredObject?
        var new: StoredObject?
        /// The same as trees.
        var oldValue: Value?
        var newValue: Value?
        var now: Timestamp

        var name: ObjectName { (new ?? old)?.objectName ?? ObjectName(name: "") }
    }

    /// Where the log keeps the kinds whose place is not `KIND/`.
    private static let places = ["minions": "nodes", "services/specs": "services", "services/endpoints": "endpoints"]
    /// How much of what happened is told with a violation.
    private static let memory = (own: 12, all: 12)

    private let beginning: Timestamp
    /// By the plural of the kind, as `pods`, then by name.
    private(set) var objects: [String: [ObjectName: StoredObject]] = [:]
    /// The same objects as trees, each read once.
    private(set) var values: [String: [ObjectName: Value]] = [:]
    private(set) var pods: [ObjectName: PodRecord] = [:]
    private(set) var nodes: [String: NodeRecord] = [:]
    /// Nodes that went, and when last.
    private(set) var lostNodes: [String: Timestamp] = [:]
    private(set) var violations: [Violation] = []
    private var recent: Deque<(subject: String, text: String)> = []
    private var rules: [any Rule] = Rules.all

    init(at beginning: Timestamp) { self.beginning = beginning }

    /// Begins with what is there.
    mutating func adopt(_ entries: [Entry]) {
        for entry in entries { _ = apply(entry.key, entry, at: beginning) }
    }

    /// Takes a change and judges it. Returns what it was, for people.
    @discardableResult
    mutating func take(_ change: Change, at now: Timestamp) -> String? {
        let podBefore = Self.split(change.key).flatMap { $0.kind == "pods" ? pods[$0.name] : nil }
        guard let event = apply(change.key, change.entry, at: now) else { return nil }
        let text = describe(event, change.revision)
        note(event, text)
        for index in rules.indices {
            if let what = rules[index].judge(event, podBefore, self) { accuse(what, event, now) }
        }
        return text
    }

    /// Notes something that happened outside of the log: a fault, or what a user did.
    mutating func note(_ text: String, at now: Timestamp) {
        remember("", "\((now - beginning).brief) \(text)")
    }

    /// Notes something that was against the rules.
    mutating func accuse(_ what: String, of subject: String, at now: Timestamp) {
        let own = recent.filter { $0.subject == subject }.suffix(Self.memory.own)
        let others = recent.suffix(Self.memory.all).filter { $0.subject != subject }
        violations.append(
            Violation(what: what, subject: subject, moment: now - beginning, before: (own + others).map(\.text)))
    }

    private mutating func accuse(_ what: String, _ event: Event, _ now: Timestamp) {
        accuse(what, of: "\(event.kind) \(event.name)", at: now)
    }

    // MARK: Helpers

    private mutating func apply(_ key: String, _ entry: Entry?, at now: Timestamp) -> Event? {
        guard let (kind, name) = Self.split(key) else { return nil }
        let old = objects[kind]?[name]
        // Everything in the log was encoded by the server.
        let new = entry.flatMap { try? StoredObject(logged: $0.value, revision: $0.revision) }
        guard old != nil || new != nil else { return nil }
        objects[kind, default: [:]][name] = new
        let (oldValue, newValue) = (values[kind]?[name], new?.value)
        values[kind, default: [:]][name] = newValue
        switch kind {
        case "pods":
            pods[name] = new.map { PodRecord($0, Pod(newValue ?? .emptyObject), replacing: pods[name], at: now) }
        case "nodes":
            nodes[name.name] = new.map {
                NodeRecord($0, Node(newValue ?? .emptyObject), replacing: nodes[name.name], at: now)
            }
            if new == nil { lostNodes[name.name] = now }
        default: break
        }
        return Event(kind: kind, old: old, new: new, oldValue: oldValue, newValue: newValue, now: now)
    }

    private static func split(_ key: String) -> (kind: String, name: ObjectName)? {
        var parts = key.split(separator: "/").dropFirst()
        guard parts.count >= 2 else { return nil }
        var kind = String(parts.removeFirst())
        if let next = parts.first, let long = places[kind + "/" + next] {
            parts.removeFirst()
            kind = long
        } else if let known = places[kind] {
            kind = known
        } else if kind.contains(".") {
            // A kind of a group: `/registry/networking.k8s.io/ingresses/NAMESPACE/NAME`.
            kind = String(parts.removeFirst())
        }
        guard let last = parts.popLast() else { return nil }
        return (kind, ObjectName(namespace: parts.popLast().map(String.init) ?? "", name: String(last)))
    }

    private func describe(_ event: Event, _ revision: Revision) -> String {
        let verb = event.new == nil ? "gone" : event.old == nil ? "created" : "changed"
        var text = "\((event.now - beginning).brief) #\(revision) \(event.kind) \(event.name) \(verb)"
        if event.kind == "pods", let pod = pods[event.name] {
            text += ": \(pod.phase)" + (pod.isReady ? " ready" : "") + (pod.isDeleting ? " ending" : "")
            if !pod.node.isEmpty { text += " on \(pod.node)" }
        } else if event.new?.isDeleting == true {
            text += ": ending"
        }
        return text
    }

    private mutating func note(_ event: Event, _ text: String) { remember("\(event.kind) \(event.name)", text) }

    private mutating func remember(_ subject: String, _ text: String) {
        recent.append((subject, text))
        if recent.count > 400 { recent.removeFirst() }
    }
}
