import API
import APIMachinery
import Client
import Host
import Runtime
import Support
import Testing

@testable import Kubelet

/// A kubelet, and a logind on a real bus.
@Suite(.timeLimit(.minutes(1)))
struct ShutdownTests {
    private static func with(
        _ arguments: [String: String], _ body: @escaping @Sendable (KubeletWorld, FakeLogind) async throws -> Void
    ) async throws {
        try await KubeletWorld.with { world in
            let logind = FakeLogind(configuration: world.folder + "/logind.conf.d")
            defer { logind.cleanUp() }
            var world = world
            (world.bus, world.arguments) = (logind.path, arguments)
            let here = world
            try await logind.with { try await here.run { try await body(here, logind) } }
        }
    }

    private static func pod(_ world: KubeletWorld, _ name: String, priority: Int) -> Pod {
        var pod = world.pod(name)
        pod.spec.priority = priority
        return pod
    }

    private static func isReady(_ world: KubeletWorld) -> NodeCondition? {
        world.client.present(Node.self, ObjectName(name: "n1"))?.status.conditions.first { $0.type == "Ready" }
    }

    private static func eventually(_ condition: () -> Bool) async throws {
        while !condition() { try await Task.sleep(for: .milliseconds(10)) }
    }

    @Test func `a machine that goes down waits for its pods, the critical ones last`() async throws {
        try await Self.with([
            "shutdown-grace-period": "30s", "shutdown-grace-period-critical-pods": "10s",
        ]) { world, logind in
            for (name, priority) in [("core", 2_000_000_000), ("web", 0)] {
                world.client.put(Self.pod(world, name, priority: priority))
                try await world.until(name) { $0?.isReady ?? false }
            }
            await logind.given(1)
            let words = ["shutdown", "kubelet", "Kubelet needs time to handle node shutdown", "delay"]
            #expect(logind.present.wishes == [words.map { .string($0) }] && logind.isHeld)
            // It would not have waited long enough.
            #expect(logind.present.delay == 30 && logind.present.calls == ["Get", "KillUnit", "Get", "Inhibit"])

            try logind.prepareForShutdown(true)
            await logind.released()
            for name in ["web", "core"] {
                let status = try #require(world.client.present(Pod.self, ObjectName(namespace: "default", name: name))).status
                #expect(status.phase == "Failed" && status.reason == "Terminated")
                #expect(status.message == "Pod was terminated in response to imminent node shutdown.")
                let condition = try #require(status.conditions.first { $0.type == "DisruptionTarget" })
                #expect(condition.reason == "TerminationByKubelet" && condition.message == status.message)
            }
            // What is not known to have stopped is asked once more.
            let stops = world.runtime.calls.filter { $0.hasPrefix("stop ") }
            let first = stops.prefix { $0.hasPrefix("stop web") }
            #expect(Set(first) == ["stop web 5", "stop web"])
            #expect(Set(stops.dropFirst(first.count)) == ["stop core 5", "stop core"])
            try await Self.eventually { Self.isReady(world)?.status == "False" }
            let ready = try #require(Self.isReady(world))
            #expect(ready.reason == "KubeletNotReady" && ready.message == "node is shutting down")

            world.client.put(Self.pod(world, "late", priority: 0))
            try await world.until("late") { $0?.status.phase == "Failed" }
            let late = try #require(world.client.present(Pod.self, ObjectName(namespace: "default", name: "late")))
            #expect(late.status.reason == "NodeShutdown" && late.status.message.hasSuffix("the node is shutting down."))

            // Somebody thought better of it.
            try logind.prepareForShutdown(false)
            await logind.given(2)
            try await Self.eventually { Self.isReady(world)?.status == "True" }
            #expect(logind.isHeld)
            world.client.put(Self.pod(world, "next", priority: 0))
            try await world.until("next") { $0?.isReady ?? false }
            let events = try await world.client.observe(Event.self)
            try await Self.eventually {
                let told = events.list(namespace: nil).map { Event($0) }.filter { $0.reason == "NodeShutdown" }
                return Set(told.map(\.message)).isSuperset(of: [
                    "Shutdown manager detected shutdown event", "Shutdown manager detected shutdown cancellation",
                ])
            }
            let times = try ShutdownTimes(json: Files.read(world.folder + "/kubelet/graceful_node_shutdown_state"))
            #expect(try #require(times.begin) <= #require(times.end))
        }
    }

    @Test func `pods that do not end in their time are not waited for`() async throws {
        try await Self.with(["shutdown-grace-period-by-pod-priority": "0:1"]) { world, logind in
            let bell = Bell()
            world.runtime.change { $0.whileStopping = { await bell.wait() } }
            world.client.put(Self.pod(world, "web", priority: 0))
            try await world.until("web") { $0?.isReady ?? false }
            await logind.given(1)
            #expect(logind.present.calls == ["Get", "Inhibit"])
            let begin = ContinuousClock.now
            try logind.prepareForShutdown(true)
            await logind.released()
            #expect(.now - begin >= .seconds(1))
            #expect(world.runtime.container(named: "web")?.state == .running)
            bell.ring()
        }
    }

    @Test func `a bus that comes back is joined again`() async throws {
        try await KubeletWorld.with { world in
            let logind = FakeLogind(configuration: world.folder + "/logind.conf.d")
            defer { logind.cleanUp() }
            var world = world
            (world.bus, world.arguments) = (logind.path, ["shutdown-grace-period": "2s"])
            let here = world
            let (begun, input) = AsyncStream<Void>.makeStream()
            try await withThrowingTaskGroup { group in
                group.addTask {
                    try await logind.with {
                        input.finish()
                        await logind.given(1)
                    }
                    try await logind.with { await logind.given(2) }
                }
                group.addTask {
                    for await _ in begun {}
                    try await here.run { await Bell().wait() }
                }
                try await group.next()
                group.cancelAll()
            }
            #expect(logind.present.wishes.count == 2)
        }
    }

    @Test func `a logind that takes a call and does not answer is asked again`() async throws {
        try await KubeletWorld.with { world in
            let logind = FakeLogind(configuration: world.folder + "/logind.conf.d")
            defer { logind.cleanUp() }
            var world = world
            (world.bus, world.busPatience) = (logind.path, .milliseconds(200))
            world.arguments = ["shutdown-grace-period": "2s"]
            logind.ignore(1)
            let here = world
            try await logind.with { try await here.run { await logind.given(1) } }
            #expect(logind.present.calls == ["Get", "Get", "Inhibit"])
        }
    }

    @Test func `a kubelet that is told no period asks nobody`() async throws {
        try await Self.with([:]) { world, logind in
            world.client.put(Self.pod(world, "web", priority: 0))
            try await world.until("web") { $0?.isReady ?? false }
            #expect(logind.present.calls.isEmpty)
        }
    }
}
