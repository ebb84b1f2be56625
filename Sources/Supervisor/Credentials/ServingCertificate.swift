public import PKI
public import Support

/// The certificate of the front listener (6443), which learns the names that it is asked for.
///
/// A pure value: it grows and says when it has to be made again, others store it. Its record is a Secret of
/// type `kubernetes.io/tls` whose annotations hold the names, in k3s' form. Keeping it in the cluster as
/// Secret `kube-system/k3s-serving`, and merging what several servers have learnt there, is not part of this
/// type.
public struct ServingCertificate: Sendable {
    /// What decides whether a name that a client asked for may be added (`--tls-san-security`).
    public enum Policy: Sendable {
        /// Any name or address, as before the cluster's own are known.
        case open
        /// Only these: the configured names, and names and addresses of the servers.
        case only(Set<String>)

        func allows(_ name: String) -> Bool {
            switch self {
            case .open: true
            case .only(let names): names.contains(name)
            }
        }
    }

    /// Who asks for a thousand names is no client; more are refused.
    public static let maximumNames = 1024

    /// Stays the same for as long as the record does.
    public let key: PrivateKey
    /// `nil` until ``add(_:signedBy:lifetime:at:)`` has made the first one.
    public internal(set) var certificate: Certificate?
    /// The leaf followed by the certificates of its authority.
    public internal(set) var certificatePEM: [UInt8] = []
    /// Sorted, each once.
    public internal(set) var names: [String] = []
    /// Set by hand on the Secret: the certificate is then never touched.
    public internal(set) var isStatic = false

    /// A certificate that is still to be made.
    public init(key: PrivateKey) { self.key = key }

    /// Whether a client that asks for this name would need a new certificate.
    public func lacks(_ name: String, policy: Policy = .open) -> Bool {
        let name = Self.canonical(name)
        return !isStatic && names.count < Self.maximumNames && Self.isUsable(name) && policy.allows(name)
            && !names.contains(name)
    }

    /// Adds names and makes the certificate again if they are new, or if it is due for renewal, or if another
    /// authority made it. Whether anything changed.
    public mutating func add(
        _ more: [String], signedBy authority: CertificateAuthority,
        lifetime: Duration = .seconds(365 * 86_400), at now: Timestamp
    ) throws(Fault) -> Bool {
        let fresh = more.map(Self.canonical).filter { lacks($0) }.withoutRepetition.prefix(
            Self.maximumNames - names.count)
        let all = (names + fresh).sorted()
        let template = CertificateTemplate(
            subject: DistinguishedName(commonName: "k3s", organizations: ["k3s"]),
            subjectAlternativeNames: all.map { SubjectAlternativeName($0) }, extendedKeyUsages: [.serverAuth],
            notBefore: now + .seconds(-3600), notAfter: now + lifetime)
        let reason = RenewalReason(
            certificate, for: template, key: key.publicKey, by: authority.certificate, at: now)
        guard !isStatic || certificate == nil, reason != nil else { return false }
        let made = try authority.issue(template, for: key.publicKey)
        certificate = made
        certificatePEM = made.pem + authority.pem
        names = all
        return true
    }

    /// One spelling for each name, so that none is added twice.
    static func canonical(_ name: String) -> String { SubjectAlternativeName(name.lowercased()).description }

    /// A host name or address, and nothing that a certificate cannot say.
    private static func isUsable(_ name: String) -> Bool {
        if case .ip(let address) = SubjectAlternativeName(name) { return !address.isUnspecified }
        let isText = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
            case UInt8(ascii: "0")...UInt8(ascii: "9"): true
            default: "-._*".utf8.contains(byte)
            }
        }
        return isText && !name.isEmpty && name.utf8.count <= 253
    }
}
