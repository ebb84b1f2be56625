import CZlib

/// Compresses the header blocks of one direction of a connection: one zlib stream with the dictionary,
/// flushed after every block.
struct SPDYDeflater: ~Copyable {
    private let stream: UnsafeMutablePointer<z_stream>

    init() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // A window of 2 KiB spans the dictionary and needs 24 KiB in place of 256: headers here are short.
        let status = deflateInit2_(
            stream, Z_BEST_COMPRESSION, Z_DEFLATED, 11, 4, Z_DEFAULT_STRATEGY, zlibVersion(),
            Int32(MemoryLayout<z_stream>.size))
        precondition(status == Z_OK, "zlib has no memory")
        let isAccepted = deflateSetDictionary(stream, spdyDictionary, UInt32(spdyDictionary.count))
        precondition(isAccepted == Z_OK, "a fresh stream takes a dictionary")
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    mutating func compress(_ block: [UInt8]) -> [UInt8] {
        var block = block
        var output: [UInt8] = []
        block.withUnsafeMutableBufferPointer { input in
            stream.pointee.next_in = input.baseAddress
            stream.pointee.avail_in = UInt32(input.count)
            repeat {
                output += withChunk(stream) { deflate(stream, Z_SYNC_FLUSH) }.bytes
                // A full chunk says that there may be more to come.
            } while stream.pointee.avail_out == 0
        }
        return output
    }
}

/// Expands the header blocks of one direction of a connection.
struct SPDYInflater: ~Copyable {
    /// Why a block cannot be expanded. The stream is unusable afterwards, and with it the connection.
    enum Failure: Error {
        case broken
        case tooLarge
    }

    private let stream: UnsafeMutablePointer<z_stream>

    init() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let status = inflateInit_(stream, zlibVersion(), Int32(MemoryLayout<z_stream>.size))
        precondition(status == Z_OK, "zlib has no memory")
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// Expands one block to at most `limit` bytes: a few bytes may stand for a thousand times as many.
    mutating func expand(_ block: [UInt8], limit: Int) throws(Failure) -> [UInt8] {
        var block = block
        let result = block.withUnsafeMutableBufferPointer { input -> Result<[UInt8], Failure> in
            stream.pointee.next_in = input.baseAddress
            stream.pointee.avail_in = UInt32(input.count)
            var output: [UInt8] = []
            while true {
                let (status, bytes) = withChunk(stream) { inflate(stream, Z_SYNC_FLUSH) }
                output += bytes
                guard output.count <= limit else { return .failure(.tooLarge) }
                switch status {
                case Z_NEED_DICT:
                    // Fails when the peer's dictionary is another one.
                    let status = inflateSetDictionary(stream, spdyDictionary, UInt32(spdyDictionary.count))
                    guard status == Z_OK else { return .failure(.broken) }
                case Z_OK:
                    if stream.pointee.avail_in == 0, stream.pointee.avail_out > 0 { return .success(output) }
                case Z_BUF_ERROR where stream.pointee.avail_in == 0: return .success(output)
                default: return .failure(.broken)
                }
            }
        }
        return try result.get()
    }
}

/// Gives zlib room for 4 KiB and returns what it wrote.
private func withChunk(
    _ stream: UnsafeMutablePointer<z_stream>, _ body: () -> Int32
) -> (status: Int32, bytes: [UInt8]) {
    var status = Z_OK
    let bytes = [UInt8](unsafeUninitializedCapacity: 4096) { chunk, count in
        stream.pointee.next_out = chunk.baseAddress
        stream.pointee.avail_out = UInt32(chunk.count)
        status = body()
        count = chunk.count - Int(stream.pointee.avail_out)
    }
    return (status, bytes)
}
