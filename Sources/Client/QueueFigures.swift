public import Support
import Synchronization

/// What work queues did, under the names that Kubernetes' controllers have for the figures (client-go, "workqueue").
public final class QueueFigures: Sendable {
    private let queues = Mutex<[String: QueueFigure]>([:])

    public init() {}

    /// The figures of the queues of that name, together.
    public func queue(_ name: String) -> QueueFigure {
        queues.withLock { queues in
            if let figure = queues[name] { return figure }
            let figure = QueueFigure()
            queues[name] = figure
            return figure
        }
    }

    public func write(to text: inout MetricText) {
        let all = queues.withLock(\.self).sorted { $0.key < $1.key }.map {
            (labels: [("name", $0.key)], counts: $0.value.counts)
        }
        func write(_ name: String, _ kind: MetricText.Kind, _ help: String, _ value: (QueueFigure.Counts) -> Double) {
            text.begin("workqueue_" + name, kind, help)
            for queue in all { text.sample("workqueue_" + name, queue.labels, value(queue.counts)) }
        }
        func write(_ name: String, _ help: String, _ histogram: (QueueFigure.Counts) -> Histogram) {
            text.begin("workqueue_" + name, .histogram, help)
            for queue in all { histogram(queue.counts).write("workqueue_" + name, queue.labels, to: &text) }
        }
        write("depth", .gauge, "Keys that wait for a worker.") { Double($0.depth) }
        write("adds_total", .counter, "Keys that began to wait.") { Double($0.adds) }
        write("retries_total", .counter, "Keys whose work failed.") { Double($0.retries) }
        write("queue_duration_seconds", "How long keys waited for a worker.", \.waited)
        write("work_duration_seconds", "How long the work on keys took.", \.worked)
        let now = ContinuousClock.now
        func ages(_ counts: QueueFigure.Counts) -> [Double] { counts.begun.values.map { (now - $0) / .seconds(1) } }
        write("unfinished_work_seconds", .gauge, "How long the work that is under way has taken, all together.") {
            ages($0).reduce(0, +)
        }
        write("longest_running_processor_seconds", .gauge, "How long the longest work under way has taken.") {
            ages($0).max() ?? 0
        }
    }
}

/// What the queues of one name did.
public final class QueueFigure: Sendable {
    struct Counts: Sendable {
        var depth = 0
        var adds = 0
        var retries = 0
        var waited = Histogram(QueueFigure.bounds)
        var worked = Histogram(QueueFigure.bounds)
        /// When the work that is under way began.
        var begun: [Int: ContinuousClock.Instant] = [:]
        fileprivate var newest = 0
    }

    /// Seconds, from ten nanoseconds to a quarter of an hour.
    private static let bounds = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1, 10, 100, 1000]
    private let state = Mutex(Counts())

    var counts: Counts { state.withLock(\.self) }

    /// The queue has grown or shrunk to another length, and that many keys began to wait.
    func changed(depth: Int, adds: Int) {
        guard depth != 0 || adds != 0 else { return }
        state.withLock { state in
            state.depth += depth
            state.adds += adds
        }
    }

    /// The work on a key begins, which waited so long. Returns what to end it by.
    func begin(waited: Duration) -> Int {
        let now = ContinuousClock.now
        return state.withLock { state in
            state.waited.observe(waited)
            state.newest += 1
            state.begun[state.newest] = now
            return state.newest
        }
    }

    func end(_ id: Int, hasFailed: Bool) {
        let now = ContinuousClock.now
        state.withLock { state in
            if hasFailed { state.retries += 1 }
            if let begun = state.begun.removeValue(forKey: id) { state.worked.observe(now - begun) }
        }
    }
}
