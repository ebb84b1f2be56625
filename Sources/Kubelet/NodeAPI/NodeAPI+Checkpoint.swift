import API
import APIMachinery
import Host
import Runtime
import Support
import Wire

extension NodeAPI {
    /// `/checkpoint/NAMESPACE/POD/CONTAINER`: has the runtime write a running container into an archive on the node, and
    /// answers with its path (KEP-2008; Kubernetes documentation, "Kubelet Checkpoint API"). Nothing takes the archives
    /// away: they hold what was in the container's memory, secrets included, so root alone may read the folder.
    func checkpoint(_ path: NodeRoute.ContainerPath, _ request: HTTPRequest, _ exchange: HTTPExchange) async throws {
        guard let pod = pod(path.pod) else { throw NodeFailure(.notFound, "pod does not exist") }
        guard pod.hasContainer(path.container) else {
            throw NodeFailure(.notFound, "container \(path.container) does not exist")
        }
        let seconds = try Self.checkpointSeconds(request.query)
        func failure(_ reason: String) -> NodeFailure {
            let name = "\(path.pod.namespace)/\(path.pod.name)/\(path.container)"
            return NodeFailure(.internalServerError, "checkpointing of \(name) failed (\(reason))")
        }
        guard let status = pod.status(ofContainer: path.container), status.state.running != nil,
            let id = ContainerID.bare(status.containerID)
        else { throw failure("container \(path.container) not found") }
        guard seconds >= 0 else { throw failure("CheckpointContainer requires the timeout value to be > 0") }
        let archive = Path.join(
            layout.checkpoints, CheckpointName.of(pod.objectName, container: path.container, at: now()))
        do throws(Fault) {
            try Files.makeDirectory(layout.checkpoints, mode: 0o700)
            // Nobody waits longer than a day, whatever number was written.
            try await runtime.checkpointContainer(id, to: archive, timeout: .seconds(min(seconds, 86_400)))
        } catch {
            throw failure((error.cause as? GRPCStatus)?.textOfGo ?? error.summary)
        }
        let items: Value = ["items": [.string(archive)]]
        exchange.respond(.ok, ["Content-Type": "application/json"], items.json)
    }

    /// The last that is said counts; 0 when none is.
    private static func checkpointSeconds(_ query: HTTPQuery) throws(NodeFailure) -> Int64 {
        guard let text = query.values(of: "timeout").last else { return 0 }
        guard let seconds = Int64(text) else {
            throw NodeFailure(.notFound, "cannot parse value of timeout parameter")
        }
        return seconds
    }
}

/// How archives of checkpoints are called: `checkpoint-POD_NAMESPACE-CONTAINER-TIME.tar`. Pure.
enum CheckpointName {
    static func of(_ pod: ObjectName, container: String, at time: Timestamp) -> String {
        "checkpoint-\(pod.name)_\(pod.namespace)-\(container)-\(time).tar"
    }
}
