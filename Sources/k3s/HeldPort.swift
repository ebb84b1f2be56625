import Host
import Logging
import Support
import Synchronization
import Wire

/// A port that is taken before there is anybody to answer on it.
///
/// A start that finds its port taken must find so before it begins anything on the host. Until
/// ``open(to:as:)`` whoever connects is turned away.
final class HeldPort: Sendable {
    /// Listens already.
    let server: HTTPServer
    let address: HTTPAddress
    private let door = Door()

    /// Fails with `conflict` when another program has the port.
    init(
        _ host: String, _ port: Int, limits: HTTPServerLimits = HTTPServerLimits(), log: Logger
    ) async throws(Fault) {
        server = HTTPServer(handler: door, limits: limits, log: log)
        address = try await server.listen(on: .tcp(host: host, port: port), certificates: door)
    }

    /// Listens on this socket, too.
    func take(_ socket: Descriptor) async throws(Fault) {
        _ = try await server.listen(onSocket: try socket.duplicate(), certificates: door)
    }

    /// From now on `handler` answers, and the identities of `certificates` are shown.
    func open(to handler: any HTTPHandler, as certificates: any CertificateSource) {
        door.inside.withLock { $0 = (handler, certificates) }
    }
}

private final class Door: HTTPHandler, CertificateSource {
    let inside = Mutex<(handler: any HTTPHandler, certificates: any CertificateSource)?>(nil)

    /// Without one, the connection ends.
    func identity(for serverName: String?) -> TLSIdentity? {
        inside.withLock { $0?.certificates }?.identity(for: serverName)
    }

    func handle(_ request: HTTPRequest, _ exchange: HTTPExchange) {
        // Who got so far has seen an identity, which came together with the handler.
        guard let handler = inside.withLock({ $0?.handler }) else { return exchange.respond(.unavailable) }
        handler.handle(request, exchange)
    }

    func handshakeFailed() { inside.withLock { $0?.handler }?.handshakeFailed() }
}
