import APIMachinery
import Host
import Support

/// Which archives of images were imported, as they were then: an archive that has not changed since, and whose
/// images are still there, need not be read again, which takes seconds for each gigabyte.
///
/// Pure, but for the stamp that it compares; k3s keeps the same in `.cache.json`, for those who ask for it.
struct ImportedArchives: Equatable, Sendable {
    /// What differs when a file was written, replaced or touched.
    struct Stamp: Hashable, Sendable {
        var size: Int64
        var modified: Timestamp
        var inode: UInt64
    }

    private struct Entry: Equatable, Sendable {
        var stamp: Stamp
        var images: [String]
    }

    /// By the archive's name in the folder.
    private var entries: [String: Entry] = [:]

    init() {}

    /// The images of this archive, if it need not be imported; `present` are the images that there are.
    ///
    /// One that is not known to hold any is imported: there is no telling whether they are there.
    func images(of file: String, _ stamp: Stamp, among present: Set<String>) -> [String]? {
        guard let entry = entries[file], entry.stamp == stamp, !entry.images.isEmpty,
            entry.images.allSatisfy(present.contains)
        else { return nil }
        return entry.images
    }

    /// The images that the archive held when it was imported; none of one that was not.
    func images(of file: String) -> [String] { entries[file]?.images ?? [] }

    /// What is known of the archive there is known here, too.
    mutating func keep(_ file: String, of other: ImportedArchives) { entries[file] = other.entries[file] }

    /// The archive that had this stamp before it was imported held these images.
    mutating func add(_ file: String, _ stamp: Stamp, images: [String]) {
        entries[file] = Entry(stamp: stamp, images: images)
    }
}

extension ImportedArchives.Stamp {
    /// Fails when there is nothing that could be read to its end.
    init(ofFile path: String) throws(Fault) {
        let status = try Files.status(of: path)
        guard status.kind == .regular else { throw Fault(.invalid, "it is not a file") }
        self.init(size: status.size.bytes, modified: status.modified, inode: status.inode)
    }
}

// MARK: - On disk

extension ImportedArchives {
    /// What cannot be read was not imported.
    init(json: [UInt8]) {
        guard let document = try? Value(json: json), let files = document.fields else { return }
        for (file, value) in files {
            guard let size = value["size"]?.integer, let seconds = value["seconds"]?.integer,
                let nanoseconds = value["nanoseconds"]?.integer.flatMap(Int32.init(exactly:)),
                let inode = value["inode"]?.integer, let images = value["images"]?.array
            else { continue }
            let modified = Timestamp(seconds: seconds, nanoseconds: nanoseconds)
            let stamp = Stamp(size: size, modified: modified, inode: UInt64(bitPattern: inode))
            add(file, stamp, images: images.compactMap(\.string))
        }
    }

    var json: [UInt8] {
        var document = Value.emptyObject
        for (file, entry) in entries.sorted(by: { $0.key < $1.key }) {
            document[file] = [
                "size": .integer(entry.stamp.size), "seconds": .integer(entry.stamp.modified.seconds),
                "nanoseconds": .integer(Int64(entry.stamp.modified.nanoseconds)),
                "inode": .integer(Int64(bitPattern: entry.stamp.inode)),
                "images": .array(entry.images.map { .string($0) }),
            ]
        }
        return document.json
    }
}
