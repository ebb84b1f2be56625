import Host
import Support

/// What folders hold, everything below them included. Whoever looks pays for it by the file.
struct FolderUse: Hashable, Sendable {
    /// More files than this are not looked at: it is large enough.
    private static let most = 1_000_000

    private(set) var files: Int64 = 0
    /// As much as they take on the disk.
    private(set) var bytes: Int64 = 0

    private struct FileID: Hashable {
        var device: UInt64
        var inode: UInt64
    }

    init(files: Int64, bytes: Int64) { (self.files, self.bytes) = (files, bytes) }

    /// Files that go meanwhile are not counted, those of several names once; links are not followed.
    init(of folders: [String]) {
        var (rest, seen) = (folders, Set<FileID>())
        while let folder = rest.popLast(), files < Self.most {
            for name in (try? Files.list(folder)) ?? [] {
                let path = Path.join(folder, name)
                guard let status = try? Files.status(of: path, followingLinks: false) else { continue }
                if status.kind == .directory {
                    rest.append(path)
                } else if status.linkCount > 1,
                    !seen.insert(FileID(device: status.device, inode: status.inode)).inserted
                {
                    continue
                }
                files += 1
                bytes = Int64(clamping: Int128(bytes) + Int128(status.allocated.bytes))
            }
        }
    }
}
