import API
import APIMachinery
import Runtime
import Support
import Wire

/// Runs what a container asks to be run after its start or before its end.
struct LifecycleHook: Sendable {
    let runtime: any RuntimeService
    let http: HTTPClient

    init(runtime: any RuntimeService) {
        self.runtime = runtime
        // Containers have whatever certificates they have.
        http = HTTPClient(tls: try? TLSClientIdentity(isVerifying: false))
    }

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
            let wanted = Duration.seconds(sleep.seconds)
            // A sleep that is cut short has done what it is for.
            try? await Task.sleep(for: limit.map { min($0, wanted) } ?? wanted)
        }
    }

    private func get(
        _ action: HTTPGetAction, _ container: Container, _ podIP: String, _ limit: Duration?
    ) async throws(Fault) {
        let host = action.host.isEmpty ? podIP : action.host
        guard let port = container.port(action.port) else {
            throw Fault(.invalid, "the container has no port \(action.port)")
        }
        let path = action.path.hasPrefix("/") ? action.path : "/" + action.path
        var headers: HTTPHeaders = [:]
        for header in action.httpHeaders { headers.add(header.name, header.valueText) }
        let origin = HTTPOrigin(.tcp(host: host, port: port), isSecure: action.scheme == "HTTPS")
        do {
            _ = try await http.send(
                HTTPClientRequest(.get, origin, path, headers: headers, timeout: limit))
        } catch {
            throw Fault(.failed, "the request to \(host):\(port)\(path) failed", cause: error)
        }
    }
}

extension Container {
    /// A port by its number or by its name.
    fileprivate func port(_ port: Value) -> Int? {
        if let number = port.integer { return Int(number) }
        guard let name = port.string else { return nil }
        return Int(name) ?? ports.first { $0.name == name }?.containerPort
    }
}
