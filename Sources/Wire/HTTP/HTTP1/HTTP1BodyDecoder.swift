import NIOCore

/// Cuts a body out of the bytes of a connection (RFC 9112, sections 6 and 7). Pure: it is fed bytes and
/// returns parts.
struct HTTP1BodyDecoder {
    /// What the bytes so far give.
    enum Part: Equatable {
        case bytes(ByteBuffer)
        case end
        /// Nothing until more bytes come.
        case needsMore
    }

    private enum State: Equatable {
        case length(Int)
        case untilClose
        case chunkSize
        case chunk(Int)
        case chunkEnd
        case trailers(size: Int)
        case ended
    }

    /// A size line holds at most 16 digits; the rest are extensions, which nobody sends.
    private static let sizeLineLimit = 1024
    private static let trailerLimit = 16 << 10

    private var state: State

    private init(_ state: State) { self.state = state }

    static func length(_ count: Int) -> HTTP1BodyDecoder {
        HTTP1BodyDecoder(count == 0 ? .ended : .length(count))
    }
    static var chunked: HTTP1BodyDecoder { HTTP1BodyDecoder(.chunkSize) }
    /// A response without a length ends with its connection.
    static var untilClose: HTTP1BodyDecoder { HTTP1BodyDecoder(.untilClose) }

    /// How a request's body is framed.
    init(request framing: HTTP1Framing) {
        self = framing.isChunked ? .chunked : .length(framing.contentLength ?? 0)
    }

    /// How a response's body is framed (RFC 9112, section 6.3).
    init(response framing: HTTP1Framing, status: HTTPStatus, to method: HTTPMethod) {
        if method == .head || status.isBodiless {
            self = .length(0)
        } else if framing.isChunked {
            self = .chunked
        } else {
            self = framing.contentLength.map(HTTP1BodyDecoder.length) ?? .untilClose
        }
    }

    var hasEnded: Bool { state == .ended }
    /// Whether the end of the connection is the body's proper end.
    var endsWithConnection: Bool { state == .untilClose }

    /// Takes the next part from the front of the buffer. Trailers are read and dropped.
    mutating func next(_ buffer: inout ByteBuffer) throws(HTTP1Failure) -> Part {
        while true {
            switch state {
            case .ended: return .end
            case .length(let rest), .chunk(let rest):
                let count = min(rest, buffer.readableBytes)
                guard count > 0, let bytes = buffer.readSlice(length: count) else { return .needsMore }
                advance(rest - count)
                return .bytes(bytes)
            case .untilClose:
                guard buffer.readableBytes > 0, let bytes = buffer.readSlice(length: buffer.readableBytes)
                else {
                    return .needsMore
                }
                return .bytes(bytes)
            case .chunkSize:
                guard let line = try line(&buffer, limit: Self.sizeLineLimit) else { return .needsMore }
                let size = try Self.size(line.readableBytesView)
                state = size == 0 ? .trailers(size: 0) : .chunk(size)
            case .chunkEnd:
                guard let line = try line(&buffer, limit: 0) else { return .needsMore }
                guard line.readableBytes == 0 else { throw .malformed("a chunk is longer than it says") }
                state = .chunkSize
            case .trailers(let size):
                guard let line = try line(&buffer, limit: Self.trailerLimit - size) else { return .needsMore }
                state = line.readableBytes == 0 ? .ended : .trailers(size: size + line.readableBytes + 2)
            }
        }
    }

    private mutating func advance(_ rest: Int) {
        if case .length = state {
            state = rest == 0 ? .ended : .length(rest)
        } else {
            state = rest == 0 ? .chunkEnd : .chunk(rest)
        }
    }

    private func line(_ buffer: inout ByteBuffer, limit: Int) throws(HTTP1Failure) -> ByteBuffer? {
        let view = buffer.readableBytesView
        guard let end = view.prefix(max(0, limit) + 2).firstIndex(of: 10) else {
            guard view.count < limit + 2 else { throw .malformed("a line of a chunked body is too long") }
            return nil
        }
        let count = end - view.startIndex
        guard count > 0, view[end - 1] == 13, let line = buffer.readSlice(length: count - 1) else {
            throw .malformed("a line of a chunked body ends without CR")
        }
        buffer.moveReaderIndex(forwardBy: 2)
        return line
    }

    private static func size(_ line: ByteBufferView) throws(HTTP1Failure) -> Int {
        var size = 0
        var digits = 0
        for byte in line {
            let digit: UInt8
            switch byte {
            case 48...57: digit = byte - 48
            case 65...70: digit = byte - 55
            case 97...102: digit = byte - 87
            case UInt8(ascii: ";") where digits > 0, UInt8(ascii: " ") where digits > 0,
                UInt8(ascii: "\t") where digits > 0:
                return size
            default: throw .malformed("malformed size of a chunk")
            }
            digits += 1
            guard digits <= 15 else { throw .malformed("a chunk is too large") }
            size = size << 4 | Int(digit)
        }
        guard digits > 0 else { throw .malformed("malformed size of a chunk") }
        return size
    }
}
