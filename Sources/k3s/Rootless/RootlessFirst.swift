import Host
import Logging
import Supervisor
import Support
import Synchronization

/// The first process within the namespaces of a k3s without root: makes the files of the system what k3s
/// needs, starts it, and ends with it, and all that runs in the namespaces with them.
struct RootlessFirst {
    let configuration: ServerConfiguration
    let within: RootlessStage.Within
    let log: Logger

    /// Returns how k3s ended.
    func run() async throws(Fault) -> ExitStatus {
        let signals = try Signals(RootlessStage.signals)
        try prepareFiles(try RootlessSettings(Command.ownEnvironment))
        let child = try await RootlessStage.command("inside", within, path: nil).start()
        let ended = Mutex<ExitStatus?>(nil)
        try await Parts.untilFirstEnds([
            {
                let status = try await FirstProcess.reap(until: child)
                ended.withLock { $0 = status }
            },
            { try await RootlessStage.forward(signals, to: child) },
        ])
        return ended.withLock { $0 } ?? .exited(1)
    }

    private func prepareFiles(_ settings: RootlessSettings) throws(Fault) {
        let runtime = runtimeDirectory
        if runtime == nil {
            log.warning("this user has no XDG_RUNTIME_DIR: sockets are not seen outside of k3s")
        }
        let layout = RootlessLayout(dataDirectory: configuration.dataDirectory, runtimeDirectory: runtime)
        // The machine's mounts and unmounts are seen here, and ours are not there.
        try Mounts.setPropagation(.slave, of: "/", recursive: true)
        try mountKernel()
        for directory in RootlessLayout.copiedUp + settings.copiedUp { try Mounts.copyUp(directory) }
        for name in RootlessLayout.removed { try drop(name) }
        try drop("/etc/resolv.conf")
        try Files.write("nameserver \(settings.nameServer)\n", to: "/etc/resolv.conf", mode: 0o644)
        for place in layout.places {
            try Files.makeDirectory(place.source, mode: 0o700)
            try Files.makeDirectory(place.path)
            try Mounts.bind(place.source, at: place.path)
        }
        // Volumes may hand mounts on to containers.
        try Mounts.setPropagation(.shared, of: "/", recursive: true)
    }

    /// As logind gives it to users (pam_systemd(8)).
    private var runtimeDirectory: String? {
        guard let folder = Command.ownEnvironment["XDG_RUNTIME_DIR"], folder.hasPrefix("/"),
            Files.exists(folder)
        else {
            return nil
        }
        return folder
    }

    /// Takes a name away that was copied up; what is not a copy stays.
    private func drop(_ path: String) throws(Fault) {
        guard Files.exists(Path.join(Path.parent(of: path), Mounts.original)),
            let status = try? Files.status(of: path, followingLinks: false), status.kind == .symbolicLink
        else { return }
        try Files.remove(path)
    }

    /// The kernel's own files, as these namespaces see them.
    private func mountKernel() throws(Fault) {
        let flags: Mounts.Flags = [.noSetUserID, .noDevices, .noExecution]
        let groups = "/sys/fs/cgroup"
        let before = try Mounts.copy(of: groups)
        do throws(Fault) {
            try Mounts.mount(type: "sysfs", source: "sysfs", at: "/sys", flags: flags)
        } catch {
            log.warning("/sys tells of the machine's network, not of k3s' own: \(error.summary)")
            // The same file system is not mounted twice in one place.
            if within.cgroups == .delegated { try Mounts.mountMemory(at: groups) }
        }
        if within.cgroups == .delegated {
            try Mounts.mount(type: "cgroup2", source: "cgroup2", at: groups, flags: flags)
        } else {
            try Mounts.put(before, at: groups)
        }
    }
}
