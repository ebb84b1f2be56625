import Support
import Testing

@Suite struct TimeLimitTests {
    @Test func `what is done in time is given`() async {
        let answer = await withTimeLimit(.seconds(60)) { 7 }
        #expect(answer == 7)
    }

    @Test func `what takes too long is cancelled and dropped`() async {
        let begun = ContinuousClock.now
        let answer = await withTimeLimit(.milliseconds(10)) {
            try? await Task.sleep(for: .seconds(60))
            return Task.isCancelled
        }
        #expect(answer == nil)
        #expect(ContinuousClock.now - begun < .seconds(30))
    }

    @Test func `a fault passes through`() async {
        await #expect(throws: Fault.self) {
            _ = try await withTimeLimit(.seconds(60)) { () throws(Fault) -> Int in throw Fault(.failed, "no") }
        }
    }
}
