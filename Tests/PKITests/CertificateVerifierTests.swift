import Support
import Testing

@testable import PKI

@Suite struct CertificateVerifierTests {
    private let authority: CertificateAuthority
    private let verifier: CertificateVerifier

    init() throws {
        authority = try Samples.authority()
        verifier = try CertificateVerifier(authorities: authority.chain, usage: .clientAuth, memory: 4)
    }

    private func leaf(_ template: CertificateTemplate, by authority: CertificateAuthority? = nil) throws
        -> [UInt8]
    {
        try (authority ?? self.authority).issue(template, for: PrivateKey.generateP256().publicKey).der
    }

    @Test func `a client is known by its name, groups and UID`() throws {
        let subject = DistinguishedName(commonName: "jane", organizations: ["dev", "ops"], uid: "u-1")
        let der = try leaf(Samples.template(subject))
        let peer = try verifier.verify(chain: [der], at: Samples.now)
        #expect(peer.commonName == "jane" && peer.organizations == ["dev", "ops"] && peer.uid == "u-1")
        #expect(peer.fingerprint == Digest.sha256(der))
        #expect(peer.notAfter == Samples.now + Samples.day * 365)
    }

    @Test func `time is judged at the given moment, from the first second to the last`() throws {
        let der = try leaf(Samples.template(from: Samples.day, for: Samples.day))
        let end = Samples.now + Samples.day * 2
        #expect(throws: CertificateVerificationError.notYetValid) {
            try verifier.verify(chain: [der], at: Samples.now + Samples.day + .seconds(-1))
        }
        _ = try verifier.verify(chain: [der], at: Samples.now + Samples.day)
        _ = try verifier.verify(chain: [der], at: end)
        #expect(throws: CertificateVerificationError.expired) {
            try verifier.verify(chain: [der], at: end + .seconds(1))
        }
        #expect(throws: CertificateVerificationError.notYetValid) {
            try verifier.verify(chain: [der], at: Samples.now)
        }
    }

    @Test func `a stranger's authority is unknown, whatever it is named`() throws {
        let other = try Samples.authority("another")
        let twin = try Samples.authority()
        for stranger in [other, twin] {
            let der = try leaf(Samples.template(), by: stranger)
            #expect(throws: CertificateVerificationError.unknownAuthority) {
                try verifier.verify(chain: [der], at: Samples.now)
            }
            #expect(throws: CertificateVerificationError.unknownAuthority) {
                try verifier.verify(chain: [der, stranger.certificate.der], at: Samples.now)
            }
        }
        #expect(throws: CertificateVerificationError.unknownAuthority) {
            try verifier.verify(chain: [other.certificate.der], at: Samples.now)
        }
    }

    @Test func `a server's certificate makes no client`() throws {
        let der = try leaf(Samples.template(usages: [.serverAuth]))
        #expect(throws: CertificateVerificationError.wrongUsage) {
            try verifier.verify(chain: [der], at: Samples.now)
        }
        let servers = try CertificateVerifier(authorities: authority.chain, usage: .serverAuth)
        _ = try servers.verify(chain: [der], at: Samples.now)
        let client = try leaf(Samples.template())
        #expect(throws: CertificateVerificationError.wrongUsage) {
            try servers.verify(chain: [client], at: Samples.now)
        }
    }

    @Test func `an altered certificate is refused`() throws {
        var der = try leaf(Samples.template())
        let place = try #require(der.firstRange(of: Array("system:masters".utf8)))
        der[place.lowerBound] = UInt8(ascii: "S")
        #expect(throws: CertificateVerificationError.badSignature) {
            try verifier.verify(chain: [der], at: Samples.now)
        }
    }

    @Test func `nothing and nonsense are refused`() throws {
        #expect(throws: CertificateVerificationError.missing) {
            try verifier.verify(chain: [], at: Samples.now)
        }
        let good = try leaf(Samples.template())
        for chain in [[[]], [[1, 2, 3]], [good + [0]], [good, [9]], Array(repeating: good, count: 100)] {
            #expect {
                try verifier.verify(chain: chain, at: Samples.now)
            } throws: { error in
                if case CertificateVerificationError.malformed = error { true } else { false }
            }
        }
    }

    @Test func `an intermediate authority leads to the root, or is trusted by itself`() throws {
        let key = try PrivateKey.generateP256()
        let template = CertificateTemplate(
            subject: DistinguishedName(commonName: "between"), keyUsage: [.certificateSigning],
            isAuthority: true,
            notBefore: Samples.now, notAfter: Samples.now + Samples.day * 10)
        let between = try CertificateAuthority(
            chain: [authority.issue(template, for: key.publicKey)], key: key)
        let der = try leaf(Samples.template(), by: between)
        let peer = try verifier.verify(chain: [der, between.certificate.der], at: Samples.now)
        #expect(peer.notAfter == Samples.now + Samples.day * 10)

        let direct = try CertificateVerifier(authorities: between.chain, usage: .clientAuth)
        _ = try direct.verify(chain: [der], at: Samples.now)
    }

    @Test func `a leaf signs nobody`() throws {
        let key = try PrivateKey.generateP256()
        let middle = try authority.issue(Samples.template(), for: key.publicKey)
        // Built by hand: CertificateAuthority refuses to.
        let forged = try SignedDocument.sign(
            Samples.template().toBeSigned(
                publicKey: key.publicKey, issuer: middle.subjectDER[...], algorithm: .ecdsaSHA256,
                subjectKeyIdentifier: nil, authorityKeyIdentifier: nil), .ecdsaSHA256, with: key)
        #expect(throws: CertificateVerificationError.self) {
            try verifier.verify(chain: [forged, middle.der], at: Samples.now)
        }
    }

    @Test func `the memory of peers is bounded, and strangers do not enter it`() throws {
        for _ in 0..<6 { _ = try verifier.verify(chain: [try leaf(Samples.template())], at: Samples.now) }
        #expect(verifier.rememberedPeers == 4)

        let fresh = try CertificateVerifier(authorities: authority.chain, usage: .clientAuth)
        let stranger = try leaf(Samples.template(), by: Samples.authority())
        _ = try? fresh.verify(chain: [stranger], at: Samples.now)
        #expect(fresh.rememberedPeers == 0)
    }
}
