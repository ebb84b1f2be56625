import Synchronization

/// Times of requests, in the order they ended.
struct Times: Sendable {
    private(set) var milliseconds: [Double] = []
    private(set) var refused = 0

    mutating func add(_ duration: Duration, isGood: Bool) {
        milliseconds.append(duration / .milliseconds(1))
        if !isGood { refused += 1 }
    }

    mutating func add(_ other: Times) {
        milliseconds += other.milliseconds
        refused += other.refused
    }

    func percentile(_ part: Double) -> Double {
        guard !milliseconds.isEmpty else { return 0 }
        let sorted = milliseconds.sorted()
        return sorted[min(sorted.count - 1, Int(Double(sorted.count) * part))]
    }
}

/// Hands out 0, 1, 2, ...
final class Numbers: Sendable {
    private let taken = Atomic(0)

    func next() -> Int { taken.wrappingAdd(1, ordering: .relaxed).oldValue }
}

/// Sends `count` requests over so many connections, at most as long as `limit`, and prints the line.
///
/// `request` is told the number of the request and returns the status of the answer.
func measure(
    _ what: String, connections: Int, count: Int, limit: Duration = .seconds(10),
    _ request: @escaping @Sendable (Int) async throws -> Int
) async throws -> Int {
    let numbers = Numbers()
    let start = ContinuousClock.now
    let times = try await withThrowingTaskGroup(of: Times.self) { group in
        for _ in 0..<connections {
            group.addTask {
                var times = Times()
                while start.duration(to: .now) < limit {
                    let number = numbers.next()
                    guard number < count else { break }
                    let begun = ContinuousClock.now
                    let status = try await request(number)
                    times.add(begun.duration(to: .now), isGood: status < 300)
                }
                return times
            }
        }
        return try await group.reduce(into: Times()) { $0.add($1) }
    }
    let seconds = start.duration(to: .now) / .seconds(1)
    report(what, times, Double(times.milliseconds.count) / seconds)
    return times.milliseconds.count
}

/// Prints one line; `rate` in requests per second, where that means something.
func report(_ what: String, _ times: Times, _ rate: Double? = nil) {
    var words = [what.padded(to: 34)]
    if let rate { words.append("\(Int(rate.rounded()))/s".padded(to: 10)) }
    words.append("p50 \(times.percentile(0.5).rounded(to: 2)) ms".padded(to: 16))
    words.append("p99 \(times.percentile(0.99).rounded(to: 2)) ms".padded(to: 16))
    words.append("n=\(times.milliseconds.count)")
    if times.refused > 0 { words.append("REFUSED \(times.refused)") }
    Console.write(words.joined(separator: " ") + "\n")
}

extension String {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}

extension Double {
    fileprivate func rounded(to digits: Int) -> Double {
        let factor = digits == 2 ? 100.0 : 10.0
        return (self * factor).rounded() / factor
    }
}
