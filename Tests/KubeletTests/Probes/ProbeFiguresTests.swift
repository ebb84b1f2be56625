import Support
import Testing

@testable import Kubelet

@Suite struct ProbeFiguresTests {
    private static func key(_ kind: ProbeKind) -> ProbeFigures.Key {
        ProbeFigures.Key(namespace: "ns", pod: "web", container: "c", kind: kind)
    }

    private static func samples(_ figures: ProbeFigures) -> [String] {
        String(decoding: figures.text, as: UTF8.self).split(separator: "\n").filter { !$0.hasPrefix("#") }.map(String.init)
    }

    @Test func `results are counted, and what succeeded is timed`() {
        var figures = ProbeFigures()
        for milliseconds in [4, 5, 30, 20_000] {
            figures.note("u1", Self.key(.readiness), .success, took: .milliseconds(milliseconds))
        }
        figures.note("u1", Self.key(.liveness), .failure("no"), took: .seconds(1))
        figures.note("u1", Self.key(.liveness), .unknown("?"), took: .seconds(1))
        let labels = #"container="c",namespace="ns",pod="web""#
        let timed = #"prober_probe_duration_seconds_bucket{\#(labels),probe_type="Readiness",le="#
        let samples = Self.samples(figures)
        #expect(
            samples.filter { $0.hasPrefix("prober_probe_total") } == [
                #"prober_probe_total{\#(labels),pod_uid="u1",probe_type="Liveness",result="failed"} 1"#,
                #"prober_probe_total{\#(labels),pod_uid="u1",probe_type="Liveness",result="unknown"} 1"#,
                #"prober_probe_total{\#(labels),pod_uid="u1",probe_type="Readiness",result="successful"} 4"#,
            ])
        #expect(samples.filter { $0.hasPrefix(timed) }.count == 12)
        for expected in [
            timed + #""0.005"} 2"#, timed + #""0.025"} 2"#, timed + #""0.05"} 3"#, timed + #""10"} 3"#, timed + #""+Inf"} 4"#,
            #"prober_probe_duration_seconds_count{\#(labels),probe_type="Readiness"} 4"#,
        ] { #expect(samples.contains(expected), "\(expected)") }
        #expect(!samples.contains { $0.contains("duration") && $0.contains("Liveness") })
    }

    @Test func `a pod that is gone is forgotten`() {
        var figures = ProbeFigures()
        figures.note("u1", Self.key(.startup), .success, took: .zero)
        figures.note("u2", Self.key(.startup), .success, took: .zero)
        figures.forget("u1")
        #expect(Self.samples(figures).allSatisfy { !$0.contains("u1") })
        figures.forget("u2")
        #expect(Self.samples(figures).isEmpty)
    }
}
