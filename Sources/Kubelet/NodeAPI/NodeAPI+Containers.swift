import API
import APIMachinery
import Runtime
import Support
import Wire

extension NodeAPI {
    /// `/run/NAMESPACE/POD[/UID]/CONTAINER?cmd=...`: runs a command to its end, and answers with what it printed and then
    /// what it complained of. Its words are parted by single spaces.
    func run(_ path: NodeRoute.ContainerPath, _ request: HTTPRequest, _ exchange: HTTPExchange) async throws {
        let id = try runningContainer(path)
        let command = (request.query["cmd"] ?? "").split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        let answer = try await runtime.execSync(id, command, timeout: nil)
        guard answer.exitCode == 0 else {
            let complaint = String(decoding: answer.stderr, as: UTF8.self)
            throw NodeFailure(
                .internalServerError,
                "command '\(command.joined(separator: " "))' exited with \(answer.exitCode): \(complaint)")
        }
        let output = answer.stdout + answer.stderr
        // Whatever it is, Kubernetes calls it so.
        exchange.respond(.ok, output.isEmpty ? [:] : ["Content-Type": "application/json"], output)
    }

    /// `/runningpods/`: the pods that the runtime has, in no more detail than it knows, as a `PodList`.
    func sendRunningPods(_ exchange: HTTPExchange) async throws {
        var (sandboxFilter, containerFilter) = (CRI.PodSandboxFilter(), CRI.ContainerFilter())
        sandboxFilter.state = .ready
        containerFilter.state = .running
        let sandboxes = try await runtime.listPodSandboxes(sandboxFilter)
        let pods = RunningPods.list(sandboxes, try await runtime.listContainers(containerFilter))
        exchange.respond(.ok, ["Content-Type": "application/json"], pods.json)
    }
}

/// What a runtime runs, as pods. Pure.
enum RunningPods {
    static func list(_ sandboxes: [CRI.PodSandbox], _ containers: [CRI.Container]) -> Value {
        var members: [String: [CRI.Container]] = [:]
        for container in containers where container.state == .running {
            members[container.podSandboxID, default: []].append(container)
        }
        let running = sandboxes.filter { $0.state == .ready }.sorted {
            ($0.metadata.namespace, $0.metadata.name, $0.id) < ($1.metadata.namespace, $1.metadata.name, $1.id)
        }
        return [
            "apiVersion": "v1", "kind": "PodList", "metadata": .emptyObject,
            "items": .array(running.map { pod($0.metadata, members[$0.id] ?? []) }),
        ]
    }

    private static func pod(_ metadata: CRI.PodSandboxMetadata, _ containers: [CRI.Container]) -> Value {
        let shown = containers.sorted { $0.metadata.name < $1.metadata.name }.map { container -> Value in
            [
                "name": .string(container.metadata.name), "image": .string(container.image.image),
                "resources": .emptyObject,
            ]
        }
        return [
            "metadata": [
                "name": .string(metadata.name), "namespace": .string(metadata.namespace), "uid": .string(metadata.uid),
            ],
            "spec": ["containers": .array(shown)], "status": .emptyObject,
        ]
    }
}
