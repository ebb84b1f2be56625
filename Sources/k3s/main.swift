import Host
import Logging
import Supervisor
import Support

/// The commands of the binary. Those that are not built answer so.
enum Program {
    static let version = "v1.36.3+k3s1"

    static func run(_ arguments: [String]) async throws(Fault) {
        let rest = Array(arguments.dropFirst())
        switch arguments.first {
        case "server":
            guard try !ServerCommand.isAskedForHelp(rest) else { return Terminal.write(HelpText.server.text) }
            try await ServerCommand(rest).run()
        case "--version", "-v": Terminal.write("k3s version \(version)\n")
        case "help" where rest.first == "server", "h" where rest.first == "server": Terminal.write(HelpText.server.text)
        case nil, "help", "h", "--help", "-h": Terminal.write(HelpText.program(version: version).text)
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
}

do {
    try await Program.run(Array(CommandLine.arguments.dropFirst()))
} catch {
    Terminal.fail(error)
}
