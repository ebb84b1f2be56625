/// One forwarded connection: what it carries, and a text when it fails.
public struct PortForwardConnection: Sendable {
    /// The port in the pod.
    public var port: UInt16
    public var data: any ByteStream
    /// The server writes what went wrong, or just ends it.
    public var error: any ByteStream
}

/// Pairs the streams of a port-forward session: each connection has one for data and one for errors.
///
/// Pure. Streams belong together by their `requestID`; clients that send none open the error stream right
/// before the data stream, whose id is then two more.
struct PortForwardPairing {
    enum Outcome: Equatable {
        /// Waits for its other half. Too many waited, and this one gave way.
        case waiting(evicted: UInt32?)
        case paired(data: UInt32, error: UInt32, port: UInt16)
        /// The stream is of no use.
        case refused
    }

    private struct Half {
        var isError: Bool
        var id: UInt32
        var port: UInt16
    }

    private let limit: Int
    private var halves: [String: Half] = [:]

    /// At most `limit` streams wait for their other half.
    init(limit: Int = 64) { self.limit = limit }

    mutating func add(_ id: UInt32, _ headers: SPDYHeaders) -> Outcome {
        typealias StreamType = RemoteCommandStreams.StreamType
        let type = headers[StreamType.header]
        guard type == StreamType.data || type == StreamType.error,
            let port = headers["port"].flatMap({ UInt16($0) }), port > 0
        else { return .refused }
        let isError = type == StreamType.error
        let request = headers["requestid"] ?? "\(isError ? id : id &- 2)"
        guard let other = halves[request] else {
            let oldest = halves.count < limit ? nil : halves.min { $0.value.id < $1.value.id }
            if let oldest { halves[oldest.key] = nil }
            halves[request] = Half(isError: isError, id: id, port: port)
            return .waiting(evicted: oldest?.value.id)
        }
        guard other.isError != isError, other.port == port else { return .refused }
        halves[request] = nil
        return .paired(data: isError ? other.id : id, error: isError ? id : other.id, port: port)
    }
}

/// Accepts the connections that a client forwards over a SPDY session. One task uses it.
public struct PortForwardAcceptor {
    private let session: SPDYSession
    private var pairing = PortForwardPairing()
    private var waiting: [UInt32: SPDYStream] = [:]

    public init(_ session: SPDYSession) { self.session = session }

    /// Waits for the next connection; `nil` when the client has left. Streams that fit nowhere are reset,
    /// and so is the oldest half when too many wait.
    public mutating func next() async throws -> PortForwardConnection? {
        while let stream = try await session.accept() {
            switch pairing.add(stream.id, stream.headers) {
            case .waiting(let evicted):
                waiting[stream.id] = stream
                if let evicted { await waiting.removeValue(forKey: evicted)?.close() }
            case .refused: await stream.close()
            case .paired(let data, let error, let port):
                let other = waiting.removeValue(forKey: stream.id == data ? error : data)
                guard let other else { continue }
                return PortForwardConnection(
                    port: port, data: stream.id == data ? stream : other,
                    error: stream.id == error ? stream : other)
            }
        }
        return nil
    }
}

extension SPDYSession {
    /// Opens one forwarded connection, as a client. `request` tells the connections of a session apart.
    public func forward(port: UInt16, request: Int) async throws -> PortForwardConnection {
        typealias StreamType = RemoteCommandStreams.StreamType
        let common: SPDYHeaders = ["port": "\(port)", "requestid": "\(request)"]
        var (errorHeaders, dataHeaders) = (common, common)
        errorHeaders.add(StreamType.header, StreamType.error)
        dataHeaders.add(StreamType.header, StreamType.data)
        let error = try await open(errorHeaders)
        // A client has nothing to say on it.
        try await error.closeWrite()
        return PortForwardConnection(port: port, data: try await open(dataHeaders), error: error)
    }
}
