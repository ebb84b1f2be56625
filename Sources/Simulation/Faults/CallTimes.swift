import Synchronization

/// How long requests took by the clock on the wall, in classes of a tenth more each: a few numbers, however many requests.
final class CallTimes: Sendable {
    private static let first = Duration.microseconds(1)
    private static let growth = 1.1

    private let counts = Mutex([Int](repeating: 0, count: 200))

    /// Notes a request that took so long.
    func note(_ time: Duration) {
        var (place, bound) = (0, Self.first)
        counts.withLock { counts in
            while bound < time, place < counts.count - 1 {
                place += 1
                bound = bound * Self.growth
            }
            counts[place] += 1
        }
    }

    /// How many there were since the last time that this was asked, and within what time so much of them (0 ... 1) was
    /// answered.
    func take() -> (count: Int, within: @Sendable (Double) -> Duration) {
        let counts = counts.withLock { counts in
            defer { counts = [Int](repeating: 0, count: counts.count) }
            return counts
        }
        let all = counts.reduce(0, +)
        return (all, { share in
            var (seen, bound) = (0, Self.first)
            for count in counts {
                seen += count
                if Double(seen) >= Double(all) * share { break }
                bound = bound * Self.growth
            }
            return bound
        })
    }
}
