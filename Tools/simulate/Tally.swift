import Simulation

/// What came of many seeds.
struct Tally {
    var lives = 0
    var failed = 0
    var writes = 0
    /// Seconds that passed in the clusters.
    var lasted = 0

    mutating func add(_ outcome: Scenario.Outcome) {
        lives += 1
        if !outcome.violations.isEmpty { failed += 1 }
        writes += outcome.trace.writes
        lasted += Int(outcome.lasted / .seconds(1))
    }

    mutating func add(_ other: Tally) {
        lives += other.lives
        failed += other.failed
        writes += other.writes
        lasted += other.lasted
    }

    /// One line that another process reads.
    var line: String { "tally \(lives) \(failed) \(writes) \(lasted)" }

    init() {}

    init?(line: some StringProtocol) {
        let numbers = line.split(separator: " ").dropFirst().compactMap { Int($0) }
        guard line.hasPrefix("tally "), numbers.count == 4 else { return nil }
        (lives, failed, writes, lasted) = (numbers[0], numbers[1], numbers[2], numbers[3])
    }

    func summary(isOne: Bool, took: Duration) -> String {
        let hours = lasted / 3600
        let rate = Int(Double(lives) / (took / .seconds(1)) * 60)
        return "\(lives) lives, \(failed) against the rules, \(writes) writes, \(hours) hours of cluster time"
            + (isOne ? "" : ", \(rate) lives a minute")
    }
}
