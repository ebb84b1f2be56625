import Support
import Synchronization
import Wire

/// HTTP clients, one for each way of trusting a server, that keep their connections between calls. The least recently
/// used goes when there are too many.
final class TrustedClients: Sendable {
    /// Whom a connection trusts.
    struct Trust: Hashable, Sendable {
        /// Who may have signed the server's certificate, as PEM. Empty: whom this system trusts.
        var authorities: [UInt8]
        /// The name that the certificate must hold; `nil` for the host that is dialled.
        var serverName: String?
        /// `false` takes any certificate.
        var isVerifying = true
    }

    private struct State {
        var clients: [Trust: HTTPClient] = [:]
        /// The least recently used first.
        var order: [Trust] = []
    }

    private static let mostClients = 128

    private let certificatePEM: [UInt8]?
    private let keyPEM: [UInt8]?
    private let state = Mutex(State())

    /// The certificate, if any, is what this server shows to the others.
    init(certificatePEM: [UInt8]? = nil, keyPEM: [UInt8]? = nil) {
        self.certificatePEM = certificatePEM
        self.keyPEM = keyPEM
    }

    /// Fails with `invalid` when the authorities cannot be read.
    func client(_ trust: Trust) throws(Fault) -> HTTPClient {
        let known = state.withLock { state -> HTTPClient? in
            guard let client = state.clients[trust] else { return nil }
            state.order.removeAll { $0 == trust }
            state.order.append(trust)
            return client
        }
        if let known { return known }
        let identity = try TLSClientIdentity(
            authoritiesPEM: trust.authorities.isEmpty ? nil : trust.authorities, certificatePEM: certificatePEM,
            keyPEM: keyPEM, serverName: trust.serverName, isVerifying: trust.isVerifying)
        let client = HTTPClient(tls: identity)
        state.withLock { state in
            if state.clients.updateValue(client, forKey: trust) == nil { state.order.append(trust) }
            if state.order.count > Self.mostClients { state.clients[state.order.removeFirst()] = nil }
        }
        return client
    }
}
