import Support

/// What an autoscaler has recommended and done lately, against which a new recommendation is weighed.
///
/// Kept in memory alone. After a restart it begins with what the target has, so that nothing shrinks before the window
/// of shrinking has passed.
struct ScalingHistory: Hashable, Sendable {
    private struct Recommendation: Hashable {
        var replicas: Int
        var time: Timestamp
    }

    private struct Change: Hashable {
        /// Above zero, growth.
        var difference: Int
        var time: Timestamp
    }

    /// More are not remembered, whatever the windows: with a look each quarter of a minute they hold an hour.
    private static let most = 512

    private var recommendations: [Recommendation] = []
    private var changes: [Change] = []

    init(beginningWith replicas: Int, at now: Timestamp) {
        recommendations = [Recommendation(replicas: replicas, time: now)]
    }

    /// The lowest that was recommended in the last `window`, and now.
    func lowest(_ replicas: Int, in window: Duration, at now: Timestamp) -> Int {
        recommendations.filter { $0.time > now + (.zero - window) }.map(\.replicas).reduce(replicas, min)
    }

    /// The highest that was recommended in the last `window`, and now.
    func highest(_ replicas: Int, in window: Duration, at now: Timestamp) -> Int {
        recommendations.filter { $0.time > now + (.zero - window) }.map(\.replicas).reduce(replicas, max)
    }

    /// Notes a recommendation as it was before it was weighed; those older than `window` are forgotten.
    mutating func recommend(_ replicas: Int, keeping window: Duration, at now: Timestamp) {
        recommendations.removeAll { $0.time < now + (.zero - window) }
        recommendations.append(Recommendation(replicas: replicas, time: now))
        recommendations.removeFirst(max(0, recommendations.count - Self.most))
    }

    /// Notes that the target was scaled.
    mutating func scaled(from old: Int, to new: Int, keeping period: Duration, at now: Timestamp) {
        changes.removeAll { $0.time < now + (.zero - period) }
        changes.append(Change(difference: new - old, time: now))
        changes.removeFirst(max(0, changes.count - Self.most))
    }

    /// How many replicas there were at the beginning of a period that ends now.
    func replicas(at now: Timestamp, before period: Duration, current: Int) -> Int {
        current - changes.filter { $0.time > now + (.zero - period) }.map(\.difference).reduce(0, +)
    }
}
