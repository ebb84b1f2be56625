import Host
import Support

/// Network namespaces that nobody will ever give back: containerd makes one for a sandbox, and writes down whose
/// it is a moment later. One that is killed in between leaves a namespace that no sandbox names.
///
/// Those go that have a name of containerd's making and no process in them: the sandbox of a pod that runs has
/// one; of a sandbox whose process has ended, containerd bears that its namespace is gone, as after a restart of
/// the machine. Another runtime of the machine may be making one at this very moment, which has a process in it
/// soon: so they are looked at twice, with a pause between.
struct AbandonedNamespaces {
    var folder = "/run/netns"

    /// The names of those that may be abandoned.
    func find() -> Set<String> {
        let names = ((try? Files.list(folder)) ?? []).filter(Self.isContainerds)
        guard !names.isEmpty else { return [] }
        let used = Self.namespacesInUse()
        return Set(names.filter { name in
            (try? Files.status(of: Path.join(folder, name))).map { !used.contains(Identity($0)) } ?? false
        })
    }

    /// Takes those of `names` away that still are. Returns their names, in order; what cannot be taken away stays.
    func remove(_ names: Set<String>) -> [String] {
        find().intersection(names).sorted().filter { name in
            let path = Path.join(folder, name)
            do throws(Fault) {
                while try Mounts.isMountPoint(path) { try Mounts.unmount(path, lazy: true) }
                try Files.remove(path)
                return true
            } catch {
                return false
            }
        }
    }

    /// `cni-` and a UUID.
    static func isContainerds(_ name: String) -> Bool {
        guard name.hasPrefix("cni-") else { return false }
        let parts = name.dropFirst(4).split(separator: "-", omittingEmptySubsequences: false)
        return parts.map(\.count) == [8, 4, 4, 4, 12] && parts.joined().allSatisfy { "0123456789abcdef".contains($0) }
    }

    /// A namespace is a file, by whatever path it is reached.
    private struct Identity: Hashable {
        var device: UInt64
        var inode: UInt64

        init(_ status: FileStatus) { (device, inode) = (status.device, status.inode) }
    }

    private static func namespacesInUse() -> Set<Identity> {
        let processes = ((try? Files.list("/proc")) ?? []).filter { $0.allSatisfy(\.isNumber) }
        return Set(processes.compactMap { try? Files.status(of: "/proc/\($0)/ns/net") }.map(Identity.init))
    }
}
