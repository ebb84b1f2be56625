import Host
import Logging
import Supervisor
import Support
import Synchronization

/// The process of a k3s without root that a person starts: makes the namespaces in which the others work, and
/// ends with them.
struct RootlessOutside {
    let configuration: ServerConfiguration
    let log: Logger

    /// Where root's programs are, which the path of other users often leaves out.
    private static let systemFolders = ["/usr/local/sbin", "/usr/sbin", "/sbin"]
    /// The group that holds what is not a pod, as k3s names it.
    private static let ownGroup = "k3s_evac"

    /// Returns how k3s ended.
    func run() async throws(Fault) -> ExitStatus {
        let settings = try RootlessSettings(Command.ownEnvironment)
        for warning in settings.warnings { log.warning("\(warning)") }
        try check()
        let delegation = try CgroupDelegation.own()
        let cgroups = try RootlessCgroups(delegation, areWanted: try configuration.dividesCgroups())
        if cgroups == .none { log.warning("pods run without limits: they have no control groups") }
        let maps = try IDMaps()
        let programs = try Programs(path: path)
        let layout = RootlessLayout(dataDirectory: configuration.dataDirectory, runtimeDirectory: nil)
        try Files.makeDirectory(layout.state, mode: 0o700)
        let lock = try LockFile(layout.lock)
        defer { withExtendedLifetime(lock) {} }
        let signals = try Signals(RootlessStage.signals)
        let (lender, borrower) = try HostSockets.pair()
        var command = try RootlessStage.command(
            "first", RootlessStage.Within(cgroups: cgroups, connection: borrower), path: path)
        command.namespaces = [.users, .mounts, .network, .processes, .hostName, .communication, .cgroups]
        return try await start(command) { (process) throws(Fault) in
            try await programs.give(maps, to: process)
            if cgroups == .delegated { try delegation?.evacuate(into: Self.ownGroup) }
            return try await programs.connect(process, settings, log: layout.state + "/slirp4netns.log")
        } run: { (child, slirp) throws(Fault) in
            try await follow(child, slirp, lender, signals)
        }
    }

    /// The same folders as ours, and root's.
    private var path: String {
        let own = (Command.ownEnvironment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin").split(separator: ":")
            .map(String.init)
        return (own + Self.systemFolders.filter { !own.contains($0) }).joined(separator: ":")
    }

    private func check() throws(Fault) {
        guard Machine.effectiveUserID != 0 else {
            throw Fault(
                .invalid, "--rootless is for users who are not root",
                remedy: "leave it out, or become another user")
        }
        let allowed = try? Files.readText("/proc/sys/kernel/unprivileged_userns_clone")
        guard allowed?.hasPrefix("0") != true else {
            throw Fault(
                .unsupported,
                "expected sysctl value \"kernel.unprivileged_userns_clone\" to be \"1\", got \"0\"",
                remedy:
                    "add \"kernel.unprivileged_userns_clone=1\" to /etc/sysctl.conf and run sudo sysctl --system"
            )
        }
        guard Files.exists("/dev/net/tun") else {
            throw Fault(
                .notFound, "there is no /dev/net/tun",
                remedy: "load the kernel's part for it: sudo modprobe tun")
        }
    }

    /// Starts the first process, which does not begin before `prepare` has returned.
    private func start(
        _ command: Command, preparing prepare: (Int32) async throws(Fault) -> ChildProcess,
        run: (ChildProcess, ChildProcess) async throws(Fault) -> ExitStatus
    ) async throws(Fault) -> ExitStatus {
        var slirp: ChildProcess?
        let child: ChildProcess
        do throws(Fault) {
            child = try await command.start(recording: { (identity) throws(Fault) in
                slirp = try await prepare(identity.pid)
            })
        } catch {
            try? slirp?.send(.kill)
            // Only the kernel's word for new processes with namespaces; others are told where they arise.
            guard error.summary.hasPrefix("cannot start"), error.code == .denied || error.code == .full else {
                throw error
            }
            throw Fault(
                error.code, "this user may not make namespaces: \(error.summary)",
                remedy: "see user.max_user_namespaces, and where AppArmor forbids it, "
                    + "kernel.apparmor_restrict_unprivileged_userns (sysctl)", cause: error)
        }
        guard let slirp else { preconditionFailure("a child that runs was prepared") }
        defer { try? slirp.send(.kill) }
        return try await run(child, slirp)
    }

    private func follow(
        _ child: ChildProcess, _ slirp: ChildProcess, _ lender: Descriptor, _ signals: Signals
    ) async throws(Fault) -> ExitStatus {
        let ended = Mutex<ExitStatus?>(nil)
        try await Parts.untilFirstEnds([
            {
                let status = try await child.wait()
                ended.withLock { $0 = status }
            },
            {
                let status = try await slirp.wait()
                throw Fault(.unavailable, "slirp4netns has ended (\(status)), and with it the network")
            },
            { try await RootlessStage.forward(signals, to: child) },
            {
                try await HostSockets.lend(over: lender)
                // Who borrows ends first, a moment before the child.
                await Bell().wait()
            },
        ])
        return ended.withLock { $0 } ?? .exited(1)
    }
}
