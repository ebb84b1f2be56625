import API
import APIMachinery
import Support
import Testing

@testable import Kubelet

@Suite struct ProbeStateTests {
    private static func container(_ text: String) throws -> Container {
        var container = Container(try YAML.document(text))
        container.name = "app"
        return container
    }

    /// Results are letters, `s` and `f`; what counts after each is `s`, `f` or `?`.
    @Test(arguments: [
        (ProbeKind.readiness, 1, 3, "ffsfff", "ffsssf"), (.readiness, 2, 1, "ssfs", "fsff"),
        (.readiness, 1, 3, "sffsff", "ssssss"), (.liveness, 1, 3, "ffff", "ssff"),
        (.liveness, 1, 3, "ffsff", "sssss"),
        (.liveness, 1, 1, "fs", "ff"), (.startup, 1, 3, "fffs", "??ff"), (.startup, 1, 3, "ffsf", "??ss"),
    ])
    func `results count when enough came in a row`(
        kind: ProbeKind, successes: Int, failures: Int, results: String, expected: String
    ) {
        var probe = Probe()
        (probe.successThreshold, probe.failureThreshold) = (successes, failures)
        var state = ProbeState(kind, ProbeSchedule(probe))
        var counted = ""
        for letter in results {
            let before = state.isSuccess
            let isChanged = state.record(letter == "s")
            #expect(isChanged == (state.isSuccess != before))
            counted += state.isSuccess.map { $0 ? "s" : "f" } ?? "?"
        }
        #expect(counted == expected)
    }

    @Test func `numbers that are left out are those of the API`() {
        let schedule = ProbeSchedule(Probe())
        #expect(schedule.period == .seconds(10) && schedule.timeout == .seconds(1))
        #expect(schedule.successThreshold == 1 && schedule.failureThreshold == 3)
        #expect(schedule.initialDelay == .zero)
    }

    @Test func `until a container has started only its startup probe runs`() throws {
        var probes = ContainerProbes(
            try Self.container("{startupProbe: {failureThreshold: 2}, livenessProbe: {}, readinessProbe: {}}")
        )
        #expect(probes.verdict == ProbeVerdict(isStarted: false, isReady: false))
        #expect(probes.schedule(ofRunnable: .startup) != nil)
        #expect(
            probes.schedule(ofRunnable: .liveness) == nil && probes.schedule(ofRunnable: .readiness) == nil)
        let early = probes.record(.startup, false)
        #expect(!early)
        let change1 = probes.record(.startup, true)
        #expect(change1)
        #expect(probes.verdict == ProbeVerdict(isStarted: true, isReady: false))
        #expect(probes.schedule(ofRunnable: .startup) == nil, "it has said all it has to say")
        #expect(
            probes.schedule(ofRunnable: .liveness) != nil && probes.schedule(ofRunnable: .readiness) != nil)
        let change2 = probes.record(.readiness, true)
        #expect(change2)
        #expect(probes.verdict == ProbeVerdict(isStarted: true, isReady: true))
    }

    @Test(arguments: [
        (
            "startupProbe: {failureThreshold: 1}", ProbeKind.startup,
            "Container app failed startup probe, will be restarted"
        ),
        (
            "livenessProbe: {failureThreshold: 1, terminationGracePeriodSeconds: 7}", .liveness,
            "Container app failed liveness probe, will be restarted"
        ),
    ])
    func `a failed startup or liveness probe asks for a restart`(
        probe: String, kind: ProbeKind, message: String
    ) throws {
        var probes = ContainerProbes(try Self.container(probe))
        #expect(!probes.verdict.shouldRestart)
        let change3 = probes.record(kind, false)
        #expect(change3)
        #expect(probes.verdict.shouldRestart && probes.verdict.message == message)
        #expect(probes.verdict.terminationGracePeriod == (kind == .liveness ? .seconds(7) : nil))
        #expect(probes.schedule(ofRunnable: kind) == nil)
    }

    @Test func `a container without probes is ready`() throws {
        #expect(
            ContainerProbes(try Self.container("{}")).verdict == ProbeVerdict(isStarted: true, isReady: true))
    }

    @Test func `what an earlier process found out holds until a probe says otherwise`() throws {
        let container = try Self.container("{startupProbe: {}, readinessProbe: {failureThreshold: 1}}")
        var probes = ContainerProbes(container, wasStarted: true, wasReady: true)
        #expect(probes.verdict == ProbeVerdict(isStarted: true, isReady: true))
        #expect(probes.schedule(ofRunnable: .startup) == nil)
        let change4 = probes.record(.readiness, false)
        #expect(change4)
        #expect(!probes.verdict.isReady)
    }
}
