import API
import Host
import Support

/// `fsGroup` of a pod: its volumes belong to a group that every process of the pod is in.
///
/// Files get the group, may be read by it, and written unless the volume is read-only; folders pass their
/// group on to what is made in them (setgid).
struct VolumeOwnership: Hashable, Sendable {
    var group: UInt32
    var isReadOnly: Bool

    /// `nil` when the pod names no group: volumes stay as they are.
    init?(_ pod: Pod, isReadOnly: Bool) {
        guard let group = pod.spec.securityContext?.fsGroup.flatMap(UInt32.init(exactly:)) else { return nil }
        self.group = group
        self.isReadOnly = isReadOnly
    }

    /// What `mode` becomes.
    func mode(_ mode: FileMode, isFolder: Bool) -> FileMode {
        FileMode(mode.bits | (isReadOnly ? 0o440 : 0o660) | (isFolder ? 0o2110 : 0))
    }

    /// Whether a file is as it shall be.
    func holds(_ status: FileStatus) -> Bool {
        guard status.owner.group == group else { return false }
        let isLink = status.kind == .symbolicLink
        return isLink || mode(status.mode, isFolder: status.kind == .directory) == status.mode
    }

    /// Changes one file or folder, if it must.
    func apply(to path: String) throws(Fault) {
        let status = try Files.status(of: path, followingLinks: false)
        guard !holds(status) else { return }
        try Files.setOwner(FileOwner(user: .max, group: group), of: path)
        // The mode of a link means nothing, and setting it would reach what it points to.
        guard status.kind != .symbolicLink else { return }
        try Files.setMode(mode(status.mode, isFolder: status.kind == .directory), of: path)
    }

    /// Changes everything in a folder and then the folder itself, so that a folder that is right says that
    /// its content is: `onlyOnMismatch` (the policy `OnRootMismatch`) then looks no further.
    func applyToTree(_ path: String, onlyOnMismatch: Bool) throws(Fault) {
        let status = try Files.status(of: path, followingLinks: false)
        if onlyOnMismatch, holds(status) { return }
        if status.kind == .directory {
            for name in try Files.list(path) {
                try applyToTree(Path.join(path, name), onlyOnMismatch: false)
            }
        }
        try apply(to: path)
    }
}
