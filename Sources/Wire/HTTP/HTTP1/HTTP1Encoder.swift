import NIOCore

/// Writes message heads and chunks of HTTP/1.1.
enum HTTP1Encoder {
    /// How the body after a head will be framed, and whether the connection stays.
    struct Framing {
        enum Body {
            case none
            case length(Int)
            case chunked
            case untilClose
        }

        var body: Body
        /// The value of `Connection`, where one is needed.
        var connection: StaticString?
    }

    /// Fields that frame a message are ours to write: a handler's own would contradict what we send.
    private static let ours: [StaticString] = ["content-length", "transfer-encoding", "connection"]

    static func writeResponseHead(
        status: HTTPStatus, headers: HTTPHeaders, framing: Framing, date: [UInt8], to buffer: inout ByteBuffer
    ) {
        if status == .ok {
            buffer.writeStaticString("HTTP/1.1 200 OK\r\n")
        } else {
            buffer.writeString("HTTP/1.1 \(status.code) \(status.reason)\r\n")
        }
        write(headers, framing: framing, to: &buffer)
        if !date.isEmpty, !headers.contains("Date") { buffer.writeBytes(date) }
        buffer.writeStaticString("\r\n")
    }

    static func writeRequestHead(
        method: HTTPMethod, target: String, headers: HTTPHeaders, framing: Framing,
        to buffer: inout ByteBuffer
    ) {
        buffer.writeString("\(method.rawValue) \(target) HTTP/1.1\r\n")
        write(headers, framing: framing, to: &buffer)
        buffer.writeStaticString("\r\n")
    }

    /// One chunk of a chunked body, and the last chunk after it if the body ends there.
    static func writeChunk(
        _ chunks: [ArraySlice<UInt8>], count: Int, isLast: Bool, to buffer: inout ByteBuffer
    ) {
        if count > 0 {
            buffer.writeString(String(count, radix: 16))
            buffer.writeStaticString("\r\n")
            for chunk in chunks { buffer.writeBytes(chunk) }
            buffer.writeStaticString("\r\n")
        }
        if isLast { buffer.writeStaticString("0\r\n\r\n") }
    }

    private static func write(_ headers: HTTPHeaders, framing: Framing, to buffer: inout ByteBuffer) {
        headers.write(to: &buffer, without: ours)
        switch framing.body {
        case .none, .untilClose: break
        case .length(let count):
            buffer.writeStaticString("Content-Length: ")
            writeDecimal(count, to: &buffer)
            buffer.writeStaticString("\r\n")
        case .chunked: buffer.writeStaticString("Transfer-Encoding: chunked\r\n")
        }
        if let connection = framing.connection {
            buffer.writeStaticString("Connection: ")
            buffer.writeStaticString(connection)
            buffer.writeStaticString("\r\n")
        }
    }

    /// A number of up to 15 digits makes a string that needs no allocation.
    private static func writeDecimal(_ number: Int, to buffer: inout ByteBuffer) {
        buffer.writeString(String(number))
    }
}
