import PKI
import Synchronization

/// Remembers tokens whose signature held, by their digest. A signature that held once holds for ever; what a token says
/// is judged anew each time. Checking one costs as much as answering the request.
final class KnownSignatures: Sendable {
    /// Tokens that are remembered, at most. Pods have one each.
    private static let limit = 4096

    private let digests = Mutex<Set<[UInt8]>>([])

    /// Whether the signature of the token holds; `check` is asked when it is not known.
    func holds(_ token: String, _ check: () -> Bool) -> Bool {
        let digest = Digest.sha256(token.utf8)
        if digests.withLock({ $0.contains(digest) }) { return true }
        guard check() else { return false }
        digests.withLock { digests in
            // Those in use come back at once.
            if digests.count >= Self.limit { digests = [] }
            digests.insert(digest)
        }
        return true
    }
}
