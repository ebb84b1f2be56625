import Support
import Synchronization
import Testing

@testable import Client

@Suite(.timeLimit(.minutes(1))) struct WorkQueueTests {
    private struct Refusal: Error {}

    /// How often each key was worked on.
    private final class Attempts: Sendable {
        private let counts = Mutex<[Int: Int]>([:])

        func count(_ key: Int) -> Int {
            counts.withLock { counts in
                counts[key, default: 0] += 1
                return counts[key, default: 0]
            }
        }

        var all: [Int: Int] { counts.withLock(\.self) }
    }

    @Test func `keys are worked on, failed ones again, later ones later`() async {
        let queue = WorkQueue<Int>(backOff: .init(first: .milliseconds(1), most: .milliseconds(4)))
        let (done, finish) = AsyncStream.makeStream(of: Int.self)
        let attempts = Attempts()
        for key in 0..<20 { queue.add(key) }
        queue.add(20, after: .milliseconds(30))

        await withTaskGroup { group in
            group.addTask {
                await queue.run(workers: 3) { (_: Int, _: Refusal) in
                } _: { key throws(Refusal) in
                    let attempt = attempts.count(key)
                    guard attempt >= 3 || key % 2 == 0 else { throw Refusal() }
                    finish.yield(key)
                    return nil
                }
            }
            var seen: [Int] = []
            for await key in done {
                seen.append(key)
                if seen.count == 21 { break }
            }
            #expect(Set(seen) == Set(0...20))
            #expect(attempts.all.allSatisfy { $0.value == ($0.key % 2 == 0 ? 1 : 3) })
            group.cancelAll()
        }
    }

    @Test func `a key asks to be seen again`() async {
        let queue = WorkQueue<String>()
        let (done, finish) = AsyncStream.makeStream(of: Void.self)
        queue.add("a")
        await withTaskGroup { group in
            group.addTask {
                await queue.run(workers: 1) { (_: String, _: Never) in
                } _: { _ in
                    finish.yield()
                    return .milliseconds(1)
                }
            }
            var count = 0
            for await _ in done {
                count += 1
                if count == 5 { break }
            }
            group.cancelAll()
        }
    }

    @Test func `what a queue does is counted`() async {
        let figures = QueueFigures()
        let queue = WorkQueue<Int>(
            backOff: .init(first: .milliseconds(1), most: .milliseconds(1)), figure: figures.queue("numbers"))
        let attempts = Attempts()
        func lines() -> [Substring] {
            var text = MetricText()
            figures.write(to: &text)
            return String(decoding: text.bytes, as: UTF8.self).split(separator: "\n")
        }
        func says(_ name: String, _ value: Int) -> Bool {
            lines().contains("workqueue_\(name){name=\"numbers\"} \(value)")
        }
        for _ in 0..<2 { for key in 0..<3 { queue.add(key) } }
        #expect(says("depth", 3) && says("adds_total", 3))
        let (done, finish) = AsyncStream.makeStream(of: Void.self)
        await withTaskGroup { group in
            group.addTask {
                await queue.run(workers: 1) { (_: Int, _: Refusal) in
                } _: { key throws(Refusal) in
                    if attempts.count(key) == 1, key == 2 { throw Refusal() }
                    finish.yield()
                    return nil
                }
            }
            var left = 3
            for await _ in done {
                left -= 1
                if left == 0 { break }
            }
            queue.add(9)
            group.cancelAll()
        }
        // The failed one waited once more.
        #expect(says("retries_total", 1) && says("depth", 0))
        #expect(says("unfinished_work_seconds", 0) && says("longest_running_processor_seconds", 0))
        #expect(lines().contains { $0.hasPrefix("workqueue_queue_duration_seconds_bucket{name=\"numbers\",le=\"1e-08\"} ") })
        #expect(!says("work_duration_seconds_count", 0) && !says("adds_total", 3))
    }
}
