import Glibc
import Simulation
import Support

/// What was asked for on the command line.
struct Command {
    static let usage = """
        usage: simulate [--seed N [--trace]] [--seeds A-B] [--seconds N] [--operations N] [--jobs N] [--week] [--scale]

        Lives the lives of small clusters, one for each seed, with faults, and says what was against the rules.

          --seed N        that one alone; exits with 1 when something was against the rules
          --trace         tells everything that happens
          --seeds A-B     these, both included (default 1-1000)
          --seconds N     as many as can be lived in this time, from A on
          --operations N  how much users do in each life
          --jobs N        in so many processes (default 2)
          --week          one life of a week
          --scale         500 nodes and 15,000 pods without faults: what that takes
        """

    /// The variable at which Swift's hashes are the same in each process.
    static let fixedHashes = "SWIFT_DETERMINISTIC_HASHING"

    private let arguments: [String]
    private var scenario = Scenario(seed: 1)
    private var seeds: ClosedRange<UInt64> = 1...1000
    private var seconds: Int?
    private var jobs = 2
    private var isTraced = false
    private var isScale = false
    /// Which process this is of those that share the seeds.
    private var share: Int?

    init(arguments: [String]) throws(Fault) {
        self.arguments = arguments
        var rest = arguments.dropFirst()
        while let option = rest.popFirst() {
            switch option {
            case "--seed":
                let seed = try Self.number(option, &rest)
                seeds = seed...seed
                jobs = 1
            case "--seeds": seeds = try Self.range(option, &rest)
            case "--seconds": seconds = try Self.count(option, &rest)
            case "--operations": scenario.operations = try Self.count(option, &rest)
            case "--jobs": jobs = max(1, try Self.count(option, &rest))
            case "--trace": isTraced = true
            case "--week":
                scenario = .week(seed: 1)
                (seeds, jobs) = (1...1, 1)
            case "--scale": isScale = true
            case "--share": share = try Self.count(option, &rest)
            case "--help":
                Terminal.write(Self.usage)
                exit(0)
            default: throw Fault(.invalid, "\(option) is not known", remedy: Self.usage)
            }
        }
    }

    private static func number(_ option: String, _ rest: inout ArraySlice<String>) throws(Fault) -> UInt64 {
        guard let number = rest.popFirst().flatMap({ UInt64($0) }), number <= 1 << 62 else {
            throw Fault(.invalid, "\(option) needs a number", remedy: usage)
        }
        return number
    }

    private static func count(_ option: String, _ rest: inout ArraySlice<String>) throws(Fault) -> Int {
        Int(try number(option, &rest))
    }

    private static func range(_ option: String, _ rest: inout ArraySlice<String>) throws(Fault) -> ClosedRange<UInt64> {
        let parts = (rest.popFirst() ?? "").split(separator: "-").map { UInt64($0) }
        guard parts.count == 2, let first = parts[0], let last = parts[1], first <= last else {
            throw Fault(.invalid, "\(option) needs a range such as 1-100", remedy: usage)
        }
        return first...last
    }

    func run() throws(Fault) {
        try fixHashes()
        if isScale { return Terminal.write(try Scale().run(try BootImage.make()).description) }
        let began = ContinuousClock.now
        var tally = Tally()
        if let share {
            // For the process that started this one.
            return Terminal.write(try live(Share(of: seeds, number: share, outOf: jobs, seconds: seconds)).line)
        } else if jobs == 1 {
            tally = try live(Share(of: seeds, number: 0, outOf: 1, seconds: seconds))
        } else {
            var workers: [Worker] = []
            for number in 0..<jobs { workers.append(try Worker(arguments + ["--share", String(number)])) }
            for worker in workers { tally.add(try worker.finish()) }
        }
        Terminal.write(tally.summary(isOne: seeds.count == 1, took: ContinuousClock.now - began))
        if tally.failed > 0 { exit(1) }
    }

    /// Hashes are other ones in each process unless the environment says otherwise; what happens must not depend on
    /// them.
    private func fixHashes() throws(Fault) {
        guard getenv(Self.fixedHashes) == nil else { return }
        setenv(Self.fixedHashes, "1", 1)
        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        // Returns only when it fails.
        execv("/proc/self/exe", &words)
        throw Fault(.failed, "the program cannot start itself again: \(String(cString: strerror(errno)))")
    }

    /// Lives these seeds one after the other.
    private func live(_ seeds: Share) throws(Fault) -> Tally {
        let image = try BootImage.make()
        var tally = Tally()
        for seed in seeds {
            var scenario = scenario
            scenario.seed = seed
            if isTraced { scenario.trace = { Terminal.write($0) } }
            let outcome = try scenario.run(image)
            tally.add(outcome)
            if let violation = outcome.violations.first {
                Terminal.write("seed \(seed): \(violation)\n    again: simulate --seed \(seed) --trace")
            } else if self.seeds.count == 1 {
                Terminal.write("seed \(seed): trace \(outcome.trace), \(outcome.trace.writes) writes, \(outcome.lasted)")
            }
        }
        return tally
    }
}
