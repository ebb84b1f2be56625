/// Why a connection was not made, as Go's libraries say it: the words that people search for. The cause of the faults of
/// ``StreamDialer`` and ``HTTPClient``.
public struct ConnectionFailure: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }

    /// The system's word for why there is no connection.
    init(dialling address: HTTPAddress, _ why: String) {
        let network = if case .unix = address { "unix" } else { "tcp" }
        self.init("dial \(network) \(address): \(why)")
    }
}
