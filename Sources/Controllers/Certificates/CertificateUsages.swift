import PKI

/// What the API calls the uses of a key, and what certificates call them.
struct CertificateUsages: Hashable, Sendable {
    private(set) var keyUsage: PKI.KeyUsage = []
    private(set) var extended: [ExtendedKeyUsage] = []

    /// The uses in the order of the request; names that are none are passed over, for the API refuses them.
    init(_ names: [String]) {
        for name in names {
            if let usage = Self.plain[name] {
                keyUsage.insert(usage)
            } else if let usage = Self.purposes[name], !extended.contains(usage) {
                extended.append(usage)
            }
        }
    }

    /// RFC 5280, section 4.2.1.3.
    private static let plain: [String: PKI.KeyUsage] = [
        "signing": .digitalSignature, "digital signature": .digitalSignature,
        "content commitment": .contentCommitment, "key encipherment": .keyEncipherment,
        "data encipherment": .dataEncipherment, "key agreement": .keyAgreement, "cert sign": .certificateSigning,
        "crl sign": .revocationListSigning, "encipher only": PKI.KeyUsage(rawValue: 1 << 7),
        "decipher only": PKI.KeyUsage(rawValue: 1 << 8),
    ]
    /// RFC 5280, section 4.2.1.12, and two of companies.
    private static let purposes: [String: ExtendedKeyUsage] = [
        "any": .other("2.5.29.37.0"), "server auth": .serverAuth, "client auth": .clientAuth,
        "code signing": .other("1.3.6.1.5.5.7.3.3"), "email protection": .other("1.3.6.1.5.5.7.3.4"),
        "s/mime": .other("1.3.6.1.5.5.7.3.4"), "ipsec end system": .other("1.3.6.1.5.5.7.3.5"),
        "ipsec tunnel": .other("1.3.6.1.5.5.7.3.6"), "ipsec user": .other("1.3.6.1.5.5.7.3.7"),
        "timestamping": .other("1.3.6.1.5.5.7.3.8"), "ocsp signing": .other("1.3.6.1.5.5.7.3.9"),
        "microsoft sgc": .other("1.3.6.1.4.1.311.10.3.3"), "netscape sgc": .other("2.16.840.1.113730.4.1"),
    ]
}
