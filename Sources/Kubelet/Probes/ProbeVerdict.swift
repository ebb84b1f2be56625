/// What the probes of a container say of it.
public struct ProbeVerdict: Hashable, Sendable {
    /// Its startup probe has succeeded, or it has none.
    public var isStarted: Bool
    /// It has started, and its readiness probe, if there is one, succeeds.
    public var isReady: Bool
    /// Its startup or liveness probe has failed: it must be stopped, and started again as its restart policy
    /// says.
    public var shouldRestart: Bool
    /// Why it must be restarted, in the words of the event `Killing`; empty if it must not.
    public var message: String
    /// How long it may take to stop, where the failed probe says so.
    public var terminationGracePeriod: Duration?

    public init(
        isStarted: Bool, isReady: Bool, shouldRestart: Bool = false, message: String = "",
        terminationGracePeriod: Duration? = nil
    ) {
        self.isStarted = isStarted
        self.isReady = isReady
        self.shouldRestart = shouldRestart
        self.message = message
        self.terminationGracePeriod = terminationGracePeriod
    }
}
