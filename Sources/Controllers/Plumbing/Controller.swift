public import APIMachinery
public import Client
public import Logging
public import Support

/// A loop that drives one kind of object towards what it asks for. It decides from stored state alone, so
/// that it may be stopped and started anywhere, at any time.
public protocol Controller: Sendable {
    /// As logs and events name it: `replicaset-controller`.
    var name: String { get }

    /// Runs until the task is cancelled. Throws when it cannot begin to observe what it needs.
    func run(_ context: ControllerContext) async throws(Status)
}

/// What controllers are given to work with.
public struct ControllerContext: Sendable {
    public var client: any Client
    public var events: EventRecorder
    public var log: Logger
    /// For deadlines.
    public var clock: any Clock<Duration>
    /// Wall-clock time, for what is written into objects.
    public var now: @Sendable () -> Timestamp
    /// What work queues do is counted here, if anybody wants to know.
    public var figures: QueueFigures?
    /// Of the queues of this controller.
    var figure: QueueFigure?

    public init(
        client: any Client, events: EventRecorder, log: Logger,
        clock: any Clock<Duration> = ContinuousClock(),
        now: @escaping @Sendable () -> Timestamp = { .now }, figures: QueueFigures? = nil
    ) {
        self.client = client
        self.events = events
        self.log = log
        self.clock = clock
        self.now = now
        self.figures = figures
    }
}
