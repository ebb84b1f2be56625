/// Parses one complete message head (RFC 9112), strictly: what breaks the grammar is refused and never
/// repaired, because two parsers that repair differently can be played off against each other.
///
/// The bytes are copied once, and the fields of the result point into the copy.
struct HTTP1HeadParser {
    private let block: [UInt8]
    private var index = 0

    /// The head, from its first byte to the end of its blank line.
    init(_ head: UnsafeRawBufferPointer) { block = Array(head) }

    static func request(_ bytes: UnsafeRawBufferPointer) throws(HTTP1Failure) -> HTTP1RequestHead {
        var parser = HTTP1HeadParser(bytes)
        return try parser.request()
    }

    static func response(_ bytes: UnsafeRawBufferPointer) throws(HTTP1Failure) -> HTTP1ResponseHead {
        var parser = HTTP1HeadParser(bytes)
        return try parser.response()
    }

    private mutating func request() throws(HTTP1Failure) -> HTTP1RequestHead {
        let line = try nextLine()
        guard let first = space(in: line), let second = space(in: first + 1..<line.upperBound),
            line.lowerBound < first, first + 1 < second
        else { throw .malformed("malformed request line") }
        guard block[line.lowerBound..<first].allSatisfy(HTTPCharacter.isToken) else {
            throw .malformed("malformed method")
        }
        let version = try version(second + 1..<line.upperBound)
        let target = try target(first + 1..<second)
        let (headers, framing) = try fields()
        // RFC 9112, section 3.2: exactly one Host in HTTP/1.1.
        guard framing.hosts == 1 || (framing.hosts == 0 && version == .http1_0) else {
            throw .malformed(framing.hosts == 0 ? "missing required Host header" : "too many Host headers")
        }
        guard version == .http1_1 || !framing.isChunked else {
            throw .malformed("chunked encoding is not part of HTTP/1.0")
        }
        return HTTP1RequestHead(
            method: method(line.lowerBound..<first), target: target, version: version, headers: headers,
            framing: framing)
    }

    private mutating func response() throws(HTTP1Failure) -> HTTP1ResponseHead {
        let line = try nextLine()
        guard let first = space(in: line), line.upperBound >= first + 4 else {
            throw .malformed("malformed status line")
        }
        let version = try version(line.lowerBound..<first)
        let digits = block[first + 1..<first + 4]
        guard digits.allSatisfy({ (48...57).contains($0) }), digits[first + 1] != 48,
            line.upperBound == first + 4 || block[first + 4] == 32
        else { throw .malformed("malformed status code") }
        let code = digits.reduce(0) { $0 * 10 + Int($1 - 48) }
        let (headers, framing) = try fields()
        return HTTP1ResponseHead(
            status: HTTPStatus(code), version: version, headers: headers, framing: framing)
    }

    /// The next line without its CR LF.
    private mutating func nextLine() throws(HTTP1Failure) -> Range<Int> {
        let start = index
        while index < block.count {
            if block[index] == 10 {
                guard index > start, block[index - 1] == 13 else {
                    throw .malformed("a line ends without CR")
                }
                defer { index += 1 }
                return start..<index - 1
            }
            index += 1
        }
        throw .malformed("a line does not end")
    }

    private func space(in range: Range<Int>) -> Int? { block[range].firstIndex(of: 32) }

    private func method(_ range: Range<Int>) -> HTTPMethod {
        if block[range].elementsEqual("GET".utf8) { return .get }
        return HTTPMethod(rawValue: String(decoding: block[range], as: UTF8.self))
    }

    private func version(_ range: Range<Int>) throws(HTTP1Failure) -> HTTPVersion {
        let text = block[range]
        guard text.count == 8, text.starts(with: "HTTP/".utf8), text[text.startIndex + 6] == UInt8(ascii: ".")
        else { throw .malformed("malformed HTTP version") }
        switch (text[text.startIndex + 5], text[text.startIndex + 7]) {
        case (UInt8(ascii: "1"), UInt8(ascii: "1")): return .http1_1
        case (UInt8(ascii: "1"), UInt8(ascii: "0")): return .http1_0
        default: throw HTTP1Failure(status: .versionNotSupported, reason: "unsupported protocol version")
        }
    }

    /// Origin form and `*` as they are; the absolute form without its scheme and authority (RFC 9112, section
    /// 3.2).
    private func target(_ range: Range<Int>) throws(HTTP1Failure) -> String {
        guard block[range].allSatisfy({ $0 > 32 && $0 != 127 }) else {
            throw .malformed("malformed request target")
        }
        if block[range.lowerBound] != UInt8(ascii: "/") {
            for scheme in ["http://", "https://"] where block[range].starts(with: scheme.utf8) {
                let authority = block[range].dropFirst(scheme.utf8.count)
                let path = authority.drop { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
                return (path.first == UInt8(ascii: "/") ? "" : "/") + String(decoding: path, as: UTF8.self)
            }
            guard block[range].elementsEqual("*".utf8) else { throw .malformed("malformed request target") }
        }
        return String(decoding: block[range], as: UTF8.self)
    }

    private mutating func fields() throws(HTTP1Failure) -> (HTTPHeaders, HTTP1Framing) {
        var framing = HTTP1Framing()
        var fields: [HTTPHeaders.Field] = []
        fields.reserveCapacity(12)
        while true {
            let line = try nextLine()
            if line.isEmpty { break }
            var colon = line.lowerBound
            while colon < line.upperBound, HTTPCharacter.isToken(block[colon]) { colon += 1 }
            guard colon > line.lowerBound, colon < line.upperBound, block[colon] == UInt8(ascii: ":") else {
                throw .malformed("malformed header field")
            }
            var start = colon + 1
            var end = line.upperBound
            while start < end, block[start] == 32 || block[start] == 9 { start += 1 }
            while end > start, block[end - 1] == 32 || block[end - 1] == 9 { end -= 1 }
            guard block[start..<end].allSatisfy(HTTPCharacter.isValue) else {
                throw .malformed("malformed value of a header field")
            }
            try note(line.lowerBound..<colon, value: start..<end, in: &framing)
            fields.append(
                HTTPHeaders.Field(
                    nameStart: UInt32(line.lowerBound), nameEnd: UInt32(colon), valueStart: UInt32(start),
                    valueEnd: UInt32(end)))
        }
        // RFC 9112, section 6.1: a message with both is an attempt at smuggling.
        guard !framing.isChunked || framing.contentLength == nil else {
            throw .malformed("both Transfer-Encoding and Content-Length")
        }
        return (HTTPHeaders(parsed: block, fields: fields), framing)
    }

    /// The names that frame a message differ in length, which spares comparing the others.
    private func note(
        _ name: Range<Int>, value: Range<Int>, in framing: inout HTTP1Framing
    ) throws(HTTP1Failure) {
        func isNamed(_ text: StaticString) -> Bool {
            text.withUTF8Buffer { HTTPCharacter.isSame(block[name], $0) }
        }
        switch name.count {
        case 4 where isNamed("host"): framing.hosts += 1
        case 6 where isNamed("expect"):
            guard HTTPCharacter.isSame(block[value], "100-continue".utf8) else {
                throw HTTP1Failure(status: HTTPStatus(417), reason: "unknown expectation")
            }
            framing.expectsContinue = true
        case 10 where isNamed("connection"):
            let headers = HTTPHeaders(dictionaryLiteral: ("c", String(decoding: block[value], as: UTF8.self)))
            framing.closes = framing.closes || headers.lists("close", in: "c")
            framing.keepsAlive = framing.keepsAlive || headers.lists("keep-alive", in: "c")
            framing.isUpgrade = framing.isUpgrade || headers.lists("upgrade", in: "c")
        case 14 where isNamed("content-length"):
            let length = try contentLength(value)
            guard framing.contentLength == nil || framing.contentLength == length else {
                throw .malformed("contradicting Content-Length headers")
            }
            framing.contentLength = length
        case 17 where isNamed("transfer-encoding"):
            guard !framing.isChunked, HTTPCharacter.isSame(block[value], "chunked".utf8) else {
                throw HTTP1Failure(status: .notImplemented, reason: "unsupported transfer encoding")
            }
            framing.isChunked = true
        default: break
        }
    }

    private func contentLength(_ value: Range<Int>) throws(HTTP1Failure) -> Int {
        // 18 digits fit into an Int, and no body is longer.
        guard (1...18).contains(value.count), block[value].allSatisfy({ (48...57).contains($0) }) else {
            throw .malformed("malformed Content-Length")
        }
        return block[value].reduce(0) { $0 * 10 + Int($1 - 48) }
    }
}
