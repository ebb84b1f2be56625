import Synchronization

/// Why the streams of a remote command did not come about.
public enum RemoteStreamError: Error, Hashable, Sendable {
    /// The client did not open all streams in time.
    case missingStreams(opened: [String])
}

extension RemoteCommandStreams {
    /// The header that says what a stream is for, and its values.
    enum StreamType {
        static let header = "streamtype"
        static let error = "error"
        static let stdin = "stdin"
        static let stdout = "stdout"
        static let stderr = "stderr"
        static let resize = "resize"
        static let data = "data"
    }

    /// Waits for the client to open the streams of a remote command: one for each that is wanted, and
    /// `error`.
    ///
    /// Streams of another type, or that come twice, are reset.
    public static func accept(
        over session: SPDYSession, _ wanted: Wanted, within timeout: Duration = .seconds(30)
    ) async throws -> RemoteCommandStreams {
        let opened = Opened()
        let streams = try await withDeadline(timeout) {
            while let stream = try await session.accept() {
                let type = stream.headers[StreamType.header] ?? ""
                if wanted.types.contains(type), opened.add(stream, as: type) {
                    if let streams = opened.complete(wanted) { return streams }
                } else {
                    await stream.close()
                }
            }
            throw ByteStreamError.connectionLost
        }
        guard let streams else { throw RemoteStreamError.missingStreams(opened: opened.types) }
        return streams
    }

    /// Opens the streams of a remote command, `error` first, as servers of all versions expect.
    public static func open(over session: SPDYSession, _ wanted: Wanted) async throws -> RemoteCommandStreams
    {
        let opened = Opened()
        for type in wanted.types {
            _ = opened.add(try await session.open([StreamType.header: type]), as: type)
        }
        guard let streams = opened.complete(wanted) else { throw ByteStreamError.connectionLost }
        return streams
    }
}

extension RemoteCommandStreams.Wanted {
    /// The types of the streams, in the order they are opened.
    fileprivate var types: [String] {
        typealias StreamType = RemoteCommandStreams.StreamType
        return [StreamType.error] + (stdin ? [StreamType.stdin] : []) + (stdout ? [StreamType.stdout] : [])
            + (stderr ? [StreamType.stderr] : []) + (resize ? [StreamType.resize] : [])
    }
}

/// The streams that have been opened, by type.
private final class Opened: Sendable {
    private let streams = Mutex<[String: SPDYStream]>([:])

    var types: [String] { streams.withLock { $0.keys.sorted() } }

    /// False when there is one of this type.
    func add(_ stream: SPDYStream, as type: String) -> Bool {
        streams.withLock { streams in
            guard streams[type] == nil else { return false }
            streams[type] = stream
            return true
        }
    }

    /// The whole, once nothing is missing.
    func complete(_ wanted: RemoteCommandStreams.Wanted) -> RemoteCommandStreams? {
        typealias StreamType = RemoteCommandStreams.StreamType
        let streams = streams.withLock { $0 }
        guard streams.count == wanted.types.count, let error = streams[StreamType.error] else { return nil }
        return RemoteCommandStreams(
            error: error, stdin: streams[StreamType.stdin], stdout: streams[StreamType.stdout],
            stderr: streams[StreamType.stderr], resize: streams[StreamType.resize])
    }
}
