import API
import APIMachinery
import Logging
import Support
import Synchronization
import Testing
import Wire

@testable import Kubelet

@Suite struct LifecycleHookTests {
    /// Keeps what it is asked.
    private final class Listener: HTTPHandler {
        let asked = Mutex<[String]>([])

        func handle(_ request: HTTPRequest, _ exchange: HTTPExchange) {
            asked.withLock { $0.append("\(request.path) \(request.headers["User-Agent"] ?? "")") }
            exchange.respond(.internalServerError)
        }
    }

    private func run(_ hook: Value, _ container: Value = ["name": "a"], limit: Duration = .seconds(60)) async throws {
        try await LifecycleHook(runtime: FakeRuntime()).run(
            LifecycleHandler(hook), in: Container(container), id: "c1", podIP: "127.0.0.1", limit: limit)
    }

    @Test func `a request goes to the named port of the pod, and any answer will do`() async throws {
        let listener = Listener()
        let server = HTTPServer(handler: listener, log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let address = try await server.listen(on: .tcp(host: "127.0.0.1", port: 0))
        guard case .tcp(_, let port) = address else { throw Fault(.failed, "no port") }
        let ports: Value = [["name": "web", "containerPort": .integer(Int64(port))]]
        try await run(
            ["httpGet": ["path": "stop me", "port": "web"]], ["name": "a", "ports": ports])
        #expect(listener.asked.withLock(\.self) == ["/stop me kube-lifecycle/1.36"])
        await server.stop(within: .zero)
    }

    @Test func `a port that nobody has, and one that nobody listens on, fail the hook`() async throws {
        for port: Value in ["none", 0, 70_000, 1] {
            await #expect(throws: Fault.self) { try await run(["httpGet": ["path": "/", "port": port]]) }
        }
    }

    @Test func `a hook that Kubernetes has no action for fails`() async throws {
        for hook: Value in [["tcpSocket": ["port": 80]], [:]] {
            await #expect(throws: Fault.self) { try await run(hook) }
        }
    }

    @Test func `a sleep ends with the time that is left`() async throws {
        try await run(["sleep": ["seconds": 3600]], limit: .milliseconds(1))
    }

    @Test func `a sleep without an end can be cut short`() async throws {
        let hook = Task { try await LifecycleHook(runtime: FakeRuntime()).run(
            LifecycleHandler(["sleep": ["seconds": .integer(.max)]]), in: Container(["name": "a"]), id: "c1",
            podIP: "127.0.0.1", limit: nil) }
        try await Task.sleep(for: .milliseconds(20))
        hook.cancel()
        try await hook.value
    }
}
