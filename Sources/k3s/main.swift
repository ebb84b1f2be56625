import Host
import Logging
import Support

/// The commands of the binary. Those that are not built answer so.
enum Program {
    static let version = "v1.36.3+k3s1"

    static func run(_ arguments: [String]) async throws(Fault) {
        switch arguments.first {
        case "server": try await ServerCommand(Array(arguments.dropFirst())).run()
        case "--version", "-v": Terminal.write("k3s version \(version)\n")
        case nil, "help", "h", "--help", "-h": Terminal.write(help)
        case let command? where laterCommands.contains(command):
            throw Fault(.unsupported, "k3s \(command) is not part of this version yet")
        case let command?:
            throw Fault(.invalid, "unknown command \"\(command)\"", remedy: "run k3s --help")
        }
    }

    private static let laterCommands: Set<String> = [
        "agent", "kubectl", "crictl", "ctr", "check-config", "completion", "etcd-snapshot", "secrets-encrypt",
        "certificate", "token",
    ]

    private static let help = """
        k3s \(version): a whole Kubernetes cluster in one binary

        usage: k3s server [flags]

        The flags, the configuration file /etc/rancher/k3s/config.yaml and the environment are those of k3s.
        Not part of this version yet: \(laterCommands.sorted().joined(separator: ", ")).

        """
}

do {
    try await Program.run(Array(CommandLine.arguments.dropFirst()))
} catch {
    Terminal.fail(error)
}
