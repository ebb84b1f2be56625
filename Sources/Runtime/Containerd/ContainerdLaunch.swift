import Host

/// How containerd is started: arguments and environment.
struct ContainerdLaunch {
    var layout: ContainerdLayout
    var programs: ContainerdPrograms
    /// Of this process.
    var environment: [String: String]

    /// Without its output's place.
    var command: Command {
        var command = Command(programs.containerd, arguments, environment: ownEnvironment)
        // It outlives us, and the terminal's Ctrl-C is not for it.
        command.grouping = .ownSession
        return command
    }

    private var arguments: [String] {
        var arguments = [
            "-c", layout.configurationFile, "-a", layout.socket, "--root", layout.root, "--state",
            layout.state,
        ]
        if let level = environment["CONTAINERD_LOG_LEVEL"] { arguments += ["--log-level", level] }
        return arguments
    }

    /// Ours, with `CONTAINERD_HTTP_PROXY` as `HTTP_PROXY` and so on, and without what only concerns us.
    private var ownEnvironment: [String: String] {
        let prefix = "CONTAINERD_"
        var result = environment.filter { !$0.key.hasPrefix(prefix) }
        for (key, value) in environment where key.hasPrefix(prefix) && key != "CONTAINERD_LOG_LEVEL" {
            result[String(key.dropFirst(prefix.count))] = value
        }
        // systemd's socket: containerd would say that *we* are ready.
        result["NOTIFY_SOCKET"] = nil
        // It finds its shims by name.
        let folders = [programs.shim, programs.runc].map { Path.parent(of: $0) }
        var path = (result["PATH"] ?? "").split(separator: ":").map(String.init)
        for folder in folders where !path.contains(folder) { path.append(folder) }
        result["PATH"] = path.joined(separator: ":")
        return result
    }
}
