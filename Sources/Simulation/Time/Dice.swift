import Support
import Synchronization

/// Decisions of chance, of one kind: a stream of its own, so that one more decision here moves none elsewhere.
final class Dice: Sendable {
    private let random: Mutex<SeededRandom>

    init(seed: UInt64, _ purpose: String) {
        // FNV-1a: the process's own hashes are not for ever the same.
        let salt = purpose.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        random = Mutex(SeededRandom(seed: seed ^ salt))
    }

    func bits() -> UInt64 { random.withLock { $0.next() } }

    func number(in range: ClosedRange<Int>) -> Int { random.withLock { Int.random(in: range, using: &$0) } }

    /// Whether something happens that happens so often, 0 ... 1.
    func happens(_ probability: Double) -> Bool {
        probability > 0 && random.withLock { Double.random(in: 0..<1, using: &$0) } < probability
    }

    /// In whole microseconds, so that it reads well.
    func span(_ range: ClosedRange<Duration>) -> Duration {
        let (low, high) = (range.lowerBound / .microseconds(1), range.upperBound / .microseconds(1))
        return .microseconds(random.withLock { Int64.random(in: Int64(low)...Int64(high), using: &$0) })
    }

    func element<C: RandomAccessCollection>(of choices: C) -> C.Element? {
        guard !choices.isEmpty else { return nil }
        let offset = number(in: 0...(choices.count - 1))
        return choices[choices.index(choices.startIndex, offsetBy: offset)]
    }
}
