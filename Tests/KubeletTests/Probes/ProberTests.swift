import API
import APIMachinery
import ClientTestSupport
import Logging
import Support
import Synchronization
import Testing

@testable import Kubelet

@Suite struct ProberTests {
    /// Says what the test wants, and tells the test of each probe.
    private final class Script: ProbeChecker {
        private let answers: Mutex<[String: [ProbeOutcome]]>
        private let told: AsyncStream<String>.Continuation
        let runs: AsyncStream<String>

        /// What each command finds, one after the other; the last stays.
        init(_ answers: [String: [ProbeOutcome]]) {
            self.answers = Mutex(answers)
            (runs, told) = AsyncStream.makeStream()
        }

        func check(_ action: ProbeAction, containerID: String, timeout: Duration) async -> ProbeOutcome {
            guard case .exec(let command) = action, let name = command.first else { return .unknown("") }
            let outcome = answers.withLock { answers in
                let outcome = answers[name]?.first ?? .success
                if let list = answers[name], list.count > 1 { answers[name] = Array(list.dropFirst()) }
                return outcome
            }
            told.yield(name)
            return outcome
        }
    }

    private final class Journal: Sendable {
        private let state = Mutex<[String]>([])
        var lines: [String] { state.withLock(\.self) }
        func add(_ line: String) { state.withLock { $0.append(line) } }
    }

    private static let started = Timestamp(seconds: 1_800_000_000)

    /// A prober whose clock the test moves, running as long as the body does.
    private func run(
        _ script: Script, _ container: String, status: String = "{}", startedAt: Timestamp = started,
        _ body: (Prober, ManualClock, _ changes: inout AsyncStream<String>.AsyncIterator) async throws -> Void
    ) async throws -> [String] {
        let clock = ManualClock()
        var log = Logger(label: "test")
        log.logLevel = .critical
        let origin = clock.now
        let prober = Prober(script, clock: clock, log: log) { Self.started + origin.duration(to: clock.now) }
        var pod = Pod(namespace: "default", name: "web")
        pod.metadata.uid = "uid"
        pod.value["status"] = try YAML.document(status)
        var container = Container(try YAML.document(container))
        container.name = "app"
        prober.start(pod, container, containerID: "c1", podIP: "10.0.0.1", startedAt: startedAt)
        let (changes, changed) = AsyncStream<String>.makeStream()
        let failures = Journal()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await prober.run(
                    changed: { changed.yield($0) },
                    failed: { uid, container, reason, message in
                        failures.add("\(uid) \(container) \(reason): \(message)")
                    })
            }
            var iterator = changes.makeAsyncIterator()
            try await body(prober, clock, &iterator)
            group.cancelAll()
        }
        return failures.lines
    }

    private static func probe(_ command: String, _ more: String = "failureThreshold: 1") -> String {
        "{exec: {command: [\(command)]}, periodSeconds: 10, \(more)}"
    }

    @Test func `probes follow each other from start to restart`() async throws {
        let script = Script([
            "start": [.failure("not yet"), .success], "ready": [.success],
            "live": [.success, .failure("dead"), .success],
        ])
        let container = """
            startupProbe: \(Self.probe("start", "failureThreshold: 5"))
            readinessProbe: \(Self.probe("ready"))
            livenessProbe: \(Self.probe("live", "failureThreshold: 1, initialDelaySeconds: 15"))
            """
        let failures = try await run(script, container) { prober, clock, changes in
            var runs = script.runs.makeAsyncIterator()
            #expect(await runs.next() == "start")
            #expect(!prober.verdict(containerID: "c1").isStarted)
            await clock.waitForSleepers()
            clock.advance(by: .seconds(10))
            #expect(await runs.next() == "start")
            #expect(await changes.next() == "uid")
            // Readiness is asked at once, liveness after its delay.
            #expect(await runs.next() == "ready")
            #expect(await changes.next() == "uid")
            #expect(prober.verdict(containerID: "c1") == ProbeVerdict(isStarted: true, isReady: true))
            await clock.waitForSleepers()
            clock.advance(by: .seconds(5))
            #expect(await runs.next() == "live")
            await clock.waitForSleepers()
            clock.advance(by: .seconds(10))
            var seen: Set<String> = []
            while seen != ["live", "ready"] { seen.insert(await runs.next() ?? "") }
            #expect(await changes.next() == "uid")
            #expect(prober.verdict(containerID: "c1").shouldRestart)
        }
        #expect(
            failures == [
                "uid app Unhealthy: Startup probe failed: not yet",
                "uid app Unhealthy: Liveness probe failed: dead",
            ])
    }

    @Test(.timeLimit(.minutes(1)))
    func `a container that started before the clock was put back is probed now`() async throws {
        let script = Script(["ready": [.success]])
        let later = Self.started + .seconds(1_000_000_000)
        _ = try await run(
            script, "readinessProbe: \(Self.probe("ready", "initialDelaySeconds: 15"))", startedAt: later
        ) { prober, clock, changes in
            #expect(await changes.next() == "uid")
            #expect(prober.verdict(containerID: "c1").isReady)
        }
    }

    @Test func `a probe that could not be made changes nothing, but is told`() async throws {
        let script = Script(["ready": [.unknown("no runtime"), .success]])
        let failures = try await run(script, "readinessProbe: \(Self.probe("ready"))") {
            prober, clock, changes in
            var runs = script.runs.makeAsyncIterator()
            #expect(await runs.next() == "ready")
            await clock.waitForSleepers()
            clock.advance(by: .seconds(10))
            #expect(await changes.next() == "uid")
            #expect(prober.verdict(containerID: "c1").isReady)
        }
        #expect(
            failures == [
                "uid app Unhealthy: Readiness probe errored and resulted in unknown state: no runtime"
            ])
    }

    @Test func `a container that was ready stays ready over a restart of the kubelet`() async throws {
        let status =
            "{containerStatuses: [{name: app, containerID: 'containerd://c1', ready: true, started: true}]}"
        let script = Script(["ready": [.failure("gone")]])
        _ = try await run(
            script, "readinessProbe: \(Self.probe("ready", "failureThreshold: 2"))", status: status
        ) {
            prober, clock, changes in
            var runs = script.runs.makeAsyncIterator()
            #expect(await runs.next() == "ready")
            #expect(prober.verdict(containerID: "c1").isReady)
            await clock.waitForSleepers()
            clock.advance(by: .seconds(10))
            #expect(await changes.next() == "uid")
            #expect(!prober.verdict(containerID: "c1").isReady)
        }
    }

    @Test func `a container that ended is probed no more, and nothing is known of it`() async throws {
        let script = Script(["ready": [.success]])
        _ = try await run(script, "readinessProbe: \(Self.probe("ready"))") { prober, clock, changes in
            #expect(await changes.next() == "uid")
            prober.stop(containerID: "c1")
            #expect(prober.verdict(containerID: "c1") == ProbeVerdict(isStarted: false, isReady: false))
        }
    }
}
