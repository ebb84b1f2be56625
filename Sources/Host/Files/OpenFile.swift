import Glibc
public import Support

/// A regular file that is open for reading, by position. It stays the same file when its name goes to another.
public final class OpenFile: Sendable {
    private let descriptor: Descriptor
    private let path: String

    /// Fails with `invalid` for what is no regular file, so that nobody waits for the writer of a pipe.
    public init(_ path: String) throws(Fault) {
        self.path = path
        descriptor = try trying("cannot open \(path)") { () throws(Errno) in
            try Descriptor.open(path, O_RDONLY | O_NONBLOCK)
        }
        guard try status().kind == .regular else { throw Fault(.invalid, "\(path) is not a regular file") }
    }

    /// What is at `offset`, at most `limit` bytes; empty at the end of the file. Shorter than `limit` only there.
    public func read(at offset: Int64, upTo limit: Int) throws(Fault) -> [UInt8] {
        var failure: Errno?
        let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
            do throws(Errno) {
                while count < limit {
                    let start = buffer.baseAddress.map { $0 + count }
                    let more = try system { pread(descriptor.number, start, limit - count, Int(offset) + count) }
                    if more == 0 { break }
                    count += more
                }
            } catch {
                failure = error
            }
        }
        if let failure { throw Fault(failure, "cannot read \(path)") }
        return bytes
    }

    /// The file's present status, whatever its name is by now.
    public func status() throws(Fault) -> FileStatus {
        try trying("cannot look at \(path)") { () throws(Errno) in
            var status = stat()
            try system { fstat(descriptor.number, &status) }
            return FileStatus(status)
        }
    }
}
