import Support
import Testing

@testable import Client

@Suite struct KeyedQueueTests {
    @Test func `a key added many times is worked on once`() {
        var queue = KeyedQueue<String>()
        for _ in 0..<3 { queue.add("a") }
        #expect(queue.take() == "a")
        #expect(queue.take() == nil)
        queue.succeeded("a")
        #expect(queue.take() == nil)
    }

    @Test func `a key added while in work is given out again afterwards, not before`() {
        var queue = KeyedQueue<String>()
        queue.add("a")
        _ = queue.take()
        queue.add("a")
        #expect(queue.take() == nil)
        queue.succeeded("a")
        #expect(queue.take() == "a")
    }

    @Test func `failures wait longer each time, and success forgets them`() {
        var queue = KeyedQueue<String>(backOff: .init(first: .seconds(1), most: .seconds(3)))
        queue.add("a")
        var now = Duration.zero
        for expected in [1, 2, 3, 3] {
            #expect(queue.take() == "a")
            queue.failed("a", at: now)
            #expect(queue.nextDue == now + .seconds(expected))
            queue.advance(to: now + .seconds(expected) - .milliseconds(1))
            #expect(queue.take() == nil)
            now += .seconds(expected)
            queue.advance(to: now)
        }
        #expect(queue.take() == "a")
        queue.succeeded("a")
        queue.add("a")
        _ = queue.take()
        queue.failed("a", at: now)
        #expect(queue.nextDue == now + .seconds(1))
    }

    @Test func `asking at once overtakes a wish for later`() {
        var queue = KeyedQueue<String>()
        queue.add("a", at: .seconds(10))
        queue.add("a")
        #expect(queue.take() == "a")
        queue.succeeded("a")
        queue.advance(to: .seconds(20))
        #expect(queue.take() == nil)
    }

    /// As a loop does that looks at an object whenever it changes, and else once an hour.
    @Test func `a key that is always put off leaves nothing behind`() {
        var queue = KeyedQueue<Int>()
        for round in 0..<1000 {
            let now = Duration.milliseconds(round)
            queue.advance(to: now)
            for key in 0..<3 { queue.add(key) }
            while let key = queue.take() {
                queue.succeeded(key)
                queue.add(key, at: now + .seconds(3600))
            }
            #expect(queue.size < 50)
        }
        queue.advance(to: .seconds(3600))
        // Wishes that were overtaken wake nobody any more.
        #expect(queue.nextDue == .milliseconds(999) + .seconds(3600))
    }

    /// Whatever happens in whatever order: no key is lost, none is in work twice, and nothing is left when all is done.
    @Test(arguments: UInt64(0)..<200)
    func `no key is lost and none is in work twice`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var queue = KeyedQueue<Int>(backOff: .init(first: .milliseconds(10), most: .seconds(1)))
        var inWork: Set<Int> = []
        var wanted: Set<Int> = []
        var now = Duration.zero
        for _ in 0..<300 {
            now += .milliseconds(Int.random(in: 0..<50, using: &random))
            queue.advance(to: now)
            switch Int.random(in: 0..<5, using: &random) {
            case 0:
                let key = Int.random(in: 0..<6, using: &random)
                queue.add(key)
                wanted.insert(key)
            case 1:
                let key = Int.random(in: 0..<6, using: &random)
                queue.add(key, at: now + .milliseconds(Int.random(in: 0..<500, using: &random)))
                wanted.insert(key)
            case 2, 3:
                guard let key = queue.take() else { continue }
                #expect(inWork.insert(key).inserted)
                wanted.remove(key)
            default:
                guard let key = inWork.randomElement(using: &random) else { continue }
                inWork.remove(key)
                if Bool.random(using: &random) {
                    queue.succeeded(key)
                } else {
                    queue.failed(key, at: now)
                    wanted.insert(key)
                }
            }
        }
        for key in inWork { queue.succeeded(key) }
        queue.advance(to: now + .seconds(10))
        while let key = queue.take() {
            wanted.remove(key)
            queue.succeeded(key)
        }
        #expect(wanted.isEmpty)
        #expect(queue.nextDue == nil)
    }
}
