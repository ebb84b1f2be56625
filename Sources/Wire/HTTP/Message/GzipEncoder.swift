import CZlib

/// Compresses a body for `Content-Encoding: gzip` or `deflate`, in pieces of any length.
///
/// At the quickest level: what is saved after that costs the server more time than it saves the network.
public struct GzipEncoder: ~Copyable {
    private let stream: UnsafeMutablePointer<z_stream>

    public init(as form: CompressedForm = .gzip) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let status = deflateInit2_(
            stream, Z_BEST_SPEED, Z_DEFLATED, form.windowBits, 8, Z_DEFAULT_STRATEGY, zlibVersion(),
            Int32(MemoryLayout<z_stream>.size))
        precondition(status == Z_OK, "zlib has no memory")
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    /// What can be sent after the next bytes, often nothing yet; everything once `isLast` was said.
    public mutating func compress(_ bytes: [UInt8], isLast: Bool = false) -> [UInt8] {
        var bytes = bytes
        var output: [UInt8] = []
        bytes.withUnsafeMutableBufferPointer { input in
            stream.pointee.next_in = input.baseAddress
            stream.pointee.avail_in = UInt32(input.count)
            repeat {
                output += [UInt8](unsafeUninitializedCapacity: 16 << 10) { room, count in
                    stream.pointee.next_out = room.baseAddress
                    stream.pointee.avail_out = UInt32(room.count)
                    _ = deflate(stream, isLast ? Z_FINISH : Z_NO_FLUSH)
                    count = room.count - Int(stream.pointee.avail_out)
                }
                // A full room says that there may be more to come.
            } while stream.pointee.avail_out == 0
        }
        return output
    }
}
