import APIMachinery
import Host
import Logging
public import Support
import Wire

extension DockerRuntime {
    /// What the process of a sandbox may take to end; cri-dockerd's figure.
    private static let grace: Int64 = 10

    public func runPodSandbox(_ config: CRI.PodSandboxConfig, handler: String) async throws(Fault) -> String {
        try await preparePauseImage()
        let isOnNode = config.linux.securityContext.namespaceOptions.network == .node
        // Before anything is made.
        let network = try isOnNode ? nil : CNINetwork.read(folder: options.networkConfiguration)
        let body = DockerSandbox.creation(
            config, handler: handler, image: DockerImage.name(options.pauseImage), leastOOMScore: options.leastOOMScore)
        let id = try await create(body, DockerName(config.metadata))
        do throws(Fault) {
            var checkpoint = SandboxCheckpoint(config, handler: handler, network: network)
            try checkpoints.write(checkpoint, id)
            let what = "cannot make a sandbox for the pod \(config.metadata.namespace)/\(config.metadata.name)"
            _ = try await client.call(.post, "/containers/\(id)/start", what)
            let inspected = try await client.inspect(id)
            if let dns = config.dnsConfig, let path = inspected["ResolvConfPath"]?.string, !path.isEmpty {
                try Files.writeInPlace(DockerSandbox.resolver(dns), to: path)
            }
            if let network {
                guard let namespace = Self.networkNamespace(inspected) else {
                    throw Fault(.failed, "\(what): its process has ended")
                }
                let attachment = CNIAttachment(
                    sandbox: id, config.metadata, namespace: namespace, capabilities: checkpoint.capabilities)
                checkpoint.result = try await plugins.add(attachment, to: network)
                try checkpoints.write(checkpoint, id)
            }
            return id
        } catch {
            // What cannot be undone now is found by its labels and its checkpoint.
            do throws(Fault) { try await removePodSandbox(id) } catch {
                log.warning("the sandbox \(id), which came to nothing, is still there: \(error)")
            }
            throw error
        }
    }

    public func stopPodSandbox(_ id: String) async throws(Fault) {
        for entry in try await client.containers(DockerFilter(type: DockerLabels.container, sandbox: id), isRunning: true) {
            guard let container = entry["Id"]?.string else { continue }
            do throws(Fault) { try await end(container, seconds: 0) } catch where error.code == .notFound {}
        }
        let inspected = try await client.inspectIfThere(id)
        // While the namespace is there: the plug-ins want to take out what they have put in.
        try await leaveNetwork(id, namespace: inspected.flatMap(Self.networkNamespace))
        guard inspected != nil else { return }
        do throws(Fault) { try await end(id, seconds: Self.grace) } catch where error.code == .notFound {}
    }

    public func removePodSandbox(_ id: String) async throws(Fault) {
        for entry in try await client.containers(DockerFilter(type: DockerLabels.container, sandbox: id)) {
            if let container = entry["Id"]?.string { try await remove(container) }
        }
        let inspected = try await client.inspectIfThere(id)
        try await leaveNetwork(id, namespace: inspected.flatMap(Self.networkNamespace))
        try await remove(id)
        try checkpoints.remove(id)
    }

    public func podSandboxStatus(_ id: String) async throws(Fault) -> CRI.PodSandboxStatus {
        let inspected = try await client.inspect(id)
        guard let status = DockerSandbox.status(inspected, addresses: checkpoints.read(id)?.addresses ?? []) else {
            throw Fault(.notFound, "the container \(id) is no sandbox of a pod")
        }
        return status
    }

    public func listPodSandboxes(_ filter: CRI.PodSandboxFilter) async throws(Fault) -> [CRI.PodSandbox] {
        // Read first: the checkpoint of a sandbox that is being made is there after its container.
        let known = checkpoints.ids()
        let wanted = DockerFilter(type: DockerLabels.sandbox, labels: filter.labelSelector, id: filter.id)
        var sandboxes = try await client.containers(wanted).compactMap(DockerSandbox.listed)
        let present = Set(sandboxes.map(\.id))
        for id in known where !present.contains(id) && (filter.id.isEmpty || filter.id == id) {
            guard let sandbox = checkpoints.read(id)?.abandoned(id),
                filter.labelSelector.allSatisfy({ sandbox.labels[$0.key] == $0.value }),
                try await client.inspectIfThere(id) == nil
            else { continue }
            sandboxes.append(sandbox)
        }
        return sandboxes.filter { filter.state == nil || $0.state == filter.state }
    }

    // MARK: The network

    /// Gives the sandbox's place in the network back. `namespace` is `nil` when its process has ended.
    private func leaveNetwork(_ id: String, namespace: String?) async throws(Fault) {
        guard var checkpoint = checkpoints.read(id), let configuration = checkpoint.network else { return }
        let network = try CNINetwork(configuration, source: "the checkpoint of the sandbox \(id)")
        let attachment = CNIAttachment(
            sandbox: id, checkpoint.metadata, namespace: namespace ?? "", capabilities: checkpoint.capabilities)
        try await plugins.remove(attachment, from: network, result: checkpoint.result)
        (checkpoint.network, checkpoint.result) = (nil, nil)
        try checkpoints.write(checkpoint, id)
    }

    /// Of the sandbox's process; `nil` when it has none.
    static func networkNamespace(_ inspected: Value) -> String? {
        guard inspected.at("State", "Running")?.bool == true, let pid = inspected.at("State", "Pid")?.integer, pid > 0 else {
            return nil
        }
        return "/proc/\(pid)/ns/net"
    }
}
