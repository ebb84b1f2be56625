import Glibc
import Host
import Supervisor
import Support

/// Which of its processes a k3s without root is.
///
/// The one that a person starts stays **outside**: it makes the namespaces, connects them with the network
/// and lends sockets of the host. The **first** process within prepares the files, and takes those out of the
/// kernel's table that lose their parents. **Inside** k3s is what it is anywhere, and believes to be root.
enum RootlessStage {
    case outside
    case first(Within)
    case inside(Within)

    /// What those within are told from outside.
    struct Within: Sendable {
        let cgroups: RootlessCgroups
        /// To who makes sockets of the host.
        let connection: Descriptor
    }

    private static let stageVariable = "_K3S_ROOTLESS_STAGE"
    private static let cgroupsVariable = "_K3S_ROOTLESS_CGROUPS"
    /// The only descriptor that they get.
    private static let connectionNumber: Int32 = 3

    /// Of this process, by its environment, in which nobody after it finds that. To be called once, before
    /// any descriptor is opened.
    static func take() -> RootlessStage {
        let (stage, cgroups) = (getenv(stageVariable).map { String(cString: $0) }, getenv(cgroupsVariable))
        guard let stage, let cgroups = cgroups.flatMap({ RootlessCgroups(rawValue: String(cString: $0)) }),
            fcntl(connectionNumber, F_SETFD, FD_CLOEXEC) == 0
        else { return .outside }
        unsetenv(stageVariable)
        unsetenv(cgroupsVariable)
        let within = Within(cgroups: cgroups, connection: Descriptor(owning: connectionNumber))
        return stage == "first" ? .first(within) : .inside(within)
    }

    var within: Within? {
        if case .inside(let within) = self { within } else { nil }
    }

    /// This stage once more, in the place of this process. Returns only when that fails.
    func beginAnew() throws(Fault) {
        guard let within else { return try ProcessImage.beginAnew() }
        setenv(Self.stageVariable, "inside", 1)
        setenv(Self.cgroupsVariable, within.cgroups.rawValue, 1)
        try ProcessImage.beginAnew(keeping: within.connection)
    }

    /// This very k3s, with its arguments, as the next process.
    static func command(_ stage: String, _ within: Within, path: String?) throws(Fault) -> Command {
        var environment = Command.ownEnvironment
        environment[stageVariable] = stage
        environment[cgroupsVariable] = within.cgroups.rawValue
        if let path { environment["PATH"] = path }
        var command = Command(
            try Files.target(ofLink: "/proc/self/exe"), Array(CommandLine.arguments.dropFirst()),
            environment: environment)
        command.input = .inherited
        command.further = [within.connection]
        command.parentDeathSignal = .kill
        return command
    }

    /// What is handed on to the process within.
    static let signals: [Signal] = [.terminate, .interrupt, .hangUp, .quit]

    /// Hands signals on until the task is cancelled.
    static func forward(_ signals: Signals, to child: ChildProcess) async throws(Fault) {
        var arriving = signals.makeAsyncIterator()
        while let signal = try await arriving.next(isolation: nil) { try child.send(signal) }
    }
}
