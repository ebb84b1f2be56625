import APIMachinery
import Testing

@testable import Scheduler

/// Whose turn it is, and when a pod is tried again.
@Suite struct QueueTests {
    private func queue(_ pods: PodFacts..., limits: SchedulingQueue.Limits = .init()) -> SchedulingQueue {
        var queue = SchedulingQueue(limits: limits)
        for pod in pods { queue.add(pod, heedsGates: true, at: .zero) }
        return queue
    }

    private func names(_ queue: inout SchedulingQueue, at now: Duration) -> [String] {
        var names: [String] = []
        while let taken = queue.take(at: now) { names.append(taken.pod.name.name) }
        return names
    }

    @Test func `the most important is first, then the one that came first`() {
        var queue = queue(Given.pod("a"), Given.pod("b", priority: 5), Given.pod("c"), Given.pod("d", priority: 5))
        #expect(names(&queue, at: .zero) == ["b", "d", "a", "c"])
    }

    @Test func `a pod that waits for a moment is tried then`() {
        var queue = queue(Given.pod("a"))
        _ = queue.take(at: .zero)
        queue.refused("uid-a", by: PluginSet(.dynamicResources), at: .zero, until: .seconds(60))
        #expect(queue.nextDue == .seconds(60))
        #expect(names(&queue, at: .seconds(59)) == [])
        #expect(names(&queue, at: .seconds(60)) == ["a"])
        queue.refused("uid-a", by: PluginSet(.dynamicResources), at: .seconds(60))
        queue.retry("uid-a", at: .seconds(62))
        #expect(names(&queue, at: .seconds(62)) == ["a"])
    }

    @Test func `a refused pod waits for what concerns the rules that refused it`() {
        var queue = queue(Given.pod("a"))
        _ = queue.take(at: .zero)
        queue.refused("uid-a", by: PluginSet(.nodeAffinity), at: .zero)
        #expect(names(&queue, at: .seconds(100)) == [])
        queue.happened(concerning: PluginSet(.nodeResourcesFit), at: .seconds(100)) { _, _ in true }
        #expect(names(&queue, at: .seconds(100)) == [])
        queue.happened(concerning: PluginSet(.nodeAffinity, .nodePorts), at: .seconds(100)) { pod, plugins in
            #expect(plugins == PluginSet(.nodeAffinity))
            return pod.name.name == "b"
        }
        #expect(names(&queue, at: .seconds(100)) == [])
        queue.happened(concerning: .all, at: .seconds(100)) { _, _ in true }
        #expect(names(&queue, at: .seconds(100)) == ["a"])
    }

    @Test func `a pod that nobody refused by name is woken by anything`() {
        var queue = queue(Given.pod("a"))
        _ = queue.take(at: .zero)
        queue.refused("uid-a", by: [], at: .zero)
        queue.happened(concerning: PluginSet(.nodePorts), at: .seconds(20)) { _, _ in false }
        #expect(names(&queue, at: .seconds(20)) == ["a"])
    }

    @Test func `after five minutes a refused pod is tried though nothing happened`() {
        var queue = queue(Given.pod("a"))
        _ = queue.take(at: .zero)
        queue.refused("uid-a", by: PluginSet(.nodeAffinity), at: .seconds(1))
        #expect(queue.nextDue == .seconds(301))
        #expect(names(&queue, at: .seconds(300)) == [])
        #expect(names(&queue, at: .seconds(301)) == ["a"])
        #expect(queue.nextDue == nil)
    }

    @Test func `a pod that is woken early gives way to new ones, even less important`() {
        var queue = queue(Given.pod("a", priority: 9))
        _ = queue.take(at: .zero)
        queue.refused("uid-a", by: PluginSet(.nodeAffinity), at: .zero)
        queue.happened(concerning: .all, at: .milliseconds(10)) { _, _ in true }
        queue.add(Given.pod("b"), heedsGates: true, at: .milliseconds(20))
        #expect(names(&queue, at: .milliseconds(30)) == ["b", "a"])
    }

    @Test func `back-offs double from one second to ten`() {
        var queue = queue(Given.pod("a"))
        var (now, waits): (Duration, [Duration]) = (.zero, [])
        for _ in 0..<6 {
            #expect(queue.take(at: now) != nil)
            queue.failed("uid-a", at: now)
            let due = queue.nextDue ?? .zero
            #expect(names(&queue, at: due - .milliseconds(1)) == [])
            waits.append(due - now)
            now = due
        }
        #expect(waits == [1, 2, 4, 8, 10, 10].map { Duration.seconds($0) })
    }

    @Test func `a gated pod waits for its gates to go, and for nothing else`() {
        var queue = queue(Given.pod("a", ["schedulingGates": [["name": "g"]]]))
        queue.happened(concerning: .all, at: .zero) { _, _ in true }
        #expect(names(&queue, at: .seconds(1000)) == [])
        queue.add(Given.pod("a"), heedsGates: true, at: .seconds(1000))
        #expect(names(&queue, at: .seconds(1000)) == ["a"])
    }

    @Test func `a pod's own change is worth another try, what the scheduler wrote is not`() {
        var queue = queue(Given.pod("a"))
        _ = queue.take(at: .zero)
        queue.refused("uid-a", by: PluginSet(.nodeAffinity), at: .zero)
        let told = Given.pod("a", status: ["conditions": [["type": "PodScheduled", "status": "False"]]])
        queue.add(told, heedsGates: true, at: .seconds(20))
        #expect(names(&queue, at: .seconds(20)) == [])
        queue.add(Given.pod("a", labels: ["new": "label"]), heedsGates: true, at: .seconds(20))
        #expect(names(&queue, at: .seconds(20)) == ["a"])
    }

    @Test func `a pod that is removed is nowhere any more`() {
        var queue = queue(Given.pod("a"), Given.pod("b"), Given.pod("c"))
        for _ in 0..<2 { _ = queue.take(at: .zero) }
        queue.refused("uid-a", by: PluginSet(.nodeAffinity), at: .zero)
        queue.failed("uid-b", at: .zero)
        for uid in ["uid-a", "uid-b", "uid-c"] { queue.remove(uid) }
        #expect(names(&queue, at: .seconds(1000)) == [])
        #expect(queue.counts.allSatisfy { $0.pods == 0 })
    }
}
