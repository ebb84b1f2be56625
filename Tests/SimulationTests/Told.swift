import Synchronization

/// Words that were said to somebody.
final class Told: Sendable {
    private let words = Mutex<[String]>([])
    var all: [String] { words.withLock(\.self) }
    func add(_ word: String) { words.withLock { $0.append(word) } }
}
