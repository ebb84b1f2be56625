import Support

/// How many images are pulled at once, and how often a pull begins (`serializeImagePulls`, `maxParallelImagePulls`,
/// `registryPullQPS`, `registryBurst`).
public struct PullLimits: Hashable, Sendable {
    /// One after the other. k3s lets them run side by side.
    public var isSerial = false
    /// As many at once; `nil` for any number.
    public var mostAtOnce: Int?
    /// As many begin in a second, in the long run; 0 for any number.
    public var perSecond = 5
    /// As many may begin at once after a rest.
    public var burst = 10

    public init() {}

    /// As many run at once; `nil` for any number.
    var slots: Int? { isSerial ? 1 : mostAtOnce }
}

/// The pulls that wait for their turn, the first one first.
///
/// Pure. Where Kubernetes fails a pull for which there are too many in a second ("pull QPS exceeded", and ten seconds of
/// back-off), it waits here: the registry sees the same limit, and nobody sees a failure.
struct PullLine<Request: Sendable>: Sendable {
    struct Turn: Sendable {
        /// They begin now.
        var begin: [Request] = []
        /// Time alone lets others begin then: look again. `nil` when something else does, or a look is planned.
        var lookAfter: Duration?
    }

    private let limits: PullLimits
    private var waiting: [Request] = []
    private var running = 0
    /// How many could begin at ``countedAt``, in nanoseconds of waiting: so many make one pull.
    private var credit: Int64
    private var countedAt: Timestamp?
    private var isLookPlanned = false

    init(_ limits: PullLimits) {
        self.limits = limits
        credit = Self.most(limits)
    }

    private static func cost(_ limits: PullLimits) -> Int64 { 1_000_000_000 / Int64(clamping: max(limits.perSecond, 1)) }
    private static func most(_ limits: PullLimits) -> Int64 {
        let (most, isTooMuch) = cost(limits).multipliedReportingOverflow(by: Int64(clamping: max(limits.burst, 1)))
        return isTooMuch ? .max : most
    }

    mutating func add(_ request: Request) { waiting.append(request) }

    /// A pull that began has ended.
    mutating func end() {
        precondition(running > 0, "a pull that ends has begun")
        running -= 1
    }

    /// Whose turn it is. `now` is by a clock that nobody sets; `isPlanned`: this is the look that was planned.
    mutating func turn(now: Timestamp, isPlanned: Bool = false) -> Turn {
        if isPlanned { isLookPlanned = false }
        earn(now)
        var (turn, cost) = (Turn(), Self.cost(limits))
        if limits.perSecond == 0 { cost = 0 }
        while !waiting.isEmpty, limits.slots.map({ running < $0 }) ?? true {
            guard credit >= cost else {
                if !isLookPlanned { turn.lookAfter = .nanoseconds(cost - credit) }
                isLookPlanned = true
                break
            }
            credit -= cost
            running += 1
            turn.begin.append(waiting.removeFirst())
        }
        return turn
    }

    private mutating func earn(_ now: Timestamp) {
        defer { countedAt = now }
        guard let countedAt, now > countedAt else { return }
        let (seconds, attoseconds) = (now - countedAt).components
        let (whole, isLong) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let earned = isLong ? Int64.max : whole.addingSaturating(attoseconds / 1_000_000_000)
        credit = min(credit.addingSaturating(earned), Self.most(limits))
    }
}

extension Int64 {
    /// Of numbers that are not negative.
    fileprivate func addingSaturating(_ other: Int64) -> Int64 {
        let (sum, isTooMuch) = addingReportingOverflow(other)
        return isTooMuch ? .max : sum
    }
}
