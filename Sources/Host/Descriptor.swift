import CLinux
import Glibc

/// An open file descriptor, closed when nobody refers to it any more.
public final class Descriptor: Sendable {
    /// The number by which the kernel knows it. Valid as long as this object lives.
    public let number: Int32

    /// Takes over a descriptor that the caller opened.
    public init(owning number: Int32) {
        precondition(number >= 0, "a descriptor that could not be opened is not a descriptor")
        self.number = number
    }

    deinit { close(number) }
}

extension Descriptor {
    /// Opens a path; close-on-exec always, since children get only what they are given.
    static func open(_ path: String, _ flags: Int32, mode: UInt32 = 0) throws(Errno) -> Descriptor {
        Descriptor(owning: try system { Glibc.open(path, flags | O_CLOEXEC, mode) })
    }

    /// A pipe's two ends, both close-on-exec; the reading end does not block.
    static func pipe() throws(Errno) -> (reading: Descriptor, writing: Descriptor) {
        var ends: [Int32] = [0, 0]
        try system { linux_pipe(&ends) }
        let (reading, writing) = (Descriptor(owning: ends[0]), Descriptor(owning: ends[1]))
        try system { fcntl(reading.number, F_SETFL, O_NONBLOCK) }
        return (reading, writing)
    }

    /// Reads what is there, at most `limit` bytes; empty at the end of the file.
    func read(upTo limit: Int) throws(Errno) -> [UInt8] {
        var failure: Errno?
        let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
            do throws(Errno) {
                count = try system { Glibc.read(number, buffer.baseAddress, limit) }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Reads until there is no more or `limit` bytes are there.
    func readFully(upTo limit: Int) throws(Errno) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < limit {
            let chunk = try read(upTo: min(limit - bytes.count, 256 << 10))
            if chunk.isEmpty { break }
            bytes += chunk
        }
        return bytes
    }

    /// Writes everything.
    func write(_ bytes: [UInt8]) throws(Errno) {
        var written = 0
        while written < bytes.count {
            written += try system {
                bytes.withUnsafeBytes {
                    Glibc.write(number, $0.baseAddress?.advanced(by: written), $0.count - written)
                }
            }
        }
    }
}
