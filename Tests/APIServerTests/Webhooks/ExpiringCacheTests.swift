import Support
import Testing

@testable import APIServer

@Suite struct ExpiringCacheTests {
    private static let now = Timestamp(seconds: 1_800_000_000)

    @Test func `an answer counts until its time is over`() {
        let cache = ExpiringCache<String, Int>()
        cache.put(1, for: "a", until: Self.now + .seconds(10))
        #expect(cache.value(for: "a", at: Self.now) == 1)
        #expect(cache.value(for: "a", at: Self.now + .seconds(10)) == nil)
        #expect(cache.value(for: "b", at: Self.now) == nil)
        cache.put(2, for: "a", until: Self.now + .seconds(20))
        #expect(cache.value(for: "a", at: Self.now + .seconds(10)) == 2)
    }

    @Test func `what is used stays, and the rest has a bound`() {
        let cache = ExpiringCache<Int, Int>(limit: 8)
        let end = Self.now + .seconds(10)
        cache.put(0, for: 0, until: end)
        for number in 1...100 {
            cache.put(number, for: number, until: end)
            #expect(cache.value(for: 0, at: Self.now) == 0)
        }
        let kept = (0...100).filter { cache.value(for: $0, at: Self.now) != nil }
        #expect(kept.contains(100) && kept.count <= 8)
    }
}
