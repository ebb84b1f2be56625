import DequeModule
import HeapModule

/// Decides which pod is scheduled next, and when one that failed is tried again (KEP-4247, kube-scheduler's
/// `PriorityQueue`).
///
/// The most important first, then the one that has waited longest. A pod that fits nowhere waits for something that
/// could change the mind of a rule that refused it, and for five minutes at most; tried again soon after, it gives way to
/// pods that are new: it backs off, longer each time, unless nobody else is there. A pod whose attempt failed waits its
/// back-off out. A pure value: it is fed what happened and the present instant.
struct SchedulingQueue {
    struct Limits: Hashable, Sendable {
        /// `podInitialBackoffSeconds` and `podMaxBackoffSeconds`.
        var firstBackOff: Duration = .seconds(1)
        var mostBackOff: Duration = .seconds(10)
        /// After this a pod is tried again though nothing happened.
        var patience: Duration = .seconds(300)
    }

    private enum State: Hashable {
        case active
        case backingOff(until: Duration, isError: Bool)
        /// Waits for something to happen.
        case waiting
        case gated
        case inFlight
    }

    private struct Entry {
        var pod: PodFacts
        /// When it came, and when its state began.
        var came: Duration
        var since: Duration
        var state: State
        /// Tells this state from those before: what heaps hold of those is void.
        var ticket: Int
        var attempts = 0
        var refusals = 0
        var errors = 0
        var refusedBy: PluginSet = []
    }

    /// A pod that was taken.
    struct Taken {
        var pod: PodFacts
        var attempts: Int
        /// When the queue first saw it.
        var came: Duration
    }

    private struct Turn: Comparable {
        var priority: Int
        var since: Duration
        var ticket: Int
        var uid: String

        /// The greatest turn is the next.
        static func < (a: Turn, b: Turn) -> Bool {
            (a.priority, b.since, b.ticket) < (b.priority, a.since, a.ticket)
        }
    }

    private struct Wish: Comparable {
        var due: Duration
        var ticket: Int
        var uid: String

        static func < (a: Wish, b: Wish) -> Bool { (a.due, a.ticket) < (b.due, b.ticket) }
    }

    let limits: Limits
    private var entries: [String: Entry] = [:]
    private var population: [Place: Int] = [:]
    private var tickets = 0
    private var active: Heap<Turn> = []
    private var backOff: Heap<Wish> = []
    private var errorBackOff: Heap<Wish> = []
    /// Those that wait, the longest first.
    private var patience: Deque<Wish> = []
    private var waiting: [PluginSet: Set<String>] = [:]
    /// Of those that wait, when some are tried again whatever happens.
    private var deadlines: Heap<Wish> = []

    init(limits: Limits = Limits()) { self.limits = limits }

    // MARK: Coming and going

    /// A pod shall be scheduled, or changed while it waits for that.
    mutating func add(_ pod: PodFacts, heedsGates: Bool, at now: Duration) {
        let isGated = heedsGates && !pod.gates.isEmpty
        guard var entry = entries[pod.uid] else {
            var entry = Entry(pod: pod, came: now, since: now, state: .active, ticket: 0)
            if isGated { entry.state = .gated }
            return enter(entry)
        }
        let old = entry.pod
        entry.pod = pod
        switch entry.state {
        case .gated where !isGated:
            leave(entry)
            (entry.state, entry.since, entry.came) = (.active, now, now)
            enter(entry)
        case .waiting where Self.isWorthTrying(old, pod):
            leave(entry)
            enter(retried(entry, at: now))
        default: entries[pod.uid] = entry
        }
    }

    /// The pod is gone, or on a node.
    mutating func remove(_ uid: String) {
        guard let entry = entries[uid] else { return }
        store(nil, uid)
        leave(entry)
    }

    func contains(_ uid: String) -> Bool { entries[uid] != nil }

    /// The latest version of a pod that wants a node.
    func pod(_ uid: String) -> PodFacts? { entries[uid]?.pod }

    /// The next pod to schedule. The caller answers with ``refused(_:by:at:)``, ``failed(_:at:)`` or ``remove(_:)``.
    mutating func take(at now: Duration) -> Taken? {
        advance(to: now)
        while let turn = active.popMax() {
            if let taken = begin(turn.uid, turn.ticket) { return taken }
        }
        // Nobody new is there to give way to.
        while let wish = backOff.popMin() {
            if let taken = begin(wish.uid, wish.ticket) { return taken }
        }
        return nil
    }

    private mutating func begin(_ uid: String, _ ticket: Int) -> Taken? {
        guard var entry = entries[uid], entry.ticket == ticket else { return nil }
        entry.attempts += 1
        entry.state = .inFlight
        entry.ticket = nextTicket()
        store(entry, uid)
        return Taken(pod: entry.pod, attempts: entry.attempts, came: entry.came)
    }

    /// The pod fits nowhere, by the word of these rules; or waits for them, until then at most.
    mutating func refused(_ uid: String, by plugins: PluginSet, at now: Duration, until deadline: Duration? = nil) {
        guard var entry = entries[uid] else { return }
        leave(entry)
        entry.refusals += 1
        entry.errors = 0
        entry.since = now
        entry.refusedBy = plugins
        entry.state = .waiting
        enter(entry)
        guard let deadline, let ticket = entries[uid]?.ticket else { return }
        deadlines.insert(Wish(due: deadline, ticket: ticket, uid: uid))
    }

    /// What the pod waits for may have happened.
    mutating func retry(_ uid: String, at now: Duration) { wake(uid, at: now) }

    /// The attempt failed, for no reason of the pod's.
    mutating func failed(_ uid: String, at now: Duration) {
        guard var entry = entries[uid] else { return }
        leave(entry)
        entry.errors += 1
        entry.since = now
        entry.state = .backingOff(until: now + delay(entry.errors), isError: true)
        enter(entry)
    }

    // MARK: Another try

    /// Something happened that may change the minds of `plugins`; `isWorth` tells more exactly. Pods that they refused
    /// are tried again.
    mutating func happened(
        concerning plugins: PluginSet, at now: Duration, isWorth: (PodFacts, PluginSet) -> Bool
    ) {
        var woken: [(ticket: Int, uid: String)] = []
        for (refusedBy, uids) in waiting where refusedBy.isEmpty || !refusedBy.isDisjoint(with: plugins) {
            for uid in uids {
                guard let entry = entries[uid] else { continue }
                let concerned = refusedBy.intersection(plugins)
                if refusedBy.isEmpty || isWorth(entry.pod, concerned) { woken.append((entry.ticket, uid)) }
            }
        }
        for (_, uid) in woken.sorted(by: { $0.ticket < $1.ticket }) { wake(uid, at: now) }
    }

    /// The instant at which time alone changes something; `nil` when none does.
    var nextDue: Duration? {
        [errorBackOff.min?.due, patience.first?.due, deadlines.min?.due].compactMap(\.self).min()
    }

    /// Time has passed.
    mutating func advance(to now: Duration) {
        while let wish = errorBackOff.min, wish.due <= now || isVoid(wish) {
            errorBackOff.removeMin()
            if !isVoid(wish) { activate(wish.uid, at: now) }
        }
        while let wish = backOff.min, wish.due <= now || isVoid(wish) {
            backOff.removeMin()
            if !isVoid(wish) { activate(wish.uid, at: now) }
        }
        while let wish = deadlines.min, wish.due <= now || isVoid(wish) {
            deadlines.removeMin()
            if !isVoid(wish) { wake(wish.uid, at: now) }
        }
        while let wish = patience.first, wish.due <= now || isVoid(wish) {
            patience.removeFirst()
            if !isVoid(wish) { wake(wish.uid, at: now) }
        }
    }

    private mutating func wake(_ uid: String, at now: Duration) {
        guard let entry = entries[uid], entry.state == .waiting else { return }
        leave(entry)
        enter(retried(entry, at: now))
    }

    private mutating func activate(_ uid: String, at now: Duration) {
        guard var entry = entries[uid] else { return }
        entry.state = .active
        enter(entry)
    }

    /// A waiting pod, to be tried as soon as its back-off allows.
    private func retried(_ entry: Entry, at now: Duration) -> Entry {
        var entry = entry
        let until = entry.since + delay(entry.refusals)
        entry.state = until > now ? .backingOff(until: until, isError: false) : .active
        return entry
    }

    private func delay(_ failures: Int) -> Duration {
        var delay = limits.firstBackOff
        for _ in 1..<max(failures, 1) {
            delay = delay + delay
            if delay >= limits.mostBackOff { break }
        }
        return min(delay, limits.mostBackOff)
    }

    /// What the scheduler itself writes to a pod changes nothing.
    private static func isWorthTrying(_ old: PodFacts, _ new: PodFacts) -> Bool {
        old.generation != new.generation || old.labels != new.labels || old.requests != new.requests
            || old.deviceClaims != new.deviceClaims || old.tolerations != new.tolerations
    }

    // MARK: Books

    private mutating func nextTicket() -> Int {
        tickets += 1
        return tickets
    }

    /// Puts an entry where its state says.
    private mutating func enter(_ entry: Entry) {
        var entry = entry
        entry.ticket = nextTicket()
        let uid = entry.pod.uid
        store(entry, uid)
        switch entry.state {
        case .active:
            active.insert(
                Turn(priority: entry.pod.priority, since: entry.since, ticket: entry.ticket, uid: uid))
        case .backingOff(let until, let isError):
            let wish = Wish(due: until, ticket: entry.ticket, uid: uid)
            if isError { errorBackOff.insert(wish) } else { backOff.insert(wish) }
        case .waiting:
            waiting[entry.refusedBy, default: []].insert(uid)
            patience.append(Wish(due: entry.since + limits.patience, ticket: entry.ticket, uid: uid))
        case .gated, .inFlight: break
        }
        dropVoid()
    }

    private mutating func leave(_ entry: Entry) {
        guard entry.state == .waiting else { return }
        waiting[entry.refusedBy]?.remove(entry.pod.uid)
        if waiting[entry.refusedBy]?.isEmpty == true { waiting[entry.refusedBy] = nil }
    }

    private func isVoid(_ wish: Wish) -> Bool { entries[wish.uid]?.ticket != wish.ticket }

    /// What is void is thrown out when it is most of all.
    private mutating func dropVoid() {
        let bound = 2 * entries.count + 64
        if active.count > bound {
            active = Heap(active.unordered.filter { entries[$0.uid]?.ticket == $0.ticket })
        }
        if backOff.count > bound { backOff = Heap(backOff.unordered.filter { !isVoid($0) }) }
        if deadlines.count > bound { deadlines = Heap(deadlines.unordered.filter { !isVoid($0) }) }
        if errorBackOff.count > bound { errorBackOff = Heap(errorBackOff.unordered.filter { !isVoid($0) }) }
        if patience.count > bound { patience.removeAll { entries[$0.uid]?.ticket != $0.ticket } }
    }

    /// How many pods are where, under the names of `scheduler_pending_pods`.
    var counts: [(queue: String, pods: Int)] {
        Place.allCases.compactMap { place in place.name.map { ($0, population[place, default: 0]) } }
    }

    private enum Place: CaseIterable {
        case active, backOff, gated, waiting, inFlight

        var name: String? {
            switch self {
            case .active: "active"
            case .backOff: "backoff"
            case .gated: "gated"
            case .waiting: "unschedulable"
            case .inFlight: nil
            }
        }
    }

    private static func place(_ state: State) -> Place {
        switch state {
        case .active: .active
        case .backingOff: .backOff
        case .waiting: .waiting
        case .gated: .gated
        case .inFlight: .inFlight
        }
    }

    /// Puts an entry, or none, into the books.
    private mutating func store(_ entry: Entry?, _ uid: String) {
        if let old = entries[uid] { population[Self.place(old.state), default: 0] -= 1 }
        if let entry { population[Self.place(entry.state), default: 0] += 1 }
        entries[uid] = entry
    }
}
