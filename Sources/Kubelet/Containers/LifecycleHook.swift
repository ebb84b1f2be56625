import API
import APIMachinery
import Runtime
import Support
import Wire

/// Runs what a container asks to be run after its start or before its end.
struct LifecycleHook: Sendable {
    let runtime: any RuntimeService

    /// Ends when the hook does, `limit` at the latest. Fails when the hook did.
    func run(
        _ hook: LifecycleHandler, in container: Container, id: String, podIP: String, limit: Duration?
    ) async throws(Fault) {
        if let command = hook.exec?.command {
            let answer = try await runtime.execSync(id, command, timeout: limit)
            guard answer.exitCode == 0 else {
                throw Fault(.failed, "the command ended with exit code \(answer.exitCode)")
            }
        } else if let request = hook.httpGet {
            try await get(request, container, podIP, limit)
        } else if let sleep = hook.sleep {
            let wanted = Duration.seconds(min(sleep.seconds, PodFacts.longestGrace))
            // A sleep that is cut short has done what it is for.
            try? await Task.sleep(for: limit.map { min($0, wanted) } ?? wanted)
        } else {
            // `tcpSocket` is in the API for old objects' sake: "lifecycle hooks will fail at runtime when it is
            // specified".
            throw Fault(.unsupported, "invalid handler: a hook is a command, a request over HTTP or a sleep")
        }
    }

    private func get(
        _ action: HTTPGetAction, _ container: Container, _ podIP: String, _ limit: Duration?
    ) async throws(Fault) {
        let request = try ContainerRequest(action, in: container, podIP: podIP, .hook)
        let client = try HTTPClient.toContainer(within: limit ?? HTTPClientLimits().connectTimeout)
        var sent = request.request
        sent.timeout = limit
        do { _ = try await client.send(sent) } catch {
            throw Fault(.failed, "the request to \(request.url) failed", cause: error)
        }
    }
}
