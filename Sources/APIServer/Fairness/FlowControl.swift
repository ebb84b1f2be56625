import API
import APIMachinery
import Client
import Support
import Synchronization
import Wire

/// Lets each request run, wait or be refused, so that no client takes the server from the others (KEP-1040).
///
/// The usual request finds its flow and a free seat with two short locks, on its event loop; only one that must wait is
/// made a task. Decisions are ``SeatLedger``'s; this class keeps it up to date and wakes those whose turn it is.
final class FlowControl: Sendable {
    /// A FlowSchema with its level, as requests find it. Immutable.
    final class Flow: Sendable {
        let schema: FlowSchema
        let level: SeatLedger.LevelID
        /// How many seats one request takes at most.
        let widest: Int
        /// The headers that tell a client by what it was judged.
        let decoration: HTTPDecoration
        let figures: FlowFigures

        init(
            _ schema: FlowSchema, _ level: PriorityLevel, _ id: SeatLedger.LevelID, _ figures: FlowFigures, widest: Int
        ) {
            self.schema = schema
            self.level = id
            self.widest = widest
            self.figures = figures
            decoration = HTTPDecoration(headers: [
                "X-Kubernetes-PF-FlowSchema-UID": schema.uid, "X-Kubernetes-PF-PriorityLevel-UID": level.uid,
            ])
        }
    }

    /// A request that runs. ``end()`` is called once.
    struct Seat: Sendable {
        fileprivate let control: FlowControl
        fileprivate let flow: Flow
        fileprivate let width: Int
        fileprivate let isWatch: Bool
        fileprivate let begun: ContinuousClock.Instant

        func end() { control.end(self) }
    }

    /// A request that waits.
    struct Place: Sendable {
        fileprivate let control: FlowControl
        fileprivate let flow: Flow
        fileprivate let width: Int
        fileprivate let isWatch: Bool
        fileprivate let ticket: SeatLedger.Ticket
        fileprivate let bell: Bell
        fileprivate let begun: ContinuousClock.Instant

        /// Waits for its turn; `nil` when that does not come in time, or the client is gone.
        func seat() async -> Seat? { await control.seat(self) }
    }

    enum Entry: Sendable {
        /// No schema is about the request.
        case free
        case seated(Flow, Seat)
        case waiting(Flow, Place)
        case refused(Flow)
    }

    private struct Settings: Sendable {
        var schemas: [String: FlowSchema] = [:]
        var levels: [String: PriorityLevel] = [:]
        var figures: [[String]: FlowFigures] = [:]
        /// In the order of their precedence.
        var flows: [Flow] = []
    }

    private struct State {
        var ledger = SeatLedger()
        var waiters: [SeatLedger.Ticket: Waiter] = [:]
    }

    /// Who waits, and how to tell that the wait is over.
    struct Waiter: Sendable {
        let flow: Flow
        let user: User
        let info: RequestInfo
        let arrived: Timestamp
        fileprivate let bell: Bell
    }

    private let seats: Int
    private let longestWait: Duration
    private let settings = Mutex(Settings())
    private let state = Mutex(State())
    private let observations = Mutex<[any Observation]>([])

    /// `seats` are for all levels together.
    init(seats: Int, longestWait: Duration) {
        self.seats = max(1, seats)
        self.longestWait = longestWait
    }

    /// Of a server. As in Kubernetes, a quarter of a request's time may be spent waiting for a seat.
    convenience init(_ options: APIServerOptions, _ objects: (GroupVersionResource) -> any ObjectSet) {
        self.init(seats: options.readsAtOnce + options.writesAtOnce, longestWait: options.requestTimeout / 4)
        follow(schemas: objects(.flowSchemas), levels: objects(.priorityLevelConfigurations))
    }

    /// Follows the objects that say what is to be done.
    func follow(schemas: any ObjectSet, levels: any ObjectSet) {
        let watching = [
            levels.observe { [self] change in
                set { $0.levels[change.name.name] = change.new.map { PriorityLevel($0.value) } }
            },
            schemas.observe { [self] change in
                set { $0.schemas[change.name.name] = change.new.map { FlowSchema($0.value) } }
            },
        ]
        observations.withLock { $0 = watching }
    }

    private func set(_ change: (inout Settings) -> Void) {
        settings.withLock { settings in
            change(&settings)
            let levels = settings.levels.values.sorted { $0.name < $1.name }
            let ids = state.withLock { state in
                wake(state.ledger.configure(levels, total: seats), &state)
                return settings.levels.compactMapValues { state.ledger.id(of: $0.name) }
            }
            let limits = SeatLimits.of(levels, total: seats)
            // A schema whose level is not there is not asked (its condition `Dangling` says so).
            settings.flows = settings.schemas.values.sorted { $0.precedes($1) }.compactMap { schema in
                guard let level = settings.levels[schema.level], let id = ids[schema.level] else { return nil }
                let key = [schema.name, level.name]
                let figures = settings.figures[key] ?? FlowFigures(schema: schema.name, level: level.name)
                settings.figures[key] = figures
                let widest = SeatWidth.widest(level, nominal: limits[level.name]?.nominal ?? 0)
                return Flow(schema, level, id, figures, widest: widest)
            }
            let live = Set(settings.flows.map { [$0.schema.name, $0.figures.level] })
            settings.figures = settings.figures.filter { live.contains($0.key) }
        }
    }

    // MARK: Requests

    /// `width` is how many seats the request takes where one may take so many, asked for only where seats count.
    func enter(_ user: User, _ info: RequestInfo, width: (Int) -> Int) -> Entry {
        let flows = settings.withLock(\.flows)
        guard let flow = flows.first(where: { $0.schema.matches(user, info) }) else { return .free }
        let width = width(flow.widest)
        let isWatch = info.verb == "watch"
        let begun = ContinuousClock.now
        let (arrival, bell) = state.withLock { state -> (arrival: SeatLedger.Arrival, bell: Bell?) in
            let arrival = state.ledger.arrive(flow.level, width: width) { flow.hash(user, info) }
            guard case .waits(let ticket) = arrival else { return (arrival, nil) }
            let bell = Bell()
            state.waiters[ticket] = Waiter(flow: flow, user: user, info: info, arrived: .now, bell: bell)
            return (arrival, bell)
        }
        switch (arrival, bell) {
        case (.waits(let ticket), let bell?):
            flow.figures.change { $0.waiting += 1 }
            return .waiting(
                flow,
                Place(
                    control: self, flow: flow, width: width, isWatch: isWatch, ticket: ticket, bell: bell, begun: begun))
        case (.refused(let why), _):
            flow.figures.refused(why, after: .zero)
            return .refused(flow)
        default:
            flow.figures.started(after: .zero)
            return .seated(flow, Seat(control: self, flow: flow, width: width, isWatch: isWatch, begun: begun))
        }
    }

    private func seat(_ place: Place) async -> Seat? {
        await place.bell.wait(atMost: longestWait)
        let isGone = Task.isCancelled
        // Whoever was not given a seat by now leaves. One that was has it, even if the client has gone meanwhile.
        let hasSeat = state.withLock { state in
            state.waiters[place.ticket] = nil
            return !state.ledger.leave(place.flow.level, place.ticket)
        }
        let now = ContinuousClock.now
        place.flow.figures.change { $0.waiting -= 1 }
        guard hasSeat else {
            place.flow.figures.refused(isGone ? .cancelled : .timeOut, after: now - place.begun)
            return nil
        }
        place.flow.figures.started(after: now - place.begun)
        return Seat(control: self, flow: place.flow, width: place.width, isWatch: place.isWatch, begun: now)
    }

    private func end(_ seat: Seat) {
        state.withLock { wake($0.ledger.finish(seat.flow.level, width: seat.width), &$0) }
        seat.flow.figures.ended(after: .now - seat.begun, isWatch: seat.isWatch)
    }

    private func wake(_ tickets: [SeatLedger.Ticket], _ state: inout State) {
        for ticket in tickets { state.waiters.removeValue(forKey: ticket)?.bell.ring() }
    }

    // MARK: Figures

    var currentFlows: [Flow] { settings.withLock(\.flows) }
    var ledger: SeatLedger { state.withLock(\.ledger) }

    /// Those who wait, each with its place, by level, queue and turn.
    var waiting: [(waiter: Waiter, place: FairQueues.Place)] {
        let (ledger, waiters) = state.withLock { ($0.ledger, $0.waiters) }
        return ledger.levels.values.sorted { $0.settings.name < $1.settings.name }.flatMap { level in
            level.places.compactMap { place in waiters[place.ticket].map { ($0, place) } }
        }
    }

    func write(to text: inout MetricText) {
        let flows = settings.withLock(\.flows)
        FlowFigures.write(flows.map(\.figures), to: &text)
        FlowFigures.write(state.withLock(\.ledger), to: &text)
    }
}

extension FlowControl.Flow {
    /// Of the flow that the request belongs to. Different in each run of the server, so that nobody can choose names that
    /// fall together.
    fileprivate func hash(_ user: User, _ info: RequestInfo) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(schema.name)
        hasher.combine(schema.distinguisher(user, info))
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }
}

extension Status {
    /// The 429 answer to a request that gets no seat.
    static let noSeat = Status(
        code: 429, reason: .tooManyRequests, message: "Too many requests, please try again later.",
        details: Details(retryAfterSeconds: 1))
}
