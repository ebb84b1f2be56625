import Glibc

/// An open directory, read through its descriptor so that renames and links above it cannot mislead.
struct Directory {
    struct Entry {
        let name: String
        /// `DT_DIR`, ...; `DT_UNKNOWN` on file systems that do not say.
        let type: UInt8
    }

    let descriptor: Descriptor

    init(_ descriptor: Descriptor) { self.descriptor = descriptor }

    /// All entries but `.` and `..`, in the order of the file system.
    func entries() throws(Errno) -> [Entry] {
        // The stream owns the number it is given and moves its offset: a fresh one each time.
        let number = try system { openat(descriptor.number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard let stream = fdopendir(number) else {
            let error = Errno.last
            close(number)
            throw error
        }
        defer { closedir(stream) }
        var entries: [Entry] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                guard errno == 0 else { throw .last }
                return entries
            }
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { entries.append(Entry(name: name, type: entry.pointee.d_type)) }
        }
    }
}
