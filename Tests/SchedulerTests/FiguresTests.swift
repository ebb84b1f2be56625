import Support
import Testing

@testable import Scheduler

@Suite struct FiguresTests {
    @Test func `what became of pods is told under Kubernetes' names`() {
        let figures = SchedulerFigures()
        figures.attempted("p", .unschedulable, .init(came: .zero, began: .seconds(1), attempts: 1), at: .seconds(1))
        figures.attempted("p", .scheduled, .init(came: .zero, began: .seconds(2), attempts: 2), at: .seconds(3))
        figures.preempted(3)
        figures.waiting([("active", 4), ("unschedulable", 5)])
        var text = MetricText()
        figures.write(to: &text)
        let lines = String(decoding: text.bytes, as: UTF8.self).split(separator: "\n").map(String.init)
        for line in [
            "scheduler_pending_pods{queue=\"unschedulable\"} 5",
            "scheduler_schedule_attempts_total{profile=\"p\",result=\"scheduled\"} 1",
            "scheduler_scheduling_attempt_duration_seconds_sum{profile=\"p\",result=\"scheduled\"} 1",
            "scheduler_pod_scheduling_sli_duration_seconds_sum{attempts=\"2\"} 3",
            "scheduler_preemption_victims_sum 3", "scheduler_preemption_attempts_total 1",
        ] {
            #expect(lines.contains(line))
        }
    }
}
