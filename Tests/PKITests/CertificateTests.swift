import Support
import Testing

@testable import PKI

@Suite struct CertificateTests {
    @Test func `a leaf says what its template said`() throws {
        let authority = try Samples.authority()
        let key = try PrivateKey.generateP256()
        let template = Samples.template(
            DistinguishedName(commonName: "kube-apiserver", organizations: ["b", "a: ü"], uid: "42"),
            names: ["kubernetes", "10.43.0.1", "::1", "fd00:43::1"], usages: [.serverAuth, .clientAuth])
        let leaf = try authority.issue(template, for: key.publicKey)

        #expect(leaf.subject.commonName == "kube-apiserver")
        #expect(Set(leaf.subject.organizations) == ["b", "a: ü"])
        #expect(leaf.subject.uid == "42")
        #expect(leaf.issuer == authority.certificate.subject)
        #expect(
            leaf.subjectAlternativeNames.map(\.description) == [
                "kubernetes", "10.43.0.1", "::1", "fd00:43::1",
            ])
        #expect(leaf.keyUsage == [.digitalSignature, .keyEncipherment])
        #expect(leaf.extendedKeyUsages == [.serverAuth, .clientAuth])
        #expect(leaf.notBefore == template.notBefore && leaf.notAfter == template.notAfter)
        #expect(leaf.serialNumber == Array(template.serialNumber.drop { $0 == 0 }))
        #expect(!leaf.isAuthority)
        #expect(leaf.publicKey == key.publicKey)
        #expect(leaf.authorityKeyIdentifier == authority.certificate.subjectKeyIdentifier)
        #expect(leaf.subjectKeyIdentifier == nil)
        #expect(leaf.isSigned(by: authority.certificate))
        #expect(
            try Certificate.all(pem: [leaf, authority.certificate].pem) == [leaf, authority.certificate])
    }

    @Test func `an authority is self-signed, with serial number zero`() throws {
        let certificate = try Samples.authority().certificate
        #expect(certificate.isAuthority && certificate.isSelfIssued && certificate.isSigned(by: certificate))
        #expect(certificate.serialNumber == [0])
        #expect(certificate.subjectKeyIdentifier?.count == 20)
        #expect(certificate.authorityKeyIdentifier == nil)
        #expect(certificate.keyUsage == [.digitalSignature, .keyEncipherment, .certificateSigning])
    }

    @Test func `an authority needs its own key and the right to sign`() throws {
        let authority = try Samples.authority()
        let key = try PrivateKey.generateP256()
        let leaf = try authority.issue(Samples.template(), for: key.publicKey)
        #expect(throws: Fault.self) { try CertificateAuthority(chain: authority.chain, key: key) }
        #expect(throws: Fault.self) { try CertificateAuthority(chain: [leaf], key: key) }
        #expect(throws: Fault.self) { try CertificateAuthority(chain: [], key: key) }
    }

    @Test func `an authority with an RSA key signs too`() throws {
        let key = try KeyTests.rsa.get()
        let template = CertificateTemplate(
            subject: DistinguishedName(commonName: "own"), keyUsage: [.certificateSigning], isAuthority: true,
            notBefore: Samples.now, notAfter: Samples.now + Samples.day)
        let authority = try CertificateAuthority(selfSigned: template, key: key)
        let leaf = try authority.issue(
            Samples.template(for: Samples.day), for: PrivateKey.generateP256().publicKey)
        #expect(leaf.isSigned(by: authority.certificate))
    }

    @Test func `no single flipped bit goes unnoticed`() throws {
        let authority = try Samples.authority()
        let leaf = try authority.issue(Samples.template(), for: PrivateKey.generateP256().publicKey)
        var random = SeededRandom(seed: 7)
        for _ in 0..<300 {
            var der = leaf.der
            der[Int.random(in: 0..<der.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            guard let read = try? Certificate(der: der) else { continue }
            #expect(!read.isSigned(by: authority.certificate))
        }
    }

    @Test func `no prefix of a certificate is a certificate`() throws {
        let der = try Samples.authority().certificate.der
        for count in 0..<der.count {
            #expect(throws: Fault.self) { try Certificate(der: Array(der[..<count])) }
        }
        #expect(throws: Fault.self) { try Certificate(der: der + [0]) }
    }

    @Test(
        arguments: [
            ("localhost", .dns("localhost"), "localhost"), ("127.0.0.1", .ip(.loopback), "127.0.0.1"),
            ("[::1]", .ip(.loopback6), "::1"), ("1.2.3", .dns("1.2.3"), "1.2.3"),
            ("*.example.org", .dns("*.example.org"), "*.example.org"),
        ] as [(String, SubjectAlternativeName, String)])
    func `a name that is an address becomes one`(text: String, name: SubjectAlternativeName, shown: String) {
        #expect(SubjectAlternativeName(text) == name)
        #expect(name.description == shown)
    }

    @Test func `a request reads back, and must be signed with its own key`() throws {
        let key = try PrivateKey.generateP256()
        let subject = DistinguishedName(commonName: "system:node:one", organizations: ["system:nodes"])
        let names = [SubjectAlternativeName("one"), SubjectAlternativeName("10.0.0.1")]
        let request = try CertificateSigningRequest(
            subject: subject, subjectAlternativeNames: names, key: key)
        let read = try CertificateSigningRequest(pem: request.pem)
        #expect(read.subject == subject)
        #expect(read.subjectAlternativeNames == names)
        #expect(read.publicKey == key.publicKey)
        #expect(try CertificateSigningRequest(subject: subject, key: key).subjectAlternativeNames == [])

        var forged = request.der
        let place = try #require(forged.firstRange(of: Array("system:node:one".utf8)))
        forged[place.upperBound - 1] = UInt8(ascii: "x")
        #expect(throws: Fault.self) { try CertificateSigningRequest(der: forged) }
    }
}

extension IPAddress {
    fileprivate static let loopback = IPAddress(bytes: [127, 0, 0, 1]) ?? .unspecified(.v4)
    fileprivate static let loopback6 =
        IPAddress(bytes: [UInt8](repeating: 0, count: 15) + [1]) ?? .unspecified(.v6)
}
