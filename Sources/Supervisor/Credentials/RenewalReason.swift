import PKI
import Support

/// Why a leaf is made again at a start. Its key is kept.
enum RenewalReason: Hashable, Sendable {
    case missing
    /// The file holds no certificate, or one for another key.
    case unusable
    /// At most ``margin`` is left.
    case expiring
    /// It is not valid yet: the clock was put back since it was made.
    case premature
    /// Common name or organizations are not what they should be.
    case subject
    /// The set of names and addresses is not what it should be.
    case names
    /// Another authority has signed it.
    case authority

    /// As k3s from 2025 on; 90 days before.
    static let margin = Duration.seconds(120 * 86_400)

    /// The first reason to make `leaf` again, if there is one.
    init?(
        _ leaf: Certificate?, for template: CertificateTemplate, key: PublicKey, by authority: Certificate,
        at now: Timestamp
    ) {
        guard let leaf else {
            self = .missing
            return
        }
        if leaf.publicKey != key {
            self = .unusable
        } else if leaf.notAfter - now <= Self.margin {
            self = .expiring
        } else if leaf.notBefore > now {
            self = .premature
        } else if leaf.subject.commonName != template.subject.commonName
            || Set(leaf.subject.organizations) != Set(template.subject.organizations)
        {
            self = .subject
        } else if Set(leaf.subjectAlternativeNames) != Set(template.subjectAlternativeNames) {
            self = .names
        } else if leaf.authorityKeyIdentifier != authority.subjectKeyIdentifier
            || leaf.issuer != authority.subject
        {
            self = .authority
        } else {
            return nil
        }
    }
}
