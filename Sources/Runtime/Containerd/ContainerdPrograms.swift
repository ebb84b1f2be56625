public import Host
public import Support

/// The programs that containerd consists of, found on this machine.
public struct ContainerdPrograms: Hashable, Sendable {
    public var containerd: String
    public var shim: String
    public var runc: String
    /// Imports archives of images; without it there is only pulling.
    public var ctr: String?
    /// Folders of network plugins; the first one has all that we need.
    public var cniFolders: [String]

    /// The network plugins that every pod's network takes.
    static let plugins = ["bridge", "host-local", "loopback"]

    /// Whether a network plugin is there besides those.
    public func hasPlugin(_ name: String) -> Bool {
        cniFolders.contains { Self.isExecutable(Path.join($0, name)) }
    }

    /// Looks in `PATH`, then where packages and bundles put them, then below the data directory.
    ///
    /// What is missing is a fault that names the package of Debian to install. With `prefersBundle` those below the data
    /// directory go first (`--prefer-bundled-bin`).
    public static func find(
        dataDirectory: String, prefersBundle: Bool = false, environment: [String: String] = Command.ownEnvironment
    ) throws(Fault) -> ContainerdPrograms {
        let bundle = Path.join(dataDirectory, "data/current/bin")
        let path = (environment["PATH"] ?? "").split(separator: ":").map(String.init)
        let folders =
            path + ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin", bundle]
        let cni = [
            "/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni", Path.join(dataDirectory, "data/cni"), bundle,
        ]
        guard prefersBundle else { return try find(in: folders, cni: cni) }
        return try find(in: [bundle] + folders, cni: [Path.join(dataDirectory, "data/cni"), bundle] + cni)
    }

    static func find(in folders: [String], cni: [String]) throws(Fault) -> ContainerdPrograms {
        ContainerdPrograms(
            containerd: try require("containerd", in: folders, package: "containerd"),
            shim: try require("containerd-shim-runc-v2", in: folders, package: "containerd"),
            runc: try require("runc", in: folders, package: "runc"),
            ctr: first("ctr", in: folders),
            cniFolders: try pluginFolders(cni))
    }

    private static func require(_ name: String, in folders: [String], package: String) throws(Fault) -> String
    {
        if let path = first(name, in: folders) { return path }
        throw Fault(
            .notFound, "the program \(name) is not on this machine",
            remedy: "install it (on Debian: apt-get install \(package)) or add its folder to PATH")
    }

    private static func first(_ name: String, in folders: [String]) -> String? {
        folders.lazy.map { Path.join($0, name) }.first(where: isExecutable)
    }

    private static func pluginFolders(_ candidates: [String]) throws(Fault) -> [String] {
        let present = candidates.filter { folder in plugins.contains { isExecutable(Path.join(folder, $0)) } }
        func isComplete(_ folder: String) -> Bool {
            plugins.allSatisfy { isExecutable(Path.join(folder, $0)) }
        }
        guard let complete = present.first(where: isComplete) else {
            throw Fault(
                .notFound,
                "no folder holds all of the network plugins \(plugins.joined(separator: ", ")); looked in "
                    + candidates.joined(separator: ", "),
                remedy: "install them (on Debian: apt-get install containernetworking-plugins)")
        }
        return [complete] + present.filter { $0 != complete }
    }

    private static func isExecutable(_ path: String) -> Bool {
        guard let status = try? Files.status(of: path) else { return false }
        return status.kind == .regular && status.mode.bits & 0o111 != 0
    }
}
