import APIMachinery
public import Logging
public import Support
import Synchronization
import Wire

/// Docker as the container runtime of a node (`--docker`), by its Engine API: what cri-dockerd does for k3s.
///
/// Docker itself is somebody else's: it is neither started nor configured. Each method is in the file of its subject; what is
/// said to Docker is decided by pure types (``DockerSandbox``, ``DockerContainer``, ``DockerImage``, ...).
public final class DockerRuntime: Sendable {
    let client: DockerClient
    let options: DockerOptions
    let plugins: CNIPlugins
    let checkpoints: SandboxCheckpoints
    let streaming: DockerStreaming
    let log: Logger
    let sizes = Mutex(LayerSizes())
    /// Where Docker keeps images and containers.
    let root: String
    private let driver: CRI.LinuxRuntimeConfiguration.CgroupDriver
    /// By name; the empty name is Docker's usual runtime.
    private let handlers: [String]
    /// The interface's version, in its own form.
    private let answer: CRI.Version

    private init(
        _ client: DockerClient, _ options: DockerOptions, _ driver: CRI.LinuxRuntimeConfiguration.CgroupDriver,
        version: Value, info: Value, log: Logger
    ) {
        (self.client, self.options, self.driver, self.log) = (client, options, driver, log)
        plugins = CNIPlugins(folders: options.pluginFolders)
        checkpoints = SandboxCheckpoints(folder: options.checkpoints)
        streaming = DockerStreaming(client: client, log: log)
        root = info["DockerRootDir"]?.string ?? "/var/lib/docker"
        handlers = [""] + (info["Runtimes"]?.fields?.keys ?? [])
        var answer = CRI.Version()
        (answer.version, answer.runtimeName) = ("0.1.0", "docker")
        answer.runtimeVersion = version["Version"]?.string ?? ""
        answer.runtimeAPIVersion = "\(client.version).0"
        self.answer = answer
    }

    /// The Docker at the socket. Fails with `unavailable` while none answers there, and otherwise when it cannot run pods.
    public static func connect(_ options: DockerOptions, log: Logger) async throws(Fault) -> DockerRuntime {
        let client = try await DockerClient.connect(options.socket)
        let version = try await client.call(.get, "/version", "cannot ask Docker for its version")
        let info = try await client.call(.get, "/info", "cannot ask Docker for its settings")
        let driver = try driver(info)
        if let driver = info["LoggingDriver"]?.string, driver != "json-file" {
            log.warning(
                "Docker's logging driver is \(driver), whose logs cannot be read here: kubectl logs needs json-file")
        }
        return DockerRuntime(client, options, driver, version: version, info: info, log: log)
    }

    /// Waits until Docker answers, for as long as that takes. Who waits in vain is told once.
    public static func answering(_ options: DockerOptions, log: Logger) async throws -> DockerRuntime {
        var isTold = false
        while true {
            do throws(Fault) {
                return try await connect(options, log: log)
            } catch {
                guard error.code == .unavailable || error.code == .timedOut else { throw error }
                if !isTold { log.warning("waiting for Docker at \(options.socket): \(error)") }
                isTold = true
            }
            try await Task.sleep(for: .seconds(5))
        }
    }

    /// Who makes the control groups of containers. Fails for the Docker that makes none, of a user who may not.
    static func driver(_ info: Value) throws(Fault) -> CRI.LinuxRuntimeConfiguration.CgroupDriver {
        switch info["CgroupDriver"]?.string {
        case "systemd": return .systemd
        case "cgroupfs", nil: return .cgroupfs
        case let other?:
            throw Fault(
                .unsupported, "Docker's driver of control groups is \(other)",
                remedy: #"set "exec-opts": ["native.cgroupdriver=cgroupfs"] in /etc/docker/daemon.json and restart Docker"#)
        }
    }

    /// Serves the streams of commands and forwarded ports until cancelled. `ready` is called when they can be had.
    public func run(ready: @Sendable () async throws -> Void) async throws { try await streaming.run(ready: ready) }

    // MARK: Of itself

    public func version() async throws(Fault) -> CRI.Version { answer }

    public func status() async throws(Fault) -> CRI.StatusResponse {
        var response = CRI.StatusResponse()
        response.status.conditions = [await engineCondition(), networkCondition()]
        response.runtimeHandlers = handlers.map { name in
            var handler = CRI.RuntimeHandler()
            handler.name = name
            return handler
        }
        response.features = CRI.RuntimeFeatures()
        return response
    }

    public func cgroupDriver() async throws(Fault) -> CRI.LinuxRuntimeConfiguration.CgroupDriver? { driver }

    private func engineCondition() async -> CRI.RuntimeCondition {
        do throws(Fault) {
            // The least that it can be asked.
            _ = try await client.containers(DockerFilter(type: DockerLabels.sandbox, id: "none"))
            return Self.condition(CRI.RuntimeCondition.runtimeReady)
        } catch {
            return Self.condition(CRI.RuntimeCondition.runtimeReady, "DockerDaemonNotReady", error)
        }
    }

    private func networkCondition() -> CRI.RuntimeCondition {
        do throws(Fault) {
            _ = try CNINetwork.read(folder: options.networkConfiguration)
            return Self.condition(CRI.RuntimeCondition.networkReady)
        } catch {
            return Self.condition(CRI.RuntimeCondition.networkReady, "NetworkPluginNotReady", error)
        }
    }

    private static func condition(_ type: String, _ reason: String = "", _ fault: Fault? = nil) -> CRI.RuntimeCondition {
        var condition = CRI.RuntimeCondition()
        (condition.type, condition.status) = (type, fault == nil)
        (condition.reason, condition.message) = (reason, fault.map { "\($0)" } ?? "")
        return condition
    }

    // MARK: Making

    /// Makes a container and returns its id. A name that is taken is that of one whose making was never heard of here: it
    /// goes, and where it does not, the name gets a suffix.
    func create(_ body: Value, _ name: DockerName) async throws(Fault) -> String {
        let what = "cannot create the container \(name.container) of the pod \(name.namespace)/\(name.pod)"
        let another = name.text(suffix: .random(in: 0...UInt32.max))
        for (attempt, text) in [name.text, name.text, another].enumerated() {
            do throws(Fault) {
                let answer = try await client.call(
                    .post, "/containers/create", query: [("name", text)], body: body, what)
                for warning in answer["Warnings"]?.array ?? [] {
                    log.debug("Docker on \(text): \(warning.string ?? "")")
                }
                guard let id = answer["Id"]?.string else { throw Fault(.corrupt, "\(what): Docker tells no id") }
                return id
            } catch where error.code == .conflict && attempt == 0 {
                // Without force: one that runs stays.
                _ = try? await client.call(.delete, "/containers/\(text)", query: [("v", "true")], what)
            } catch where error.code == .conflict && attempt == 1 {
                log.warning("the name \(text) is taken in Docker")
            }
        }
        throw Fault(.conflict, "\(what): its name is taken")
    }

    /// Ends a container, which gets `seconds` to do so by itself. One that has ended is no fault.
    func end(_ id: String, seconds: Int64) async throws(Fault) {
        _ = try await client.call(
            .post, "/containers/\(id)/stop", query: [("t", "\(seconds)")],
            timeout: DockerClient.patience + .seconds(seconds), "cannot stop the container \(id)")
    }

    /// Takes a container away with what it wrote. One that is gone is no fault.
    func remove(_ id: String) async throws(Fault) {
        do throws(Fault) {
            _ = try await client.call(
                .delete, "/containers/\(id)", query: [("v", "true"), ("force", "true")],
                "cannot remove the container \(id)")
        } catch where error.code == .notFound {}
    }
}
