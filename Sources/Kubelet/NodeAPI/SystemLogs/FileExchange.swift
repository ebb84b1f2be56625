import Host
import Support
import Wire

/// Answers a request for what is in a folder, as Go's `http.FileServer` does.
struct FileExchange: Sendable {
    /// As much is read and sent at a time.
    private static let chunkSize = 64 << 10
    private static let index = "/index.html"

    let folder: SystemLogFolder
    /// As it was asked for; absolute, as if the folder were all there is.
    let path: String
    let request: HTTPRequest
    let exchange: HTTPExchange

    private enum Found: Sendable {
        case file(OpenFile, FileStatus, name: String)
        case folder([String], FileStatus)
        /// What the path is not written as: relative.
        case elsewhere(String)
    }

    func answer() async throws {
        guard !path.hasSuffix(Self.index) else { return lead(to: "./") }
        let found: Found
        do throws(Fault) {
            let (folder, path) = (folder, path)
            found = try await BlockingWork.run { () throws(Fault) in try Self.find(path, in: folder) }
        } catch {
            throw Self.failure(error)
        }
        switch found {
        case .elsewhere(let path): lead(to: path)
        case .folder(let names, let status): send(names, status)
        case .file(let file, let status, let name): try await send(file, status, name)
        }
    }

    private static func find(_ path: String, in folder: SystemLogFolder) throws(Fault) -> Found {
        let entry = try folder.entry(path)
        let endsInSlash = path.hasSuffix("/")
        let name = Path.name(of: Path.cleaned(path))
        guard entry.status.kind == .directory else {
            if endsInSlash { return .elsewhere("../" + name) }
            return .file(try entry.open(), entry.status, name: name)
        }
        guard endsInSlash else { return .elsewhere(name + "/") }
        if let index = try? folder.entry(path + Self.index), index.status.kind == .regular {
            return .file(try index.open(), index.status, name: "index.html")
        }
        return .folder(try entry.names(), entry.status)
    }

    /// Says no more than Go does: the reason could tell of what nobody may know.
    private static func failure(_ fault: Fault) -> NodeFailure {
        switch fault.code {
        case .notFound: NodeFailure(.notFound, "404 page not found\n")
        case .denied: NodeFailure(.forbidden, "403 Forbidden\n")
        // A file stands where the path has a folder.
        case .invalid where fault.errno == Errno.notADirectory: NodeFailure(.notFound, "404 page not found\n")
        default: NodeFailure(.internalServerError, "500 Internal Server Error\n")
        }
    }

    private func lead(to path: String) {
        let location = path + (request.rawQuery.map { "?" + $0 } ?? "")
        exchange.respond(.movedPermanently, ["Location": location])
    }

    // MARK: Folders

    private func send(_ names: [String], _ status: FileStatus) {
        let headers = Self.headers(status)
        if let text = request.headers["If-Modified-Since"], let limit = HTTPDate.time(text),
            status.modified.seconds <= limit.seconds
        {
            return exchange.respond(.notModified, [:])
        }
        var all: HTTPHeaders = ["Content-Type": "text/html; charset=utf-8"]
        all.add(headers)
        exchange.respond(.ok, all, Array(FolderPage.html(names).utf8))
    }

    private static func headers(_ status: FileStatus) -> HTTPHeaders {
        guard status.modified != Timestamp(seconds: 0) else { return [:] }
        return ["Last-Modified": HTTPDate.text(status.modified)]
    }

    // MARK: Files

    private func send(_ file: OpenFile, _ status: FileStatus, _ name: String) async throws {
        let size = status.size.bytes
        var headers = Self.headers(status)
        let answer = FileAnswer(request.headers, modified: status.modified, size: size)
        switch answer {
        case .notModified: return exchange.respond(.notModified, headers)
        case .preconditionFailed: return exchange.respond(.preconditionFailed, headers)
        case .unsatisfiable(let reason, let tellsSize):
            if tellsSize { headers["Content-Range"] = "bytes */\(size)" }
            headers["Content-Type"] = "text/plain; charset=utf-8"
            headers["X-Content-Type-Options"] = "nosniff"
            return exchange.respond(.rangeNotSatisfiable, headers, Array((reason + "\n").utf8))
        case .whole, .part, .parts: break
        }
        let type = ContentType.of(name, beginning: try file.read(at: 0, upTo: ContentType.sniffed))
        headers["Content-Type"] = type
        headers["Accept-Ranges"] = "bytes"
        switch answer {
        case .part(let range):
            headers["Content-Range"] = range.header(size: size)
            try await send([Piece(range: range)], of: file, .partialContent, headers)
        case .parts(let ranges):
            let boundary = Self.boundary()
            headers["Content-Type"] = "multipart/byteranges; boundary=" + boundary
            try await send(
                Piece.parts(ranges, size: size, type: type, boundary: boundary), of: file, .partialContent, headers)
        default:
            try await send([Piece(range: ByteRange(start: 0, length: size))], of: file, .ok, headers)
        }
    }

    /// What tells the parts apart: nobody can foresee it, so that no file holds it.
    private static func boundary() -> String {
        var text = ""
        while text.utf8.count < 60 { text += String(UInt64.random(in: 0...UInt64.max), radix: 16) }
        return String(text.prefix(60))
    }

    /// The length is told before: a file that grows meanwhile is shown as it was, one that shrinks breaks the answer off.
    private func send(
        _ pieces: [Piece], of file: OpenFile, _ status: HTTPStatus, _ headers: HTTPHeaders
    ) async throws {
        let length = pieces.reduce(0) { $0 + $1.text.count + Int($1.range.length) }
        let writer = exchange.startResponse(status, headers, contentLength: length, endsOnStop: false)
        guard request.method != .head else { return }
        for piece in pieces {
            if !piece.text.isEmpty { try await writer.send(piece.text) }
            var (offset, left) = (piece.range.start, piece.range.length)
            while left > 0 {
                let part = try file.read(at: offset, upTo: Int(min(Int64(Self.chunkSize), left)))
                guard !part.isEmpty else { throw Fault(.conflict, "the file became shorter while it was sent") }
                offset += Int64(part.count)
                left -= Int64(part.count)
                try await writer.send(part)
            }
        }
    }
}

/// Some text, and a part of the file behind it.
private struct Piece: Sendable {
    var text: [UInt8] = []
    var range: ByteRange

    /// A message of several parts (RFC 9110, section 14.6).
    static func parts(_ ranges: [ByteRange], size: Int64, type: String, boundary: String) -> [Piece] {
        var pieces: [Piece] = []
        for range in ranges {
            let head = """
                --\(boundary)\r\nContent-Range: \(range.header(size: size))\r\nContent-Type: \(type)\r\n\r\n
                """
            let text = (pieces.isEmpty ? "" : "\r\n") + head
            pieces.append(Piece(text: Array(text.utf8), range: range))
        }
        let end = "\r\n--\(boundary)--\r\n"
        return pieces + [Piece(text: Array(end.utf8), range: ByteRange(start: 0, length: 0))]
    }
}
