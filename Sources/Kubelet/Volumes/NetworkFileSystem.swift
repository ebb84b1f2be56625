import Host
import Support

/// A folder of another machine, mounted over the network by the host's own program.
struct NetworkFileSystem: Hashable, Sendable {
    static let plugin = "kubernetes.io~nfs"
    /// As long as Kubernetes lets a mount take.
    private static let limit = Duration.seconds(120)

    /// The PersistentVolume, or the pod's name for it.
    let name: String
    let server: String
    let path: String
    var options: [String] = []
    var isReadOnly = false

    /// `server:path`, a server that is an IPv6 address in brackets.
    var source: String {
        let isAddress = server.contains(":") && !server.hasPrefix("[")
        return "\(isAddress ? "[\(server)]" : server):\(path)"
    }

    /// What is given to `mount -o`.
    var flags: [String] { (isReadOnly ? ["ro"] : []) + options }

    // mount -t nfs -o FLAGS SERVER:PATH TARGET
    /// Mounts it, if it is not mounted; fails with `unsupported` on a host that lacks the program for it.
    func mount(at target: String, programs: [String] = Self.programs) async throws(Fault) {
        guard try !Mounts.isMountPoint(target) else { return }
        guard programs.contains(where: Files.exists) else {
            throw Fault(
                .unsupported,
                "mount failed: this host has no program mount.nfs, which mounts volumes of the kind nfs",
                remedy: "install the package nfs-common or nfs-utils")
        }
        try Files.makeDirectory(target, mode: 0o750)
        let words = ["-t", "nfs"] + (flags.isEmpty ? [] : ["-o", flags.joined(separator: ",")]) + [source, target]
        let command = Command("mount", words)
        let answer = try await withTimeLimit(Self.limit) { () throws(Fault) in try await command.run() }
        guard let outcome = answer else {
            throw Fault(.timedOut, "mount failed: the server does not answer")
        }
        guard outcome.status.isSuccess else {
            let said = outcome.errorText.split(separator: "\n").joined(separator: " ")
            throw Fault(.failed, "mount failed: \(said)")
        }
    }

    private static let programs = ["/sbin/mount.nfs", "/usr/sbin/mount.nfs"]
}
