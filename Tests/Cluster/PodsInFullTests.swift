import Host
import Support
import Testing

/// What pods may ask of their node beyond what conformance tests, as a program on the official Python client:
/// `Programs/pods_in_full.py`.
@Suite(.serialized) struct PodsInFullTests {
    private static let settings = """
        kind: KubeletConfiguration
        apiVersion: kubelet.config.k8s.io/v1beta1
        allowedUnsafeSysctls: ["kernel.msg*", net.core.somaxconn]
        crashLoopBackOff: {maxContainerRestartPeriod: 3s}

        """

    @Test(.timeLimit(.minutes(10)))
    func `pods live, are looked into, mount and are confined as they ask`() async throws {
        try await TestNode.bare { node in
            try await TestRegistry.start(on: node)
            try await TestRegistry.pushNobody(to: node)
            let file = node.folder + "/kubelet.yaml"
            try Files.write(Self.settings, to: file)
            _ = try await node.start(["--kubelet-arg", "config=" + file, "--kubelet-arg", "seccomp-default=true"])
            let project = Path.parent(of: Path.parent(of: Path.parent(of: #filePath)))
            let program = Path.join(project, "Tests/Cluster/Programs/pods_in_full.py")
            let python = Path.join(project, ".build/python/bin/python")
            let command = try node.command(python, ["-B", program, "/etc/rancher/k3s/k3s.yaml"])
            let outcome = try await command.run(limit: .mebibytes(8))
            #expect(outcome.status.isSuccess, "\(outcome.errorText)")
        }
    }
}
