/// Which parts of the node API answer, beyond those that every node has (`KubeletConfiguration`: `enableDebuggingHandlers`,
/// `enableSystemLogHandler`, `enableSystemLogQuery`). The defaults are those of Kubernetes.
public struct NodeHandlers: Hashable, Sendable {
    /// Logs, commands and ports of containers, and all that follows here.
    public var hasDebugging = true
    /// The files in the folder of the system's logs.
    public var showsSystemLogs = true
    /// Questions about the logs of the system's services (KEP-2258). Whoever may ask them reads what every service of the
    /// machine says, so they are answered only where this is wanted.
    public var answersLogQueries = false
    /// The program that reads the journal of systemd: a path, or a name that is looked up in `PATH`.
    public var journalProgram = "journalctl"

    public init() {}
}
