import Support
import Synchronization

/// How long plug-ins and their phases took, under the names that Kubernetes has for the figures.
///
/// Every write passes dozens of plug-ins, so that each has its place in an array, and a phase takes the lock once.
final class AdmissionFigures: Sendable {
    /// The two halves of admission.
    enum Phase: Int, CaseIterable, Sendable {
        case admit, validate

        var name: String { self == .admit ? "admit" : "validate" }
    }

    /// The times of one phase of one request.
    struct Run: Sendable {
        fileprivate let phase: Phase
        fileprivate let operation: WriteRequest.Verb
        fileprivate var times: [(place: Int, time: Duration)] = []
        fileprivate let start = ContinuousClock.now
        fileprivate var last: ContinuousClock.Instant

        init(_ phase: Phase, _ operation: WriteRequest.Verb) {
            (self.phase, self.operation) = (phase, operation)
            last = start
        }

        /// A plug-in is done.
        mutating func passed(_ place: Int) {
            let now = ContinuousClock.now
            times.append((place, now - last))
            last = now
        }
    }

    private struct Series: Sendable {
        var histograms: [Histogram?]

        /// Phase, operation and refusal, as the index of a histogram.
        static func index(_ phase: Phase, _ operation: WriteRequest.Verb, _ isRejected: Bool) -> Int {
            (phase.rawValue * operations.count + (operations.firstIndex(of: operation) ?? 0)) * 2 + (isRejected ? 1 : 0)
        }

        static let operations: [WriteRequest.Verb] = [.create, .update, .delete, .connect]
        static let count = Phase.allCases.count * operations.count * 2

        init() { histograms = [Histogram?](repeating: nil, count: Self.count) }

        mutating func observe(_ index: Int, _ time: Duration) {
            if histograms[index] == nil { histograms[index] = Histogram(AdmissionFigures.bounds) }
            histograms[index]?.observe(time)
        }
    }

    /// Seconds.
    private static let bounds = [0.005, 0.025, 0.1, 0.5, 1, 2.5]
    private let names: [String]
    /// By plug-in; the last is of whole phases.
    private let state: Mutex<[Series]>

    init(_ names: [String]) {
        self.names = names
        state = Mutex([Series](repeating: Series(), count: names.count + 1))
    }

    /// Where the figures of a plug-in are kept.
    func place(of name: String) -> Int { names.firstIndex(of: name) ?? names.count }

    /// A phase is over: the last of its plug-ins refused, or none did.
    func count(_ run: Run, isRejected: Bool) {
        let passed = Series.index(run.phase, run.operation, false)
        let last = Series.index(run.phase, run.operation, isRejected)
        state.withLock { state in
            for (index, entry) in run.times.enumerated() {
                state[entry.place].observe(index == run.times.count - 1 ? last : passed, entry.time)
            }
            state[names.count].observe(last, run.last - run.start)
        }
    }

    func write(to text: inout MetricText) {
        let state = state.withLock(\.self)
        let plugins = "apiserver_admission_controller_admission_duration_seconds"
        text.begin(plugins, .histogram, "Time that admission plug-ins took.")
        for (name, series) in zip(names, state) { Self.write(plugins, [("name", name)], series, to: &text) }
        let phases = "apiserver_admission_step_admission_duration_seconds"
        text.begin(phases, .histogram, "Time that the phases of admission took.")
        if let series = state.last { Self.write(phases, [], series, to: &text) }
    }

    private static func write(
        _ name: String, _ labels: [(String, String)], _ series: Series, to text: inout MetricText
    ) {
        for phase in Phase.allCases {
            for operation in Series.operations {
                for isRejected in [false, true] {
                    guard let histogram = series.histograms[Series.index(phase, operation, isRejected)] else { continue }
                    let more = [
                        ("operation", operation.rawValue), ("rejected", isRejected ? "true" : "false"),
                        ("type", phase.name),
                    ]
                    histogram.write(name, labels + more, to: &text)
                }
            }
        }
    }
}
