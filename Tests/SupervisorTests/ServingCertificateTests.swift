import PKI
import Support
import Testing

@testable import Supervisor

@Suite struct ServingCertificateTests {
    private let authority: CertificateAuthority

    init() throws {
        authority = try CertificateAuthority(
            selfSigned: CertificateTemplate(
                subject: DistinguishedName(commonName: "k3s-server-ca@1"), keyUsage: [.certificateSigning],
                isAuthority: true, notBefore: start, notAfter: start + day * 3650), key: .generateP256())
    }

    private func serving(_ names: String...) throws -> ServingCertificate {
        var serving = ServingCertificate(key: try .generateP256())
        #expect(try serving.add(names, signedBy: authority, at: start))
        return serving
    }

    @Test func `a name that is asked for is added to those before`() throws {
        var serving = try serving("localhost", "127.0.0.1")
        #expect(serving.lacks("k8s.example.org"))
        #expect(try serving.add(["K8s.example.org", "::0001"], signedBy: authority, at: start))
        #expect(serving.names == ["127.0.0.1", "::1", "k8s.example.org", "localhost"])
        let leaf = try #require(serving.certificate)
        #expect(leaf.subject == DistinguishedName(commonName: "k3s", organizations: ["k3s"]))
        #expect(leaf.subjectAlternativeNames.map(\.description) == serving.names)
        #expect(!serving.lacks("k8s.EXAMPLE.org") && !serving.lacks("[::1]"))
        #expect(try !serving.add(["localhost"], signedBy: authority, at: start))
    }

    @Test func `only names that the policy knows are missed`() throws {
        let serving = try serving("localhost")
        #expect(serving.lacks("10.0.0.2", policy: .only(["10.0.0.2"])))
        #expect(!serving.lacks("evil.example.org", policy: .only(["10.0.0.2"])))
        for name in ["", "0.0.0.0", "::", "a b", "ü", String(repeating: "a", count: 254), "a/b"] {
            #expect(!serving.lacks(name), "\(name)")
        }
    }

    @Test func `the number of names is bounded`() throws {
        var serving = try serving("localhost")
        let names = (0..<2000).map { "n\($0)" }
        #expect(try serving.add(names, signedBy: authority, at: start))
        #expect(serving.names.count == ServingCertificate.maximumNames)
        #expect(!serving.lacks("one-more"))
    }

    @Test func `it is made again when 120 days are left, or for another authority`() throws {
        var serving = try serving("localhost")
        let key = serving.key.publicKey
        #expect(try !serving.add([], signedBy: authority, at: start + day * 244))
        #expect(try serving.add([], signedBy: authority, at: start + day * 245))
        #expect(serving.certificate?.notAfter == start + day * (245 + 365))
        #expect(serving.certificate?.publicKey == key)
        let other = try ServingCertificateTests().authority
        #expect(try serving.add([], signedBy: other, at: start + day * 245))
    }

    @Test func `its record reads back`() throws {
        var serving = try serving("localhost", "127.0.0.1", "::1", "*.example.org")
        let read = try #require(ServingCertificate(secretJSON: serving.secretJSON))
        #expect(read.names == serving.names)
        #expect(read.certificate == serving.certificate && read.certificatePEM == serving.certificatePEM)
        #expect(read.key.publicKey == serving.key.publicKey)
        #expect(ServingCertificate(secretJSON: Array("{}".utf8)) == nil)
        #expect(ServingCertificate(secretJSON: []) == nil)

        serving.isStatic = true
        var fixed = try #require(ServingCertificate(secretJSON: serving.secretJSON))
        #expect(try !fixed.add(["other"], signedBy: authority, at: start + day * 400))
        #expect(fixed.certificate == serving.certificate)
    }

    @Test(arguments: [
        ("localhost", "listener.cattle.io/cn-localhost"),
        (
            "kubernetes.default.svc.cluster.local",
            "listener.cattle.io/cn-kubernetes.default.svc.cluster.local"
        ),
        ("::1", "listener.cattle.io/cn-__1-f16284"),
    ])
    func `annotation keys are those of k3s`(name: String, key: String) {
        #expect(ServingCertificate.annotationKey(name) == key)
    }
}
