import API
import APIMachinery
import Client
import Support
import Synchronization

/// Knows what nodes use, by asking their kubelets when somebody asks it.
///
/// Nothing is asked while nobody wants to know. The last sample of a node is the beginning of the next measurement if it is
/// not too old; who asks after a long silence waits for a second sample.
final class UsageLedger: Sendable {
    /// Fetches a node's `/stats/summary`.
    typealias Fetch = @Sendable (Node) async throws(Status) -> Value

    private struct Entry {
        var sample: UsageSample
        var usage: NodeUsage
    }

    /// An answer counts so long.
    private static let freshness = Duration.seconds(5)
    /// How old the first of two samples may be: an average over more would hide what happens.
    private static let longestWindow = Duration.seconds(90)
    /// The time between two samples that are taken for one answer.
    private static let shortestWindow = Duration.seconds(1)
    private static let nodesAtOnce = 32

    private let nodes: any ObjectSet
    private let fetch: Fetch
    private let clock: ContinuousClock = ContinuousClock()
    private let pause: @Sendable (Duration) async throws -> Void
    private let now: @Sendable () -> Timestamp
    private let entries = Mutex<[String: Entry]>([:])

    init(
        nodes: any ObjectSet, now: @escaping @Sendable () -> Timestamp,
        pause: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) },
        fetch: @escaping Fetch
    ) {
        (self.nodes, self.now, self.pause, self.fetch) = (nodes, now, pause, fetch)
    }

    /// What these nodes use. One that does not answer is left out.
    func usage(of names: some Collection<String>) async -> [String: NodeUsage] {
        await withTaskGroup(of: (String, NodeUsage?).self) { group in
            var (rest, usage): (_, [String: NodeUsage]) = (Set(names)[...], [:])
            func next() {
                guard let name = rest.popFirst() else { return }
                group.addTask { (name, try? await self.measure(name)) }
            }
            for _ in 0..<Self.nodesAtOnce { next() }
            for await (name, measured) in group {
                usage[name] = measured
                next()
            }
            return usage
        }
    }

    /// Every node that there is.
    func usageOfAll() async -> [String: NodeUsage] {
        let present = Set(nodes.list(namespace: nil).map(\.name))
        entries.withLock { entries in entries = entries.filter { present.contains($0.key) } }
        return await usage(of: present)
    }

    private func measure(_ name: String) async throws -> NodeUsage {
        let known = entries.withLock { $0[name] }
        if let known, clock.now - known.sample.taken < Self.freshness { return known.usage }
        guard let node = nodes.get(Node.self, ObjectName(name: name)) else { throw Status.notFound(.nodes, name) }
        var second = try await sample(node)
        var first = second
        if let known, second.taken - known.sample.taken <= Self.longestWindow {
            first = known.sample
        } else {
            try await pause(Self.shortestWindow)
            second = try await sample(node)
        }
        let usage = NodeUsage(from: first, to: second, time: now())
        let entry = Entry(sample: second, usage: usage)
        entries.withLock { $0[name] = entry }
        return usage
    }

    private func sample(_ node: Node) async throws -> UsageSample {
        let summary = try await fetch(node)
        return UsageSample(summary: summary, taken: clock.now)
    }
}
