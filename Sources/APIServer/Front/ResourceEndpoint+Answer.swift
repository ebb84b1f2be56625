import APIMachinery
import Client
import Wire

/// How objects and lists go out.
extension ResourceEndpoint {
    /// A list whose objects take no more bytes than this is encoded at once.
    private static let smallList = 256 << 10
    /// How long a long list is encoded before other connections have their turn.
    private static let slice = Duration.milliseconds(1)
    /// Bytes of a long list that go out in one write.
    private static let chunk = 64 << 10

    /// Answers with one object in the form that was asked for.
    func respond(
        _ object: StoredObject, _ status: HTTPStatus, _ call: FrontCall, _ exchange: HTTPExchange,
        warnings: [String] = []
    ) throws(Status) {
        let encoder = ObjectEncoder(try call.format(served.definition), served, subresource: call.target.subresource)
        var headers = Self.headers(encoder.format, served)
        for warning in WarningHeader.values(warnings) { headers.add("Warning", warning) }
        call.audit?.answered { object.wholeValue }
        respond(status, headers, try encoder.encode(object), call, exchange)
    }

    /// Answers with a page of a list, on the event loop: a short one at once, a long one little by little.
    func respond(_ page: ResourceStore.Page, _ call: FrontCall, _ exchange: HTTPExchange) throws(Status) {
        guard let rest = try begin(page, call, exchange) else { return }
        exchange.run { await stream(rest, served, call, exchange) }
    }

    /// The same in a task of the exchange.
    func answer(_ page: ResourceStore.Page, _ call: FrontCall, _ exchange: HTTPExchange) async throws(Status) {
        guard let rest = try begin(page, call, exchange) else { return }
        await stream(rest, served, call, exchange)
    }

    /// Answers if that takes no time; otherwise returns what is to be streamed.
    private func begin(
        _ page: ResourceStore.Page, _ call: FrontCall, _ exchange: HTTPExchange
    ) throws(Status) -> ListBody? {
        let format = try call.format(served.definition)
        var body = try ListBody(page, ObjectEncoder(format, served))
        call.audit?.answered { page.list(served) }
        let size = page.items.reduce(0) { $0 + $1.bytes.count }
        api.memory.note(bytes: size)
        if size <= Self.smallList {
            var output = ResponseBody(isPretty: format.isPretty, isCompressed: false)
            let bytes = output.take(Self.join(try body.encode(atMost: .max)))
            respond(.ok, Self.headers(format, served), bytes, call, exchange)
            return nil
        }
        guard body.isShared, !format.isPretty, !call.acceptsGzip else { return body }
        send(try body.encode(atMost: .max), Self.headers(format, served), exchange)
        return nil
    }

    /// The head of an answer that holds objects. Who uses a kind that is not there to stay hears so.
    private static func headers(_ format: ResponseFormat, _ served: Registry.Served) -> HTTPHeaders {
        headers(format.contentType, served)
    }

    static func headers(_ contentType: String, _ served: Registry.Served) -> HTTPHeaders {
        var headers: HTTPHeaders = ["Content-Type": contentType, "Cache-Control": "no-cache, private"]
        if let warning = served.deprecation {
            for value in WarningHeader.values([warning]) { headers.add("Warning", value) }
        }
        return headers
    }

    /// Answers with bytes that are there, compressed if they are many.
    private func respond(
        _ status: HTTPStatus, _ headers: HTTPHeaders, _ bytes: [UInt8], _ call: FrontCall, _ exchange: HTTPExchange
    ) {
        guard bytes.count > ResponseBody.compressedFrom, call.acceptsGzip else {
            return exchange.respond(status, headers, bytes)
        }
        var output = ResponseBody(isPretty: false, isCompressed: true)
        exchange.respond(status, Self.compressed(headers), output.take(bytes, isLast: true))
    }

    private static func compressed(_ headers: HTTPHeaders) -> HTTPHeaders {
        var headers = headers
        headers.add("Content-Encoding", "gzip")
        headers.add("Vary", "Accept-Encoding")
        return headers
    }

    /// Sends what lies in the cache by reference: a client that reads slowly holds back no copy.
    private func send(_ pieces: [[UInt8]], _ headers: HTTPHeaders, _ exchange: HTTPExchange) {
        let length = pieces.reduce(0) { $0 + $1.count }
        let writer = exchange.startResponse(
            .ok, headers, contentLength: length, limit: length, endsOnStop: false)
        for piece in pieces { writer.write(piece) }
        writer.finish()
    }

    /// The next pieces of a list: enough for one write, or as many as the time allows.
    private static func pieces(
        of body: inout ListBody, until end: ContinuousClock.Instant
    ) throws(Status) -> [[UInt8]] {
        var (pieces, count): ([[UInt8]], Int) = ([], 0)
        repeat {
            let next = try body.encode(atMost: 8)
            count += next.reduce(0) { $0 + $1.count }
            pieces += next
        } while !body.isFinished && count < chunk && ContinuousClock.now < end
        return pieces
    }

    /// One array instead of many, copied piece by piece and not byte by byte.
    private static func join(_ pieces: [[UInt8]]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(pieces.reduce(0) { $0 + $1.count })
        for piece in pieces { bytes += piece }
        return bytes
    }

    /// Encodes and sends slice by slice.
    private func stream(
        _ body: ListBody, _ served: Registry.Served, _ call: FrontCall, _ exchange: HTTPExchange
    ) async {
        var body = body
        var output = ResponseBody(isPretty: body.format.isPretty, isCompressed: call.acceptsGzip)
        var headers = Self.headers(body.format, served)
        if call.acceptsGzip { headers = Self.compressed(headers) }
        var writer: HTTPBodyWriter?
        var begun = ContinuousClock.now
        do {
            while !body.isFinished {
                let chunk = Self.join(try Self.pieces(of: &body, until: begun + Self.slice))
                if writer == nil, !chunk.isEmpty {
                    writer = exchange.startResponse(.ok, headers, endsOnStop: false)
                }
                try await writer?.send(output.take(chunk, isLast: body.isFinished), held: Self.smallList)
                guard ContinuousClock.now - begun > Self.slice else { continue }
                await exchange.pause()
                begun = .now
            }
            writer?.finish()
        } catch {
            // Either the client is gone, or an object cannot be written, which is told unless the answer has begun.
            guard writer == nil, let status = error as? Status else { return exchange.abort() }
            exchange.respond(status, to: call.request)
        }
    }
}
