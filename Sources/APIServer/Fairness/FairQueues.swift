import DequeModule

/// The queues of one priority level: who waits, and whose turn it is. Pure.
///
/// Shuffle sharding: a flow is dealt a hand of queues by its hash and joins the shortest, so that a flow that sends much
/// fills its own hand, and few others share all of that. Start-time fair queuing among the queues: each request is
/// stamped with the virtual time at which its queue would come to it, and the earliest is next.
struct FairQueues: Sendable {
    typealias Ticket = UInt64

    struct Waiting: Hashable, Sendable {
        var ticket: Ticket
        /// Seats that it will take.
        var width: Int
        fileprivate var start: Int
    }

    /// Where one waits.
    struct Place: Hashable, Sendable {
        var ticket: Ticket
        var width: Int
        var queue: Int
        /// How many are before it in its queue.
        var index: Int
        /// The virtual time of its turn.
        var start: Int
    }

    private struct Queue: Sendable {
        var waiting = Deque<Waiting>()
        /// The virtual time at which what the queue was given is done.
        var finish = 0
    }

    /// Only as many as have been needed.
    private var queues: [Queue] = []
    private var virtualTime = 0
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    /// Queues in which somebody waits.
    var activeCount: Int { queues.count { !$0.waiting.isEmpty } }

    /// Everybody who waits.
    var places: [Place] {
        queues.enumerated().flatMap { queue, content in
            content.waiting.enumerated().map {
                Place(ticket: $1.ticket, width: $1.width, queue: queue, index: $0, start: $1.start)
            }
        }
    }

    /// Joins the shortest queue of the flow's hand; false when all of them are full.
    mutating func join(_ ticket: Ticket, width: Int, hash: UInt64, _ shape: PriorityLevel.Queuing) -> Bool {
        while queues.count < shape.queues { queues.append(Queue()) }
        var best: Int?
        for index in Self.hand(hash, of: shape) {
            if best.map({ queues[index].waiting.count < queues[$0].waiting.count }) ?? true { best = index }
        }
        guard let best, queues[best].waiting.count < shape.lengthLimit else { return false }
        let start = max(virtualTime, queues[best].finish)
        queues[best].waiting.append(Waiting(ticket: ticket, width: width, start: start))
        queues[best].finish = start + width
        count += 1
        return true
    }

    /// Whose turn it is; it stays where it is.
    var next: Waiting? { nextQueue.flatMap { queues[$0].waiting.first } }

    /// Takes out whose turn it is.
    mutating func takeNext() -> Waiting? {
        guard let index = nextQueue, let waiting = queues[index].waiting.popFirst() else { return nil }
        virtualTime = waiting.start
        count -= 1
        return waiting
    }

    /// Takes out one that waits no longer; false when it does not wait.
    mutating func leave(_ ticket: Ticket) -> Bool {
        for index in queues.indices {
            guard let position = queues[index].waiting.firstIndex(where: { $0.ticket == ticket }) else { continue }
            let waiting = queues[index].waiting.remove(at: position)
            // Nobody stands behind it whose time was reckoned from its own.
            if position == queues[index].waiting.count { queues[index].finish = waiting.start }
            count -= 1
            return true
        }
        return false
    }

    private var nextQueue: Int? {
        guard count > 0 else { return nil }
        var best: (index: Int, start: Int)?
        for (index, queue) in queues.enumerated() {
            guard let start = queue.waiting.first?.start else { continue }
            if best.map({ start < $0.start }) ?? true { best = (index, start) }
        }
        return best?.index
    }

    /// Different queues, dealt as cards are: each from what the ones before have left.
    static func hand(_ hash: UInt64, of shape: PriorityLevel.Queuing) -> [Int] {
        var hand: [Int] = []
        var rest = hash
        for dealt in 0..<min(shape.handSize, shape.queues) {
            let left = UInt64(shape.queues - dealt)
            var card = Int(rest % left)
            rest /= left
            for taken in hand.sorted() where taken <= card { card += 1 }
            hand.append(card)
        }
        return hand
    }
}
