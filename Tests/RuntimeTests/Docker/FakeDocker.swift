import APIMachinery
import Host
import Logging
import Support
import Synchronization
import Wire

@testable import Runtime

/// A Docker without containers behind a Unix socket: it remembers what it is asked, and what was made of it.
final class FakeDocker: Sendable {
    struct Call: Sendable {
        var method: String
        var target: String
        var body: Value
    }

    private struct State {
        var calls: [Call] = []
        var containers: [String: Value] = [:]
        var names: [String: String] = [:]
        var images: Set<String> = []
        var events: [HTTPBodyWriter] = []
        var next = 0
    }

    let folder = "/tmp/k3s-fake-docker-\(UInt64.random(in: 0...UInt64.max))"
    var socket: String { folder + "/docker.sock" }
    private let state = Mutex(State())

    var calls: [Call] { state.withLock { $0.calls } }
    var containers: [String: Value] { state.withLock { $0.containers } }

    func add(image: String) { state.withLock { _ = $0.images.insert(image) } }

    /// The method and the path, without version and query, of all calls since.
    func paths() -> [String] {
        calls.map { call in
            let path = call.target.prefix { $0 != "?" }
            return call.method + " " + String(path.hasPrefix("/v1.41") ? path.dropFirst(6) : path)
        }
    }

    func forget() { state.withLock { $0.calls = [] } }

    /// Tells everybody who listens.
    func tell(_ event: String) {
        for writer in state.withLock({ $0.events }) { _ = writer.write(Array((event + "\n").utf8)) }
    }

    /// Serves while `body` runs.
    func serve(_ body: @Sendable () async throws -> Void) async throws {
        try Files.makeDirectory(folder)
        try Files.write("nameserver 192.0.2.1\n", to: folder + "/resolv.conf")
        defer { try? Files.remove(folder) }
        let server = HTTPServer(handler: Handler(docker: self), log: Logger(label: "docker"))
        _ = try await server.listen(on: .unix(path: socket))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await server.run() }
            do { try await body() } catch {
                await server.stop(within: .zero)
                throw error
            }
            await server.stop(within: .zero)
        }
    }

    private struct Handler: HTTPHandler {
        let docker: FakeDocker

        func handle(_ request: HTTPRequest, _ exchange: HTTPExchange) {
            // It goes on when the task of an answer has ended.
            guard !request.path.hasSuffix("/events") else { return docker.listen(request, exchange) }
            exchange.run {
                let bytes = try await exchange.body(limit: 8 << 20)
                try await docker.answer(request, (try? Value(json: bytes)) ?? .null, exchange)
            }
        }
    }

    private func listen(_ request: HTTPRequest, _ exchange: HTTPExchange) {
        let writer = exchange.startResponse(.ok, ["Content-Type": "application/json"], limit: 1 << 20)
        state.withLock { state in
            state.calls.append(Call(method: request.method.rawValue, target: request.target, body: .null))
            state.events.append(writer)
        }
    }

    private func answer(_ request: HTTPRequest, _ body: Value, _ exchange: HTTPExchange) async throws {
        state.withLock { $0.calls.append(Call(method: request.method.rawValue, target: request.target, body: body)) }
        var parts = request.path.split(separator: "/").map(String.init)
        if parts.first == "v1.41" { parts.removeFirst() }
        func reply(_ value: Value, _ status: HTTPStatus = .ok) {
            exchange.respond(status, ["Content-Type": "application/json"], value.json)
        }
        switch (request.method, parts.first, parts.count) {
        case (.get, "version", _): reply(["Version": "20.10.24", "ApiVersion": "1.41", "MinAPIVersion": "1.12"])
        case (.get, "info", _):
            reply([
                "CgroupDriver": "cgroupfs", "LoggingDriver": "json-file", "DockerRootDir": "/var/lib/docker",
                "Runtimes": ["runc": [:]],
            ])
        case (.get, "images", _):
            let name = parts.dropFirst().dropLast().joined(separator: "/")
            guard state.withLock({ $0.images.contains(name) }) else { return reply(["message": "No such image"], .notFound) }
            reply(["Id": "sha256:1", "RepoTags": [.string(name)], "Config": ["User": ""]])
        case (.delete, "images", _):
            let name = parts.dropFirst().joined(separator: "/")
            reply([["Untagged": .string(name)]], state.withLock { $0.images.remove(name) } == nil ? .notFound : .ok)
        case (.post, "images", _):
            let name = request.query["fromImage"] ?? ""
            if name.contains("missing") {
                return reply(["errorDetail": ["message": "manifest unknown"], "error": "manifest unknown"])
            }
            // What is loaded names itself.
            add(image: name.isEmpty ? DockerImage.name(DockerOptions().pauseImage) : name)
            reply(["status": "done"])
        case (.post, "containers", 2): create(request, body, reply)
        case (.post, "containers", 3), (.delete, "containers", 2), (.get, "containers", 3): change(request, parts, body, reply)
        case (.get, "containers", 2): reply(.array(listed(request)))
        case (.post, "exec", 3):
            let stream = try await exchange.upgrade(["Upgrade": "tcp", "Content-Type": "application/vnd.docker.raw-stream"])
            let (output, errors): ([UInt8], [UInt8]) = ([1, 0, 0, 0, 0, 0, 0, 3], [2, 0, 0, 0, 0, 0, 0, 3])
            try await stream.write(output + Array("out".utf8) + errors + Array("err".utf8))
            try await stream.closeWrite()
            while try await stream.read() != nil {}
            await stream.close()
        case (.get, "exec", 3): reply(["Running": false, "ExitCode": 3])
        default: reply(["message": "page not found"], .notFound)
        }
    }

    private func create(_ request: HTTPRequest, _ body: Value, _ reply: (Value, HTTPStatus) -> Void) {
        let name = request.query["name"] ?? ""
        let id = state.withLock { state -> String? in
            guard state.names[name] == nil else { return nil }
            state.next += 1
            let id = "c0ffee0\(state.next)"
            var container = body
            container["Id"] = .string(id)
            container["Name"] = .string("/" + name)
            container["Created"] = "2026-01-02T03:04:05Z"
            container["Config"] = ["Labels": body["Labels"] ?? .emptyObject, "Tty": body["Tty"] ?? false]
            container["ResolvConfPath"] = .string(folder + "/resolv.conf")
            container["LogPath"] = .string(folder + "/\(id)-json.log")
            container["State"] = ["Running": false, "Pid": 0]
            state.containers[id] = container
            state.names[name] = id
            return id
        }
        guard let id else { return reply(["message": "Conflict. The container name is already in use"], .conflict) }
        reply(["Id": .string(id), "Warnings": []], .created)
    }

    private func change(_ request: HTTPRequest, _ parts: [String], _ body: Value, _ reply: (Value, HTTPStatus) -> Void) {
        let answer = state.withLock { state -> (Value, HTTPStatus) in
            let id = state.names[parts[1]] ?? parts[1]
            guard var container = state.containers[id] else { return (["message": "No such container"], .notFound) }
            let isRunning = container.at("State", "Running")?.bool == true
            switch (request.method, parts.count > 2 ? parts[2] : "") {
            case (.get, "json"): return (container, .ok)
            case (.get, "stats"): return (["cpu_stats": ["cpu_usage": ["total_usage": 9]]], .ok)
            case (.post, "start"):
                container["State"] = ["Running": true, "Pid": 1, "StartedAt": "2026-01-02T03:04:06Z"]
            case (.post, "stop"):
                guard isRunning else { return (.null, .notModified) }
                container["State"] = [
                    "Running": false, "StartedAt": "2026-01-02T03:04:06Z", "FinishedAt": "2026-01-02T03:04:07Z",
                ]
            case (.post, "exec"): return (["Id": "e1"], .created)
            case (.post, "update"): break
            case (.delete, _):
                guard !isRunning || request.query["force"] == "true" else { return (["message": "it runs"], .conflict) }
                state.containers[id] = nil
                state.names = state.names.filter { $0.value != id }
                return (.null, .noContent)
            default: return (["message": "page not found"], .notFound)
            }
            state.containers[id] = container
            return (.null, .noContent)
        }
        reply(answer.0, answer.1)
    }

    private func listed(_ request: HTTPRequest) -> [Value] {
        let filters = (try? Value(json: request.query["filters"] ?? "{}")) ?? .emptyObject
        let labels = (filters["label"]?.array ?? []).compactMap(\.string)
        return containers.values.compactMap { container -> Value? in
            let own = container.at("Config", "Labels")?.strings ?? [:]
            guard labels.allSatisfy({ label in own.contains { "\($0.key)=\($0.value)" == label } }) else { return nil }
            let isRunning = container.at("State", "Running")?.bool == true
            guard isRunning || request.query["all"] == "true" else { return nil }
            return [
                "Id": container["Id"] ?? "", "Names": [container["Name"] ?? ""], "Labels": Value(own), "Created": 5,
                "State": isRunning ? "running" : "exited",
            ]
        }
    }
}
