import Support
import Testing

@Suite struct BellTests {
    @Test func `a ring that nobody waited for ends the next wait`() async {
        let bell = Bell()
        bell.ring()
        bell.ring()
        await bell.wait()
        // Two rings were kept as one: this wait ends by its limit.
        let start = ContinuousClock.now
        await bell.wait(atMost: .milliseconds(20))
        #expect(ContinuousClock.now - start >= .milliseconds(20))
    }

    @Test func `a wait that ran out does not spoil the next ones`() async {
        let bell = Bell()
        for _ in 0..<3 {
            let start = ContinuousClock.now
            await bell.wait(atMost: .milliseconds(10))
            #expect(ContinuousClock.now - start >= .milliseconds(10))
        }
        async let waiting: Void = bell.wait(atMost: .seconds(60))
        bell.ring()
        await waiting
    }

    @Test func `a cancelled wait returns`() async {
        let bell = Bell()
        let task = Task { await bell.wait() }
        task.cancel()
        await task.value
    }
}
