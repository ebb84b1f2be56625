import Support
import Synchronization

/// What is counted of the requests of one FlowSchema at one priority level.
final class FlowFigures: Sendable {
    struct Counts: Sendable {
        var dispatched = 0
        var executing = 0
        var waiting = 0
        var refused: [SeatLedger.Refusal: Int] = [:]
        var waited = Histogram(FlowFigures.bounds)
        var refusedAfter = Histogram(FlowFigures.bounds)
        var executed = Histogram(FlowFigures.bounds)
        /// Of watches until they have begun.
        var begun = Histogram(FlowFigures.bounds)
    }

    /// Seconds.
    private static let bounds = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30]

    let schema: String
    let level: String
    private let counts = Mutex(Counts())

    init(schema: String, level: String) {
        self.schema = schema
        self.level = level
    }

    var current: Counts { counts.withLock(\.self) }

    func change(_ body: (inout Counts) -> Void) { counts.withLock { body(&$0) } }

    func started(after waited: Duration) {
        counts.withLock { counts in
            counts.dispatched += 1
            counts.executing += 1
            counts.waited.observe(waited / .seconds(1))
        }
    }

    /// A watch needs its seat only until it has begun.
    func ended(after time: Duration, isWatch: Bool) {
        counts.withLock { counts in
            counts.executing -= 1
            if isWatch {
                counts.begun.observe(time / .seconds(1))
            } else {
                counts.executed.observe(time / .seconds(1))
            }
        }
    }

    func refused(_ why: SeatLedger.Refusal, after waited: Duration) {
        counts.withLock { counts in
            counts.refused[why, default: 0] += 1
            counts.refusedAfter.observe(waited / .seconds(1))
        }
    }

    // MARK: Writing

    /// The figures of all flows.
    static func write(_ flows: [FlowFigures], to text: inout MetricText) {
        let all = flows.map { flow in
            (
                labels: [("flow_schema", flow.schema), ("priority_level", flow.level)],
                counts: flow.counts.withLock(\.self)
            )
        }
        func write(_ name: String, _ kind: MetricText.Kind, _ help: String, _ value: (Counts) -> Int) {
            text.begin("apiserver_flowcontrol_" + name, kind, help)
            for flow in all { text.sample("apiserver_flowcontrol_" + name, flow.labels, Double(value(flow.counts))) }
        }
        write("dispatched_requests_total", .counter, "Requests that began to run.", \.dispatched)
        write("current_executing_requests", .gauge, "Requests that run.", \.executing)
        write("current_inqueue_requests", .gauge, "Requests that wait for seats.", \.waiting)
        let rejected = "apiserver_flowcontrol_rejected_requests_total"
        text.begin(rejected, .counter, "Requests that were refused for want of seats.")
        for flow in all {
            for (why, count) in flow.counts.refused.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
                text.sample(rejected, flow.labels + [("reason", why.rawValue)], Double(count))
            }
        }
        let waited = "apiserver_flowcontrol_request_wait_duration_seconds"
        text.begin(waited, .histogram, "How long requests waited for seats, or to be refused.")
        for flow in all where flow.counts.dispatched > 0 {
            flow.counts.waited.write(waited, [("execute", "true")] + flow.labels, to: &text)
        }
        for flow in all where !flow.counts.refused.isEmpty {
            flow.counts.refusedAfter.write(waited, [("execute", "false")] + flow.labels, to: &text)
        }
        let executed = "apiserver_flowcontrol_request_execution_seconds"
        text.begin(executed, .histogram, "How long requests ran, and watches took to begin.")
        for flow in all where flow.counts.dispatched > 0 {
            flow.counts.executed.write(executed, flow.labels + [("type", "regular")], to: &text)
            flow.counts.begun.write(executed, flow.labels + [("type", "watch")], to: &text)
        }
    }

    /// The seats of all levels.
    static func write(_ ledger: SeatLedger, to text: inout MetricText) {
        let levels = ledger.levels.sorted { $0.value.settings.name < $1.value.settings.name }
        func write(_ name: String, _ help: String, _ value: (SeatLedger.LevelID, SeatLedger.Level) -> Int) {
            text.begin("apiserver_flowcontrol_" + name, .gauge, help)
            for (id, level) in levels {
                text.sample(
                    "apiserver_flowcontrol_" + name, [("priority_level", level.settings.name)],
                    Double(value(id, level)))
            }
        }
        write("nominal_limit_seats", "Seats that are a level's own.") { $1.limits.nominal }
        write("lower_limit_seats", "Seats that a level keeps whatever others need.") { $1.limits.least }
        write("upper_limit_seats", "Seats that a level may have with those that others lend.") { $1.limits.most }
        write("current_limit_seats", "Seats that a level could have now.") { id, _ in ledger.currentLimit(id) }
        write("current_executing_seats", "Seats that are taken.") { $1.inUse }
    }
}
