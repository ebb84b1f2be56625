import Support
import Testing

@testable import Datastore

@Suite struct OrderedMapTests {
    @Test(arguments: UInt64(0)..<20)
    func `it holds what a dictionary holds, in order of bytes`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var map = OrderedMap<Int>()
        var model: [String: Int] = [:]
        for step in 0..<3_000 {
            let key = "/\(Int.random(in: 0..<1_200, using: &random))"
            let value = Int.random(in: 0..<3, using: &random) == 0 ? nil : step
            (map[key], model[key]) = (value, value)
        }
        #expect(map.count == model.count)
        #expect(map.elements(from: "").map(\.key) == model.keys.sorted())
        #expect(map.elements(from: "").allSatisfy { model[$0.key] == $0.value })
        for bound in ["/5", "/500", "/", "/999", "/9999", "a", ""] {
            #expect(map.elements(from: bound).map(\.key) == model.keys.sorted().filter { $0 >= bound })
            #expect(
                map.elements(from: bound, inclusive: false).map(\.key)
                    == model.keys.sorted().filter { $0 > bound })
        }
    }

    @Test func `one character in two spellings is two keys`() {
        var map = OrderedMap<Int>()
        map["é"] = 1
        map["e\u{301}"] = 2
        #expect(map.count == 2)
        #expect(map["é"] == 1)
    }
}
