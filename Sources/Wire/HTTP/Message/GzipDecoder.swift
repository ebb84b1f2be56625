import CZlib

/// Unpacks what ``GzipEncoder`` packed, in one piece (RFC 1952).
public enum GzipDecoder {
    /// `nil` for bytes that are no gzip, or not all of it, and when they unpack to more than `limit` bytes.
    public static func unpack(_ bytes: [UInt8], limit: Int) -> [UInt8]? {
        var stream = z_stream()
        // A window of 2^15 bytes, and 16 for gzip's own frame around the stream.
        guard inflateInit2_(&stream, 15 + 16, zlibVersion(), Int32(MemoryLayout<z_stream>.size)) == Z_OK else { return nil }
        defer { inflateEnd(&stream) }
        var bytes = bytes
        var output: [UInt8] = []
        let isWhole = bytes.withUnsafeMutableBufferPointer { input in
            stream.next_in = input.baseAddress
            stream.avail_in = UInt32(input.count)
            var status = Z_OK
            while status == Z_OK, output.count <= limit {
                output += [UInt8](unsafeUninitializedCapacity: 64 << 10) { room, count in
                    stream.next_out = room.baseAddress
                    stream.avail_out = UInt32(room.count)
                    status = inflate(&stream, Z_NO_FLUSH)
                    count = room.count - Int(stream.avail_out)
                }
            }
            return status == Z_STREAM_END
        }
        return isWhole && output.count <= limit ? output : nil
    }
}
