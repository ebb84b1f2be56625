import PKI
public import Support

extension ServerCredentials {
    /// Whether a certificate must be made again, which happens at a start: because the clock was set, or because time has
    /// gone by. False for all of a fresh start whose leaves live long enough.
    public func isWorn(at now: Timestamp) -> Bool {
        leaves.contains { $0.notBefore > now || Self.renewal(of: $0) <= now }
    }

    /// When the first of them is to be made again.
    public var renewal: Timestamp? { leaves.map(Self.renewal).min() }

    private var leaves: [Certificate] {
        let own = serving.isStatic ? nil : serving.certificate
        return identities.values.map(\.certificate) + (own.map { [$0] } ?? [])
    }

    /// What lives for a short time only is used for two thirds of it.
    private static func renewal(of leaf: Certificate) -> Timestamp {
        leaf.notAfter + (.zero - min(RenewalReason.margin, (leaf.notAfter - leaf.notBefore) / 3))
    }
}
