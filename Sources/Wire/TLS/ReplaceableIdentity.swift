import Synchronization

/// An identity that can be exchanged while a server uses it: new connections see the new one, open ones stay
/// as they are.
public final class ReplaceableIdentity: CertificateSource {
    private let current: Mutex<TLSIdentity>

    public init(_ identity: TLSIdentity) { current = Mutex(identity) }

    public func replace(with identity: TLSIdentity) { current.withLock { $0 = identity } }

    public func identity(for serverName: String?) -> TLSIdentity? { current.withLock { $0 } }
}
