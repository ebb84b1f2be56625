/// Where names come from that must be unlike all others: uids, generated names, addresses that are given out.
///
/// In the product the system's generator. In the simulator a seed decides, so that the same seed makes the same
/// objects. Secrets do not come from here.
public struct Randomness: RandomNumberGenerator, Sendable {
    private let draw: @Sendable () -> UInt64

    public static let system = Randomness {
        var generator = SystemRandomNumberGenerator()
        return generator.next()
    }

    /// `draw` gives 64 random bits at each call, from any thread.
    public init(_ draw: @escaping @Sendable () -> UInt64) { self.draw = draw }

    public func next() -> UInt64 { draw() }
}
