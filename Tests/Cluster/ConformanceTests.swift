import Host
import Support
import Testing

/// What the official conformance suite asks of a cluster of one node, as a program on the official Python client:
/// `Programs/conformance_node.py`.
@Suite(.serialized) struct ConformanceTests {
    @Test(.timeLimit(.minutes(25)))
    func `what conformance asks of a node goes through`() async throws {
        try await TestNode.with { node, server in
            let project = Path.parent(of: Path.parent(of: Path.parent(of: #filePath)))
            let file = Path.join(project, "Tests/Cluster/Programs/conformance_node.py")
            let python = Path.join(project, ".build/python/bin/python")
            let command = try node.command(python, ["-B", file, "/etc/rancher/k3s/k3s.yaml"])
            let outcome = try await command.run(limit: .mebibytes(8))
            #expect(outcome.status.isSuccess, "\(outcome.errorText)")
        }
    }
}
