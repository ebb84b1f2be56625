import API
import APIMachinery
import PKI
import Support

/// What a signer does about a request.
///
/// Pure: the key is the controller's.
struct SigningDecision {
    enum Action {
        /// It is decided, not approved, or somebody else's.
        case leave
        /// It is approved, but not what this signer signs.
        case refuse(String)
        case sign(CertificateTemplate, for: PublicKey)
    }

    /// How long a certificate is valid that does not ask for less.
    let lifetime: Duration

    /// Clocks of others may be behind by so much.
    private static let backdate = Duration.seconds(5 * 60)
    /// Less is not given, whatever is asked for.
    private static let shortest = Duration.seconds(10 * 60)
    /// Of certificates that live shorter, the time before now is no part of what was asked for.
    private static let short = Duration.seconds(8 * 60 * 60)

    /// Fails when the request cannot be read.
    func action(
        for request: API.CertificateSigningRequest, by signer: KubernetesSigner, of authority: Certificate,
        at now: Timestamp
    ) throws(Fault) -> Action {
        guard request.spec.signerName == signer.rawValue, request.status.certificate.isEmpty,
            request.isApproved, !request.has("Failed")
        else { return .leave }
        let asked = try PKI.CertificateSigningRequest(pem: request.spec.request)
        if let objection = signer.objection(to: asked, usages: request.spec.usages) { return .refuse(objection) }
        guard now < authority.notAfter else {
            throw Fault(.failed, "the certificate of \(authority.subject.commonName) has expired")
        }
        let lifetime = lifetime(asked: request.spec.expirationSeconds)
        let end = now + (lifetime < Self.short ? lifetime : lifetime - Self.backdate)
        let usages = CertificateUsages(request.spec.usages)
        let template = CertificateTemplate(
            subject: asked.subject, subjectAlternativeNames: asked.subjectAlternativeNames,
            keyUsage: usages.keyUsage, extendedKeyUsages: usages.extended, isAuthority: false,
            notBefore: now + Self.backdate * -1, notAfter: min(end, authority.notAfter))
        return .sign(template, for: asked.publicKey)
    }

    private func lifetime(asked seconds: Int?) -> Duration {
        guard let seconds else { return lifetime }
        return min(max(.seconds(seconds), Self.shortest), lifetime)
    }
}

extension API.CertificateSigningRequest {
    func has(_ condition: String) -> Bool {
        status.conditions.contains { $0.type == condition && $0.status != "False" }
    }

    var isDenied: Bool { has("Denied") }

    /// A denial counts more.
    var isApproved: Bool { has("Approved") && !isDenied }

    /// Adds a condition that is true.
    mutating func decide(_ type: String, _ reason: String, _ message: String, at now: Timestamp) {
        var condition = CertificateSigningRequestCondition()
        (condition.type, condition.status, condition.reason, condition.message) = (type, "True", reason, message)
        condition.lastUpdateTime = now
        status.conditions.append(condition)
    }
}
