public import Support

/// Who stands at the other end of a connection, by a certificate that was verified.
public struct PeerIdentity: Hashable, Sendable {
    /// The user's name in Kubernetes.
    public let commonName: String
    /// The user's groups.
    public let organizations: [String]
    /// The user's UID, if the certificate states one.
    public let uid: String?
    /// SHA-256 of the leaf.
    public let fingerprint: [UInt8]
    /// When the leaf, or something that it rests on, expires.
    public let notAfter: Timestamp

    init(_ leaf: Certificate, fingerprint: [UInt8], notAfter: Timestamp) {
        commonName = leaf.subject.commonName
        organizations = leaf.subject.organizations
        uid = leaf.subject.uid
        self.fingerprint = fingerprint
        self.notAfter = notAfter
    }
}

/// Why a chain of certificates is not trusted.
public enum CertificateVerificationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The peer sent no certificate.
    case missing
    /// A certificate cannot be read, or there are too many.
    case malformed(String)
    /// A certificate of the chain is past its time.
    case expired
    /// A certificate of the chain is not valid yet.
    case notYetValid
    /// No trusted authority has issued it.
    case unknownAuthority
    /// A signature is wrong: the certificate was altered, or an authority of the same name but with another
    /// key made it.
    case badSignature
    /// It is not for this role (client or server).
    case wrongUsage
    /// Another rule of RFC 5280 is broken; the text is libcrypto's.
    case refused(String)

    public var description: String {
        switch self {
        case .missing: "there is no certificate"
        case .malformed(let text): "the certificate cannot be read: \(text)"
        case .expired: "the certificate has expired"
        case .notYetValid: "the certificate is not valid yet"
        case .unknownAuthority: "the certificate is signed by an unknown authority"
        case .badSignature: "the certificate's signature is wrong"
        case .wrongUsage: "the certificate is not meant for this use"
        case .refused(let text): "the certificate is refused: \(text)"
        }
    }
}
