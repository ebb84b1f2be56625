public import Support

/// What a simulated cluster lives in: its time and its chance, all from one seed.
public struct World: Sendable {
    public let seed: UInt64
    public let clock = VirtualClock()

    public init(seed: UInt64) { self.seed = seed }

    /// Wall-clock time.
    public var now: @Sendable () -> Timestamp { { [clock] in clock.time } }

    /// A stream of chance for one purpose.
    func dice(_ purpose: String) -> Dice { Dice(seed: seed, purpose) }

    /// Lets time pass; at once when the task is cancelled.
    func pause(_ span: Duration) async { try? await clock.sleep(for: span) }

    /// Runs `body`, and everything that it starts, on this thread, until it returns. Throws when nothing moves any
    /// more, or when something moved that is not of this world: then the seed does not say what happened.
    ///
    /// Nothing that `body` runs may start unstructured tasks, threads or timers of the system.
    public func run<Result: Sendable>(_ body: @escaping @Sendable () async -> Result) throws(Fault) -> Result {
        let executor = SimulationExecutor(seed: seed)
        let result = try executor.run(clock, body)
        guard executor.strays == 0 else {
            throw Fault(.failed, "\(executor.strays) jobs came from outside of the simulation")
        }
        return result
    }
}
