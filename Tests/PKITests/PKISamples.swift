import PKI
import Support

/// Authorities and leaves for the tests, valid around one fixed moment.
enum Samples {
    static let now = Timestamp(seconds: 1_800_000_000)
    static let day = Duration.seconds(86_400)

    static func authority(
        _ name: String = "k3s-client-ca@1800000000", from: Duration = .zero, for life: Duration = day * 3650
    ) throws -> CertificateAuthority {
        let template = CertificateTemplate(
            subject: DistinguishedName(commonName: name),
            keyUsage: [.digitalSignature, .keyEncipherment, .certificateSigning], isAuthority: true,
            notBefore: now + from, notAfter: now + from + life, serialNumber: [0])
        return try CertificateAuthority(selfSigned: template, key: .generateP256())
    }

    static func template(
        _ subject: DistinguishedName = DistinguishedName(
            commonName: "system:admin", organizations: ["system:masters"]),
        names: [String] = [], usages: [ExtendedKeyUsage] = [.clientAuth], from: Duration = .zero,
        for life: Duration = day * 365
    ) -> CertificateTemplate {
        CertificateTemplate(
            subject: subject, subjectAlternativeNames: names.map { SubjectAlternativeName($0) },
            extendedKeyUsages: usages, notBefore: now + from, notAfter: now + from + life)
    }
}
