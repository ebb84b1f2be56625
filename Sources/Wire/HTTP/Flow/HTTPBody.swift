/// Why a body could not be had.
public enum HTTPBodyError: Error, Equatable, Sendable {
    /// It is longer than the caller allows (in bytes).
    case tooLarge(limit: Int)
    /// The connection ended, or was broken off, before the body did.
    case cutShort
    /// Its framing breaks the rules of HTTP.
    case malformed
    /// No byte came for too long.
    case timedOut
    /// It was asked for twice, or after the response.
    case alreadyTaken

    /// The status that tells a client about it.
    public var status: HTTPStatus {
        switch self {
        case .tooLarge: .contentTooLarge
        case .cutShort, .malformed: .badRequest
        case .timedOut: .requestTimeout
        case .alreadyTaken: .internalServerError
        }
    }
}

/// A body as it arrives: a sequence of non-empty chunks, read once by one task.
///
/// Reading is what makes room for more. The sequence throws ``HTTPBodyError`` when the body does not end in
/// good order.
public struct HTTPBody: AsyncSequence, Sendable {
    public typealias Element = [UInt8]

    let inlet: Inlet?
    /// Lives as long as somebody may still read; its end tells the connection.
    let owner: (any Sendable & AnyObject)?

    /// A body that has ended already.
    public static let empty = HTTPBody(inlet: nil, owner: nil)

    public struct AsyncIterator: AsyncIteratorProtocol {
        let body: HTTPBody

        public mutating func next() async throws -> [UInt8]? { try await body.inlet?.next() }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(body: self) }

    /// Reads to the end. Throws ``HTTPBodyError/tooLarge(limit:)`` as soon as it is longer than the limit in
    /// bytes.
    public func collect(limit: Int) async throws -> [UInt8] {
        var whole: [UInt8] = []
        for try await chunk in self {
            guard whole.count + chunk.count <= limit else { throw HTTPBodyError.tooLarge(limit: limit) }
            if whole.isEmpty { whole = chunk } else { whole += chunk }
        }
        return whole
    }
}
