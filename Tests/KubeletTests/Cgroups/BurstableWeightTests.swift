import Support
import Testing

@testable import Kubelet

@Suite struct BurstableWeightTests {
    @Test func `a class weighs what its pods ask for together, and that is written once`() {
        var weight = BurstableWeight()
        weight.note("a", 500)
        #expect(weight.begin() == 512)
        // One at a time: who writes is told of what came meanwhile.
        weight.note("b", 1500)
        #expect(weight.begin() == nil)
        #expect(weight.end(isWritten: true) == 2048)
        #expect(weight.end(isWritten: true) == nil)
        weight.note("a", 500)
        #expect(weight.begin() == nil)
        weight.note("b", nil)
        #expect(weight.begin() == 512)
        // What failed is tried again.
        #expect(weight.end(isWritten: false) == nil)
        #expect(weight.begin() == 512)
        #expect(weight.end(isWritten: true) == nil)
        weight.note("a", nil)
        #expect(weight.begin() == 2)
    }

    @Test func `no sum is too large`() {
        var weight = BurstableWeight()
        for name in ["a", "b", "c"] { weight.note(name, .max) }
        #expect(weight.begin() == 262_144)
    }

    private actor Written {
        var last: Int64?

        func add(_ shares: Int64) { last = shares }
    }

    @Test func `what is written last is what holds, whoever writes`() async throws {
        let share = BurstableShare()
        let written = Written()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<50 {
                group.addTask {
                    try await share.change("\(number)", 1000) { shares in
                        await Task.yield()
                        await written.add(shares)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(await written.last == 50 * 1024)
    }
}
