import APIMachinery
import Host
public import Support

/// Sees, before containerd is started, whether a snapshotter can work (facts: "Snapshotter probes"). The texts are k3s'.
///
/// Those that are programs of their own must run: a containerd that is not k3s' has none of them built in. A name that is
/// not known here is containerd's business.
public struct SnapshotterCheck: Sendable {
    /// Snapshotters that are programs of their own, and where they listen.
    public static let sockets = [
        "fuse-overlayfs": "/run/containerd-fuse-overlayfs.sock",
        "stargz": "/run/containerd-stargz-grpc/containerd-stargz-grpc.sock",
    ]

    var sockets = Self.sockets
    var path = Command.ownEnvironment["PATH"] ?? ""

    public init() {}

    /// Whether `snapshotter` can keep its layers below `root`, which is made.
    public func check(_ snapshotter: String, root: String) throws(Fault) {
        try Files.makeDirectory(root, mode: 0o711)
        do throws(Fault) {
            switch snapshotter {
            case "overlayfs": try mountOverlay(root)
            case "fuse-overlayfs":
                guard path.split(separator: ":").contains(where: { Files.exists($0 + "/fuse-overlayfs") }) else {
                    throw Fault(.notFound, "exec: \"fuse-overlayfs\": executable file not found in $PATH")
                }
                try listens(snapshotter)
            case "stargz": try listens(snapshotter)
            case "btrfs": try isBtrfs(root)
            default: return
            }
        } catch {
            let others = Self.others[snapshotter] ?? "\"overlayfs\" or \"native\""
            throw Fault(
                error.code,
                "\"\(snapshotter)\" snapshotter cannot be enabled for \(GoText.quoted(root)), try using \(others): "
                    + error.summary)
        }
    }

    private static let others = ["overlayfs": "\"fuse-overlayfs\" or \"native\"", "fuse-overlayfs": "\"native\""]

    private func mountOverlay(_ root: String) throws(Fault) {
        let folder = Path.join(root, "k3s-overlay-check")
        if Files.exists(folder) { try Files.remove(folder) }
        for part in ["low", "lower", "upper", "work", "merged"] {
            try Files.makeDirectory(Path.join(folder, part), mode: 0o700)
        }
        let merged = folder + "/merged"
        let data = "lowerdir=\(folder)/lower:\(folder)/low,upperdir=\(folder)/upper,workdir=\(folder)/work"
        do throws(Fault) {
            try Mounts.mount(type: "overlay", source: "overlay", at: merged, data: data)
        } catch {
            try Files.remove(folder)
            throw Fault(error.code, "failed to mount overlay: \(error.errno.map { "\($0)" } ?? error.summary)")
        }
        try Mounts.unmount(merged)
        try Files.remove(folder)
    }

    private func listens(_ snapshotter: String) throws(Fault) {
        guard let socket = sockets[snapshotter], !Files.exists(socket) else { return }
        throw Fault(.notFound, "nothing listens on \(socket), where containerd finds it")
    }

    private func isBtrfs(_ root: String) throws(Fault) {
        let resolved = try Files.resolve(root)
        let around = try Mounts.all().filter { mount in
            mount.path == "/" || resolved == mount.path || resolved.hasPrefix(mount.path + "/")
        }
        // Of those at one place the last one covers the others.
        let mount = around.enumerated().max {
            ($0.element.path.utf8.count, $0.offset) < ($1.element.path.utf8.count, $1.offset)
        }?.element
        let type = mount?.type ?? "unknown"
        guard type == "btrfs" else {
            throw Fault(
                .unsupported, "path \(root) (\(type)) must be a btrfs filesystem to be used with the btrfs snapshotter")
        }
    }
}
