import Support

/// Remembers whose certificates were verified, for as long as they are valid; the oldest is forgotten first.
///
/// Only trusted certificates get in, so that strangers cannot push out those that are in use.
struct VerifiedPeers: Sendable {
    private struct Entry: Sendable {
        var identity: PeerIdentity
        var notBefore: Timestamp
    }

    private let limit: Int
    private var entries: [[UInt8]: Entry] = [:]
    /// Fingerprints in a ring, the oldest at `next` once it is full.
    private var order: [[UInt8]] = []
    private var next = 0

    init(limit: Int) {
        precondition(limit > 0, "a memory holds at least one")
        self.limit = limit
    }

    var count: Int { entries.count }

    /// The peer of this fingerprint, if its certificates are valid now.
    func identity(_ fingerprint: [UInt8], at now: Timestamp) -> PeerIdentity? {
        guard let entry = entries[fingerprint], entry.notBefore <= now, now <= entry.identity.notAfter else {
            return nil
        }
        return entry.identity
    }

    mutating func remember(_ identity: PeerIdentity, notBefore: Timestamp) {
        let isNew =
            entries.updateValue(Entry(identity: identity, notBefore: notBefore), forKey: identity.fingerprint)
            == nil
        guard isNew else { return }
        if order.count < limit {
            order.append(identity.fingerprint)
        } else {
            entries[order[next]] = nil
            order[next] = identity.fingerprint
            next = (next + 1) % limit
        }
    }
}
