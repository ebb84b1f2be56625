import Host
import Support

/// Replaces the whole content of a volume in one step, in the layout that Kubernetes' users know:
///
///     ..2026_11_21_05_52_01.1234   the files
///     ..data -> ..2026_11_21_05_52_01.1234
///     name -> ..data/name
///
/// The new files are written beside the old ones, then `..data` is renamed over: whoever follows `..data`
/// once sees all of the old files or all of the new. After a crash at any point the next call completes or
/// undoes what was begun. Nothing is written when the content is as it shall be.
struct AtomicFolder {
    let path: String
    let ownership: VolumeOwnership?

    private static let data = "..data"
    private static let nextData = "..data_tmp"

    /// Makes the folder hold just `payload`; says whether that changed anything a reader sees.
    @discardableResult
    func write(_ payload: Payload, at now: Timestamp = .now) throws(Fault) -> Bool {
        try payload.check()
        let payload = payload.owned(by: ownership)
        try ownership?.apply(to: path)
        let current = Files.exists(inFolder(Self.data)) ? try Files.target(ofLink: inFolder(Self.data)) : nil
        try sweep(keeping: current)
        if let current, try holds(payload, in: inFolder(current)) {
            try link(payload.topNames)
            try unlink(allBut: payload.topNames)
            return false
        }
        let next = "\(Self.folderName(now)).\(UInt32.random(in: 1...UInt32.max))"
        do throws(Fault) {
            try fill(inFolder(next), payload)
        } catch {
            // A second failure here leaves what the next call sweeps away.
            try? Files.remove(inFolder(next))
            throw error
        }
        try link(payload.topNames)
        try Files.makeSymbolicLink(at: inFolder(Self.nextData), to: next)
        try Files.rename(inFolder(Self.nextData), to: inFolder(Self.data))
        try unlink(allBut: payload.topNames)
        if let current { try Files.remove(inFolder(current)) }
        return true
    }

    private func inFolder(_ name: String) -> String { Path.join(path, name) }

    /// `..2026_11_21_05_52_01`
    private static func folderName(_ now: Timestamp) -> String {
        ".." + now.description.dropLast().map { "-T:".contains($0) ? "_" : String($0) }.joined()
    }

    /// Removes what a crash left behind. Kubernetes' own names all begin with two dots, and files never do.
    private func sweep(keeping current: String?) throws(Fault) {
        for name in try Files.list(path) where name.hasPrefix("..") && name != Self.data && name != current {
            try Files.remove(inFolder(name))
        }
    }

    private func fill(_ folder: String, _ payload: Payload) throws(Fault) {
        try Files.makeDirectory(folder)
        for name in payload.folders { try Files.makeDirectory(Path.join(folder, name)) }
        for (name, file) in payload.files {
            let path = Path.join(folder, name)
            // Not synced: after a power failure the content is compared, and written again if it is not
            // whole.
            try Files.append(file.bytes, to: path, mode: 0o600)
            if file.user != nil || ownership != nil {
                let owner = FileOwner(user: file.user ?? .max, group: ownership?.group ?? .max)
                try Files.setOwner(owner, of: path)
            }
            try Files.setMode(file.mode, of: path)
        }
        for name in payload.folders { try ownership?.apply(to: Path.join(folder, name)) }
        try ownership?.apply(to: folder)
    }

    private func link(_ names: Set<String>) throws(Fault) {
        let present = Set(try Files.list(path))
        for name in names.subtracting(present) {
            try Files.makeSymbolicLink(at: inFolder(name), to: Path.join(Self.data, name))
        }
    }

    private func unlink(allBut names: Set<String>) throws(Fault) {
        for name in try Files.list(path) where !name.hasPrefix("..") && !names.contains(name) {
            try Files.remove(inFolder(name))
        }
    }

    /// Whether a folder has just these files, byte for byte.
    private func holds(_ payload: Payload, in folder: String) throws(Fault) -> Bool {
        guard Files.exists(folder) else { return false }
        guard Set(try files(in: folder)) == Set(payload.files.keys) else { return false }
        for (name, file) in payload.files {
            let path = Path.join(folder, name)
            let status = try Files.status(of: path, followingLinks: false)
            guard status.kind == .regular, status.size.bytes == file.bytes.count, status.mode == file.mode,
                status.owner.user == file.user ?? status.owner.user,
                status.owner.group == ownership?.group ?? status.owner.group,
                try Files.read(path) == file.bytes
            else { return false }
        }
        return true
    }

    /// Paths of everything below `folder` that is no folder, relative to it.
    private func files(in folder: String) throws(Fault) -> [String] {
        var paths: [String] = []
        for name in try Files.list(folder) {
            let path = Path.join(folder, name)
            if try Files.status(of: path, followingLinks: false).kind == .directory {
                paths += try files(in: path).map { Path.join(name, $0) }
            } else {
                paths.append(name)
            }
        }
        return paths
    }
}
