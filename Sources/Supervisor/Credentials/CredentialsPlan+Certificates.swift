import Host
import PKI
import Support

extension CredentialsPlan {
    private static let authorityLifetime = Duration.seconds(3650 * 86_400)
    /// No machine runs this program before it was written: a clock that is behind 2026 is wrong, as at the boot of a
    /// machine without one. Authorities, which nobody makes again, are valid by that clock and by the right one.
    private static let epoch = Timestamp(seconds: 1_767_225_600)
    /// Clocks of nodes that join may lag behind this server's.
    private static let allowance = Duration.seconds(-3600)

    /// The authority that is on disk, k3s' own or one that people placed there before; else a new one.
    mutating func prepare(_ authority: Authority) throws(Fault) -> CertificateAuthority {
        let (certificatePath, keyPath) = (paths.certificate(authority), paths.key(authority))
        let made: CertificateAuthority
        switch (found.files[certificatePath], found.files[keyPath]) {
        case (let certificates?, let key?):
            made = try reading(certificatePath) { () throws(Fault) in
                try CertificateAuthority(chain: Certificate.all(pem: certificates), key: PrivateKey(pem: key))
            }
        case (.some, nil):
            throw Fault(
                .invalid, "\(certificatePath) is there, but its key \(keyPath) is not",
                remedy:
                    "put the authority's key there, or remove the certificate to have a new authority made")
        case (nil, let key):
            // A key alone is what a crash between the two files leaves.
            let key = try reading(keyPath) { () throws(Fault) in
                if let key { try PrivateKey(pem: key) } else { try PrivateKey.generateP256() }
            }
            let template = CertificateTemplate(
                subject: DistinguishedName(commonName: "\(authority.commonName)@\(request.now.seconds)"),
                keyUsage: [.digitalSignature, .keyEncipherment, .certificateSigning], isAuthority: true,
                notBefore: min(request.now, Self.epoch) + Self.allowance,
                notAfter: max(request.now, Self.epoch) + Self.authorityLifetime, serialNumber: [0])
            made = try CertificateAuthority(selfSigned: template, key: key)
            write(try key.pem, to: keyPath)
            write(made.pem, to: certificatePath, mode: 0o644)
        }
        if authority.hasSigningCopy {
            write(made.certificate.pem, to: paths.signingCertificate(authority), mode: 0o644)
        }
        return made
    }

    /// The leaf that is on disk, unless there is a reason to make it again; with that reason.
    mutating func prepare(
        _ leaf: Leaf, _ authority: CertificateAuthority
    ) throws(Fault) -> (Identity, RenewalReason?) {
        let (certificatePath, keyPath) = (paths.certificate(leaf), paths.key(leaf))
        let (key, keyPEM) = try usableKey(keyPath)
        let template = CertificateTemplate(
            subject: leaf.subject(nodeName: request.nodeName), subjectAlternativeNames: names.names(leaf),
            extendedKeyUsages: leaf.usages, notBefore: request.now + Self.allowance,
            notAfter: request.now + request.leafLifetime)

        let oldPEM = found.files[certificatePath] ?? []
        let old = try? Certificate.all(pem: oldPEM).first
        let reason = RenewalReason(
            old, for: template, key: key.publicKey, by: authority.certificate, at: request.now)
        if let old, reason == nil {
            return (Identity(certificate: old, key: key, certificatePEM: oldPEM, keyPEM: keyPEM), nil)
        }
        let certificate = try authority.issue(template, for: key.publicKey)
        let identity = Identity(
            certificate: certificate, key: key, certificatePEM: certificate.pem + authority.pem,
            keyPEM: keyPEM)
        write(keyPEM, to: keyPath)
        write(identity.certificatePEM, to: certificatePath, mode: leaf.isOnAgent ? 0o600 : 0o644)
        return (identity, reason)
    }

    /// The agent's copies of what it has to trust.
    mutating func copyAuthorities(_ authorities: [Authority: CertificateAuthority]) {
        for authority in [Authority.server, .client] {
            guard let made = authorities[authority] else { continue }
            write(bundle(authority, made), to: paths.agentCopy(authority), mode: 0o644)
        }
    }

    /// The key of a leaf: the one on disk, or a new one where there is none that can be read.
    private func usableKey(_ path: String) throws(Fault) -> (PrivateKey, pem: [UInt8]) {
        if let pem = found.files[path], let key = try? PrivateKey(pem: pem) { return (key, pem) }
        let key = try PrivateKey.generateP256()
        return (key, try key.pem)
    }

    /// Names the file in what went wrong with its content.
    func reading<Result>(_ path: String, _ body: () throws(Fault) -> Result) throws(Fault) -> Result {
        do throws(Fault) {
            return try body()
        } catch {
            throw Fault(error.code, "cannot use \(path)", remedy: error.remedy, cause: error)
        }
    }
}
