import Support
import Testing

@Suite struct DictionaryTests {
    @Test func `what was large once does not stay large`() {
        var numbers = Dictionary(uniqueKeysWithValues: (0..<50_000).map { ($0, -$0) })
        for number in 0..<49_000 { #expect(numbers.removeGivingBack(number) == -number) }
        #expect(numbers.removeGivingBack(0) == nil)
        #expect(numbers.count == 1000)
        #expect(numbers[49_999] == -49_999)
        #expect(numbers.capacity < 8000)
    }
}
