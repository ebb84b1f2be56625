import CZlib

/// Unpacks what ``GzipEncoder`` packed, in one piece.
public enum GzipDecoder {
    /// `nil` for bytes that are not of that form, or not all of it, and when they unpack to more than `limit` bytes.
    public static func unpack(_ bytes: [UInt8], as form: CompressedForm = .gzip, limit: Int) -> [UInt8]? {
        var stream = z_stream()
        let size = Int32(MemoryLayout<z_stream>.size)
        guard inflateInit2_(&stream, form.windowBits, zlibVersion(), size) == Z_OK else { return nil }
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
