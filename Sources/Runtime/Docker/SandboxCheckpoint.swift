import APIMachinery
import Host
import Support

/// What must be known of a sandbox beyond what Docker remembers of it: which network it was joined to, and what came of
/// that. With it the addresses are given back even when somebody removed the container by hand.
struct SandboxCheckpoint: Hashable, Sendable {
    var metadata: CRI.PodSandboxMetadata
    var labels: [String: String]
    /// Of Docker's runtimes; empty for the usual one.
    var handler: String
    /// What the plug-ins were told besides.
    var capabilities: Fields
    /// The list of plug-ins; `nil` for a pod in the node's network, and once it was given back.
    var network: Value?
    /// What the plug-ins said.
    var result: Value?

    init(_ config: CRI.PodSandboxConfig, handler: String, network: CNINetwork?) {
        metadata = config.metadata
        labels = config.labels
        self.handler = handler
        capabilities = CNIAttachment.capabilities(config)
        self.network = network?.configuration
    }

    init?(json bytes: [UInt8]) {
        guard let value = try? Value(json: bytes), let name = value["name"]?.string, let uid = value["uid"]?.string,
            let namespace = value["namespace"]?.string, let attempt = value["attempt"]?.integer
        else { return nil }
        metadata = CRI.PodSandboxMetadata(
            name: name, uid: uid, namespace: namespace, attempt: UInt32(clamping: attempt))
        labels = value["labels"]?.strings ?? [:]
        handler = value["runtimeHandler"]?.string ?? ""
        capabilities = value["capabilities"]?.fields ?? Fields()
        (network, result) = (value["network"], value["result"])
    }

    var json: [UInt8] {
        var value: Value = [
            "version": "k3s/v1", "name": .string(metadata.name), "uid": .string(metadata.uid),
            "namespace": .string(metadata.namespace), "attempt": .integer(Int64(metadata.attempt)),
            "labels": Value(labels), "runtimeHandler": .string(handler), "capabilities": .object(capabilities),
        ]
        value["network"] = network
        value["result"] = result
        return value.json
    }

    var addresses: [String] { CNINetwork.addresses(in: result) }

    /// The sandbox as a list tells it when its container is gone, and it waits for being removed.
    func abandoned(_ id: String) -> CRI.PodSandbox {
        var sandbox = CRI.PodSandbox()
        (sandbox.id, sandbox.metadata, sandbox.state) = (id, metadata, .notReady)
        (sandbox.labels, sandbox.runtimeHandler) = (labels, handler)
        return sandbox
    }
}

/// The checkpoints of a node, a file each under the id of its sandbox.
struct SandboxCheckpoints: Sendable {
    let folder: String

    func read(_ id: String) -> SandboxCheckpoint? {
        (try? Files.read(Path.join(folder, id))).flatMap { SandboxCheckpoint(json: $0) }
    }

    func write(_ checkpoint: SandboxCheckpoint, _ id: String) throws(Fault) {
        try Files.makeDirectory(folder, mode: 0o700)
        try Files.write(checkpoint.json, to: Path.join(folder, id), mode: 0o600)
    }

    /// One that is not there is no fault.
    func remove(_ id: String) throws(Fault) { try Files.remove(Path.join(folder, id)) }

    /// The ids of all, of what is being written not.
    func ids() -> [String] {
        ((try? Files.list(folder)) ?? []).filter { !$0.isEmpty && $0.allSatisfy { $0.isHexDigit } }
    }
}
