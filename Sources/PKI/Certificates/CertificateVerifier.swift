import CCrypto
public import Support
import Synchronization

/// Judges the certificates of peers against a bundle of authorities.
///
/// A verdict costs a few signature checks (about 0.2 ms); it is remembered by the leaf's fingerprint until
/// the chain expires, so that a client that connects again costs one hash. For another bundle, make another
/// verifier.
public final class CertificateVerifier: Sendable {
    /// The role in which the peer shows its certificate.
    public enum Usage: Sendable { case clientAuth, serverAuth }

    private let roots: RootsHandle
    private let usage: Usage
    private let peers: Mutex<VerifiedPeers>

    /// A verifier that trusts what `authorities` have issued, self-signed or not; `memory` bounds how many
    /// peers it remembers.
    public init(authorities: [Certificate], usage: Usage, memory: Int = 1024) throws(Fault) {
        roots = try RootsHandle(authorities)
        self.usage = usage
        peers = Mutex(VerifiedPeers(limit: memory))
    }

    /// Judges a chain of DER certificates, leaf first, as they came over the connection.
    public func verify(
        chain: [[UInt8]], at now: Timestamp
    ) throws(CertificateVerificationError) -> PeerIdentity {
        guard let first = chain.first else { throw .missing }
        let fingerprint = Digest.sha256(first)
        if let known = peers.withLock({ $0.identity(fingerprint, at: now) }) { return known }

        let validity = try roots.verify(chain, at: now, usage)
        let leaf: Certificate
        do {
            leaf = try Certificate(der: first)
        } catch {
            throw .malformed(error.summary)
        }
        let identity = PeerIdentity(leaf, fingerprint: fingerprint, notAfter: validity.notAfter)
        peers.withLock { $0.remember(identity, notBefore: validity.notBefore) }
        return identity
    }

    /// How many peers are remembered now.
    var rememberedPeers: Int { peers.withLock { $0.count } }
}

/// Owns libcrypto's store of trusted certificates.
///
/// `@unchecked Sendable`: the pointer never changes, nothing is added to the store after it was made, and
/// libcrypto locks a store while it looks something up in it.
private final class RootsHandle: @unchecked Sendable {
    private let pointer: OpaquePointer

    init(_ authorities: [Certificate]) throws(Fault) {
        var error = ccrypto_error()
        let made = withViews(authorities.map(\.der)) { ccrypto_make_roots($0, $1, &error) }
        guard let made else { throw Fault(.invalid, error.message) }
        pointer = made
    }

    deinit { ccrypto_free_roots(pointer) }

    func verify(
        _ chain: [[UInt8]], at now: Timestamp, _ usage: CertificateVerifier.Usage
    ) throws(CertificateVerificationError) -> (notBefore: Timestamp, notAfter: Timestamp) {
        var (from, until, error) = (Int64(0), Int64(0), ccrypto_error())
        let verdict = withViews(chain) {
            ccrypto_verify_chain(pointer, $0, $1, now.seconds, usage == .clientAuth, &from, &until, &error)
        }
        switch verdict {
        case ccrypto_verdict_trusted: return (Timestamp(seconds: from), Timestamp(seconds: until))
        case ccrypto_verdict_malformed: throw .malformed(error.message)
        case ccrypto_verdict_expired: throw .expired
        case ccrypto_verdict_not_yet_valid: throw .notYetValid
        case ccrypto_verdict_unknown_authority: throw .unknownAuthority
        case ccrypto_verdict_bad_signature: throw .badSignature
        case ccrypto_verdict_wrong_usage: throw .wrongUsage
        default: throw .refused(error.message)
        }
    }
}

/// Lends several runs of bytes to C for the length of one call.
private func withViews<Result>(
    _ buffers: [[UInt8]], _ body: (UnsafePointer<ccrypto_view>, Int) -> Result
) -> Result {
    let joined = Array(buffers.joined())
    return joined.withUnsafeBufferPointer { bytes in
        var views: [ccrypto_view] = []
        var offset = 0
        for buffer in buffers {
            views.append(ccrypto_view(bytes: bytes.baseAddress.map { $0 + offset }, count: buffer.count))
            offset += buffer.count
        }
        // C is promised an array, even when it is empty.
        views.append(ccrypto_view(bytes: nil, count: 0))
        return body(views, buffers.count)
    }
}
