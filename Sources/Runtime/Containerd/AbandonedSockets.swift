import Host
import Support

/// Sockets of shims that have ended, which nobody will ever take away: a shim removes its socket as the last
/// thing it does, and containerd never does. One that is killed, or whose containerd is while it ends, leaves
/// the file.
///
/// Those go on which nobody listens at two looks: between the two calls that make one, nobody does for a
/// moment.
struct AbandonedSockets {
    /// Of all containerds of the machine, whatever their own folders are.
    var folder = "/run/containerd/s"

    /// The names of those on which nobody listens.
    func find() -> Set<String> {
        let names = ((try? Files.list(folder)) ?? []).filter(Self.isShims)
        return Set(names.filter { (try? LocalSocket.isAbandoned(Path.join(folder, $0))) ?? false })
    }

    /// Takes those of `names` away on which still nobody listens. Returns their names, in order; what cannot be
    /// taken away stays.
    func remove(_ names: Set<String>) -> [String] {
        find().intersection(names).sorted().filter { (try? Files.remove(Path.join(folder, $0))) != nil }
    }

    /// A SHA-256 digest: see ``LeakedShims/socket(of:containerd:)``.
    static func isShims(_ name: String) -> Bool {
        name.utf8.count == 64 && name.allSatisfy { "0123456789abcdef".contains($0) }
    }
}
