/// Who of all requests runs, who waits and who is refused, at every priority level. Pure.
///
/// A level always has its least; what it lends it has when others leave it. A level takes more than its nominal seats
/// only while no other waits for its own, which is how what was lent comes back: with the next request that ends.
struct SeatLedger: Sendable {
    typealias LevelID = Int
    typealias Ticket = FairQueues.Ticket

    enum Arrival: Hashable, Sendable {
        case started
        case waits(Ticket)
        case refused(Refusal)
    }

    /// Why a request is refused, as the figures name it.
    enum Refusal: String, CaseIterable, Sendable {
        case queueFull = "queue-full"
        case concurrencyLimit = "concurrency-limit"
        case timeOut = "time-out"
        case cancelled
    }

    /// What is seen of a level.
    struct Level: Sendable {
        fileprivate(set) var settings: PriorityLevel
        fileprivate(set) var limits: SeatLimits
        fileprivate(set) var inUse = 0
        fileprivate(set) var running = 0
        fileprivate var queues = FairQueues()
        /// Its object is gone; it ends with its last request.
        fileprivate(set) var isRetired = false

        var waiting: Int { queues.count }
        /// What counts against the others: its own, whether it is used or not, and what it has borrowed.
        fileprivate var claim: Int { settings.isExempt ? 0 : max(inUse, limits.least) }
        var isIdle: Bool { running == 0 && queues.isEmpty }
        var activeQueues: Int { queues.activeCount }
        var places: [FairQueues.Place] { queues.places }
    }

    private(set) var levels: [LevelID: Level] = [:]
    private var names: [String: LevelID] = [:]
    private var total = 0
    private var claimed = 0
    private var waiting = 0
    private var newestID = 0
    private var newestTicket: Ticket = 0

    // MARK: Settings

    func id(of name: String) -> LevelID? { names[name] }

    /// Takes the levels that are from now on. Returns who begins to run.
    mutating func configure(_ settings: [PriorityLevel], total seats: Int) -> [Ticket] {
        let limits = SeatLimits.of(settings, total: seats)
        let before = names
        names = [:]
        for level in settings {
            let limits = limits[level.name] ?? SeatLimits(nominal: 0, least: 0, most: 0)
            if let id = before[level.name] {
                names[level.name] = id
                levels[id]?.settings = level
                levels[id]?.limits = limits
            } else {
                newestID += 1
                names[level.name] = newestID
                levels[newestID] = Level(settings: level, limits: limits)
            }
        }
        for (name, id) in before where names[name] == nil {
            levels[id]?.isRetired = true
            levels[id]?.limits = SeatLimits(nominal: 0, least: 0, most: 0)
            if levels[id]?.isIdle == true { levels[id] = nil }
        }
        total = max(seats, levels.values.reduce(0) { $0 + $1.limits.nominal })
        claimed = levels.values.reduce(0) { $0 + $1.claim }
        return dispatch()
    }

    // MARK: Requests

    /// `hash` is of the request's flow, asked for only if it has to wait. A level that is gone holds nobody up.
    mutating func arrive(_ id: LevelID, width: Int, hash: () -> UInt64) -> Arrival {
        guard let level = levels[id] else { return .started }
        if level.settings.isExempt || (level.queues.isEmpty && mayStart(id, level, width)) {
            occupy(id, width, 1)
            return .started
        }
        guard let shape = level.settings.queuing else { return .refused(.concurrencyLimit) }
        newestTicket += 1
        guard levels[id]?.queues.join(newestTicket, width: width, hash: hash(), shape) == true else {
            return .refused(.queueFull)
        }
        waiting += 1
        return .waits(newestTicket)
    }

    /// One has ended. Returns who begins to run.
    mutating func finish(_ id: LevelID, width: Int) -> [Ticket] {
        occupy(id, -width, -1)
        if let level = levels[id], level.isRetired, level.isIdle { levels[id] = nil }
        return dispatch()
    }

    /// One waits no longer. False when it has begun to run already.
    mutating func leave(_ id: LevelID, _ ticket: Ticket) -> Bool {
        guard levels[id]?.queues.leave(ticket) == true else { return false }
        waiting -= 1
        if let level = levels[id], level.isRetired, level.isIdle { levels[id] = nil }
        return true
    }

    /// What the level could have now, if it needed it.
    func currentLimit(_ id: LevelID) -> Int {
        guard let level = levels[id] else { return 0 }
        return max(level.limits.least, min(level.limits.most, level.claim + max(0, total - claimed)))
    }

    // MARK: Inside

    private func mayStart(_ id: LevelID, _ level: Level, _ width: Int) -> Bool {
        // One request runs whatever its width, or it never would.
        guard level.inUse > 0 else { return true }
        let after = level.inUse + width
        guard after <= level.limits.most else { return false }
        let extra = max(after, level.limits.least) - level.claim
        guard extra <= 0 || claimed + extra <= total else { return false }
        return after <= level.limits.nominal || waiting == 0 || !isOtherShort(than: id)
    }

    /// Whether another level waits for seats of its own.
    private func isOtherShort(than id: LevelID) -> Bool {
        levels.contains { $0.key != id && !$0.value.queues.isEmpty && $0.value.inUse < $0.value.limits.nominal }
    }

    private mutating func occupy(_ id: LevelID, _ width: Int, _ count: Int) {
        guard let before = levels[id]?.claim else { return }
        levels[id]?.inUse += width
        levels[id]?.running += count
        claimed += (levels[id]?.claim ?? 0) - before
    }

    /// Lets run who may, the level first that has least of its own.
    private mutating func dispatch() -> [Ticket] {
        var started: [Ticket] = []
        while waiting > 0, let id = poorest, let next = levels[id]?.queues.takeNext() {
            waiting -= 1
            occupy(id, next.width, 1)
            started.append(next.ticket)
        }
        return started
    }

    /// Of the levels whose next request may run the one that has least of its own.
    private var poorest: LevelID? {
        var best: (id: LevelID, inUse: Int, nominal: Int)?
        for (id, level) in levels {
            guard let next = level.queues.next, mayStart(id, level, next.width) else { continue }
            let nominal = max(1, level.limits.nominal)
            let isPoorer = best.map { (level.inUse * $0.nominal, id) < ($0.inUse * nominal, $0.id) } ?? true
            if isPoorer { best = (id, level.inUse, nominal) }
        }
        return best?.id
    }
}
