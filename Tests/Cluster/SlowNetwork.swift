import Host

/// A network plugin of the node that holds one pod's sandbox up for as long as it is told to.
struct SlowNetwork {
    private let node: TestNode
    private var folder: String { node.folder + "/slow" }

    /// From now on the sandbox of the pod of this name is not made, until ``go()``.
    static func hold(_ pod: String, on node: TestNode) async throws -> SlowNetwork {
        let slow = SlowNetwork(node: node)
        let plugin = "/usr/lib/cni/loopback"
        let script = """
            #!/bin/sh
            # The arguments come in any order.
            case "$CNI_COMMAND;;$CNI_ARGS;" in
            "ADD;"*";K8S_POD_NAME=\(pod);"*)
                touch \(slow.folder)/reached
                while [ ! -e \(slow.folder)/go ]; do sleep 0.05; done;;
            esac
            exec \(slow.folder)/loopback
            """
        try Files.makeDirectory(slow.folder)
        try Files.write(Array(script.utf8), to: slow.folder + "/plugin", mode: 0o755)
        try await node.shell("cp \(plugin) \(slow.folder)/loopback && mount --bind \(slow.folder)/plugin \(plugin)")
        return slow
    }

    var isReached: Bool { Files.exists(folder + "/reached") }

    func go() throws { try Files.write([], to: folder + "/go") }
}
