import NIOHPACK
import NIOHTTP2

/// Follows one answer: metadata, messages, and the status at its end.
///
/// Pure: it is fed what the HTTP/2 stream delivers and returns what that means, in order. After
/// ``Event/end(_:)`` nothing follows.
struct GRPCResponseReader {
    enum Event: Equatable {
        case metadata(GRPCMetadata)
        case message([UInt8])
        case end(GRPCStatus)
    }

    private enum State { case start, messages, ended }

    private var state = State.start
    private var reader: GRPCMessageReader

    init(messageLimit: Int) { reader = GRPCMessageReader(limit: messageLimit) }

    mutating func headers(_ headers: HPACKHeaders, isEnd: Bool) -> [Event] {
        switch state {
        case .ended: return []
        case .messages: return end(trailers: headers)
        case .start: break
        }
        let httpStatus = headers.first(name: ":status") ?? ""
        if httpStatus.hasPrefix("1"), !isEnd { return [] }
        // The status may come at once ("Trailers-Only"), and then counts whatever HTTP says.
        if headers.contains(name: "grpc-status") { return end(trailers: headers) }
        guard httpStatus == "200" else {
            return end(
                GRPCStatus(GRPCStatus.Code(httpStatus: httpStatus), "the server answered HTTP \(httpStatus)"))
        }
        let type = headers.first(name: "content-type") ?? "nothing"
        guard type.hasPrefix("application/grpc") else {
            return end(GRPCStatus(.unknown, "the server answered \(type) instead of gRPC"))
        }
        guard !isEnd else { return end(trailers: headers) }
        state = .messages
        return [.metadata(GRPCMetadata(headers))]
    }

    mutating func data(_ bytes: some Collection<UInt8>, isEnd: Bool) -> [Event] {
        guard state != .ended else { return [] }
        guard state == .messages else { return end(GRPCStatus(.internal, "data came before the headers")) }
        do {
            let events = try reader.receive(bytes).map(Event.message)
            return isEnd ? events + end(GRPCStatus(.internal, "the answer ended without a status")) : events
        } catch {
            return end(error)
        }
    }

    /// The server reset the stream.
    mutating func reset(_ code: HTTP2ErrorCode) -> [Event] {
        guard state != .ended else { return [] }
        return end(GRPCStatus(GRPCStatus.Code(code), "the server reset the stream (\(code))"))
    }

    /// The connection ended, or the stream without a word.
    mutating func closed() -> [Event] {
        guard state != .ended else { return [] }
        return end(GRPCStatus(.unavailable, "the connection was lost before the answer was complete"))
    }

    private mutating func end(trailers: HPACKHeaders) -> [Event] {
        let metadata = GRPCMetadata(trailers)
        guard let number = trailers.first(name: "grpc-status").flatMap({ Int($0) }) else {
            return end(GRPCStatus(.internal, "the answer ended without a status", trailers: metadata))
        }
        let message = percentDecoded(trailers.first(name: "grpc-message") ?? "")
        if number == 0, !reader.isBetweenMessages {
            return end(GRPCStatus(.internal, "the answer ended within a message", trailers: metadata))
        }
        return end(GRPCStatus(GRPCStatus.Code(rawValue: number), message, trailers: metadata))
    }

    private mutating func end(_ status: GRPCStatus) -> [Event] {
        state = .ended
        return [.end(status)]
    }
}

extension GRPCStatus.Code {
    /// What a reset of the stream means ("Errors" of the gRPC over HTTP/2 specification).
    init(_ code: HTTP2ErrorCode) {
        switch code {
        case .refusedStream: self = .unavailable
        case .cancel: self = .cancelled
        case .enhanceYourCalm: self = .resourceExhausted
        case .inadequateSecurity: self = .permissionDenied
        default: self = .internal
        }
    }
}

extension GRPCMetadata {
    /// The fields that the application sent: neither HTTP's nor the protocol's own.
    init(_ headers: HPACKHeaders) {
        let ours: Set = [
            "grpc-status", "grpc-message", "content-type", "grpc-encoding", "grpc-accept-encoding",
        ]
        for field in headers where !field.name.hasPrefix(":") && !ours.contains(field.name) {
            add(field.name, field.value)
        }
    }
}

/// Undoes the encoding of `grpc-message`: `%` and two hexadecimal digits stand for a byte of UTF-8. A `%`
/// without them stays as it is, since a broken message is better than none.
func percentDecoded(_ text: String) -> String {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
        let digits = rest.prefix(2)
        if byte == UInt8(ascii: "%"), digits.count == 2,
            digits.allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }),
            let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
        {
            bytes.append(value)
            rest = rest.dropFirst(2)
        } else {
            bytes.append(byte)
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}
