import Host
import PKI
import Support
import Testing

@testable import Supervisor

@Suite struct CredentialsPlanTests {
    @Test func `the first start makes what k3s makes, and the second changes nothing but k3s yaml`() throws {
        var disk = Disk()
        let first = try disk.run(Disk.request())
        #expect(disk.snapshot.files.count == 59)
        #expect(first.renewed.count == first.identities.count && first.identities.count == 16)
        #expect(first.authorities.keys.allSatisfy { !$0.isEtcd })

        let second = try disk.run(Disk.request(at: start + day))
        #expect(disk.changes.map(\.path) == ["/etc/rancher/k3s/k3s.yaml"])
        #expect(second.renewed == [])
        #expect(second.token == first.token && second.nodePassword == first.nodePassword)
        #expect(second[.apiServer].certificate == first[.apiServer].certificate)
        #expect(second.serving.certificate == first.serving.certificate)
        #expect(second.serviceAccountKeys.map(\.publicKey) == first.serviceAccountKeys.map(\.publicKey))
    }

    @Test func `every file has its mode`() throws {
        var disk = Disk()
        _ = try disk.run(Disk.request())
        for (path, mode) in disk.modes {
            let isPublic =
                path.hasSuffix(".crt") && (path.hasPrefix("/data/server/") || path.hasSuffix("-ca.crt"))
            #expect(mode == (isPublic ? 0o644 : 0o600), "\(path)")
        }
    }

    @Test func `every leaf is signed by its authority for its use`() throws {
        var disk = Disk()
        var request = Disk.request()
        request.includesEtcd = true
        let credentials = try disk.run(request)
        #expect(credentials.identities.count == Leaf.allCases.count)
        for leaf in Leaf.allCases {
            let authority = credentials[leaf.authority]
            for usage in [CertificateVerifier.Usage.clientAuth, .serverAuth] {
                let verifier = try CertificateVerifier(authorities: authority.chain, usage: usage)
                let chain = try Certificate.all(pem: credentials[leaf].certificatePEM).map(\.der)
                let isTrusted = (try? verifier.verify(chain: chain, at: start)) != nil
                let isMeant = leaf.usages.contains(usage == .clientAuth ? .clientAuth : .serverAuth)
                #expect(isTrusted == isMeant, "\(leaf) \(usage)")
            }
            #expect(credentials[leaf].certificate.notAfter == start + day * 365)
        }
    }

    @Test func `the API server is valid for every name by which it is reached`() throws {
        var disk = Disk()
        var request = Disk.request()
        request.additionalNames = ["k8s.example.org", "203.0.113.7", "localhost"]
        request.advertiseAddress = address("198.51.100.1")
        request.serviceAddresses.append(address("fd00:43::1"))
        let leaf = try disk.run(request)[.apiServer].certificate
        let names = [
            "kubernetes", "kubernetes.default", "kubernetes.default.svc",
            "kubernetes.default.svc.cluster.local",
            "localhost", "127.0.0.1", "::1", "one.example.org", "one", "192.168.1.10", "k8s.example.org",
            "203.0.113.7", "10.43.0.1", "fd00:43::1", "198.51.100.1",
        ]
        #expect(leaf.subjectAlternativeNames.map(\.description) == names)
        #expect(leaf.subject.commonName == "kube-apiserver")
    }

    @Test func `a leaf is made again from its key when at most 120 days are left`() throws {
        var disk = Disk()
        let first = try disk.run(Disk.request())
        #expect(try disk.run(Disk.request(at: start + day * 245 + .seconds(-1))).renewed == [])
        let later = try disk.run(Disk.request(at: start + day * 245))
        #expect(later.renewed.count == first.identities.count)
        #expect(later[.admin].key.publicKey == first[.admin].key.publicKey)
        #expect(later[.admin].certificate.notAfter == start + day * (245 + 365))
        #expect(later.serving.certificate?.notAfter == start + day * (245 + 365))
        #expect(later[.server].certificate == first[.server].certificate)
        #expect(
            disk.text("/etc/rancher/k3s/k3s.yaml")?.contains(Base64.encode(later[.admin].certificatePEM))
                == true)
    }

    @Test func `authorities are valid by a clock of long ago, and by the right one`() throws {
        var disk = Disk()
        let (boot, right) = (Timestamp(seconds: 1000), Timestamp(seconds: 1_900_000_000))
        let early = try disk.run(Disk.request(at: boot))
        for authority in [Authority.server, .client, .requestHeader] {
            let certificate = early[authority].certificate
            #expect(certificate.notBefore < boot && certificate.notAfter > right + day * 365)
        }
        #expect(!early.isWorn(at: boot) && early.renewal == boot + day * 245 && early.isWorn(at: right))
        let late = try disk.run(Disk.request(at: right))
        #expect(late.renewed.count == late.identities.count && late[.server].certificate == early[.server].certificate)
        #expect(!late.isWorn(at: right))
        // The clock was ahead.
        #expect(late.isWorn(at: start))
        let back = try disk.run(Disk.request(at: start))
        #expect(back.renewed.count == back.identities.count && !back.isWorn(at: start))
    }

    @Test func `what lives for a short time is used for two thirds of it`() throws {
        var disk = Disk()
        var request = Disk.request()
        request.leafLifetime = day * 3
        let credentials = try disk.run(request)
        #expect(!credentials.isWorn(at: start + day) && credentials.isWorn(at: start + day * 2))
    }

    @Test func `a new name makes only the certificates that state it again`() throws {
        var disk = Disk()
        _ = try disk.run(Disk.request())
        var request = Disk.request(at: start + day)
        request.additionalNames = ["new.example.org"]
        let second = try disk.run(request)
        #expect(second.renewed == [.apiServer])
        #expect(second.serving.names.contains("new.example.org"))
    }

    @Test func `another authority makes its leaves again, and theirs alone`() throws {
        var disk = Disk()
        _ = try disk.run(Disk.request())
        let other = try CertificateAuthority(
            selfSigned: CertificateTemplate(
                subject: DistinguishedName(commonName: "own"), keyUsage: [.certificateSigning],
                isAuthority: true, notBefore: start, notAfter: start + day * 1000), key: .generateP256())
        disk.apply(.write(path: "/data/server/tls/request-header-ca.crt", bytes: other.pem, mode: 0o644))
        disk.apply(
            .write(path: "/data/server/tls/request-header-ca.key", bytes: try other.key.pem, mode: 0o600))
        #expect(try disk.run(Disk.request(at: start + day)).renewed == [.authProxy])
    }

    @Test func `a certificate for another key, or one that cannot be read, is made again`() throws {
        var disk = Disk()
        _ = try disk.run(Disk.request())
        disk.apply(.remove(path: "/data/server/tls/client-admin.key"))
        disk.apply(.write(path: "/data/server/tls/client-scheduler.crt", bytes: [1, 2], mode: 0o644))
        #expect(try Set(disk.run(Disk.request()).renewed) == [.admin, .scheduler])
        #expect(try disk.run(Disk.request()).renewed == [])
    }

    @Test func `an authority that people placed there is honoured, with its chain`() throws {
        let root = try CertificateAuthority(
            selfSigned: CertificateTemplate(
                subject: DistinguishedName(commonName: "root"), keyUsage: [.certificateSigning],
                isAuthority: true, notBefore: start, notAfter: start + day * 1000), key: .generateP256())
        let key = try PrivateKey.generateP256()
        let between = try root.issue(
            CertificateTemplate(
                subject: DistinguishedName(commonName: "between"), keyUsage: [.certificateSigning],
                isAuthority: true, notBefore: start, notAfter: start + day * 900), for: key.publicKey)
        let bundle = Array("# ours\n".utf8) + between.pem + root.pem

        var disk = Disk()
        disk.apply(.write(path: "/data/server/tls/server-ca.crt", bytes: bundle, mode: 0o644))
        disk.apply(.write(path: "/data/server/tls/server-ca.key", bytes: try key.pem, mode: 0o600))
        let credentials = try disk.run(Disk.request())
        #expect(disk.snapshot.files["/data/server/tls/server-ca.crt"] == bundle)
        #expect(disk.snapshot.files["/data/server/tls/server-ca.nochain.crt"] == between.pem)
        #expect(disk.snapshot.files["/data/agent/server-ca.crt"] == bundle)
        #expect(
            credentials[.apiServer].certificatePEM.suffix(between.pem.count + root.pem.count)
                == between.pem + root.pem)
        #expect(credentials.token.hasPrefix("K10" + Hex.encode(root.certificate.fingerprint) + "::server:"))
    }

    @Test func `a mark has the front certificate made afresh, once`() throws {
        var disk = Disk()
        let first = try disk.run(Disk.request())
        disk.apply(.write(path: "/data/server/tls/dynamic-cert-regenerate", bytes: [], mode: 0o600))
        let second = try disk.run(Disk.request())
        #expect(second.serving.key.publicKey != first.serving.key.publicKey)
        #expect(disk.snapshot.files["/data/server/tls/dynamic-cert-regenerate"] == nil)
        #expect(try disk.run(Disk.request()).serving.key.publicKey == second.serving.key.publicKey)
    }

    @Test func `an authority is never made again`() throws {
        var disk = Disk()
        _ = try disk.run(Disk.request())
        let certificate = try #require(disk.snapshot.files["/data/server/tls/client-ca.crt"])
        disk.apply(.remove(path: "/data/server/tls/client-ca.key"))
        #expect(throws: Fault.self) { try disk.run(Disk.request()) }
        disk.apply(.write(path: "/data/server/tls/client-ca.key", bytes: [1], mode: 0o600))
        #expect(throws: Fault.self) { try disk.run(Disk.request()) }
        #expect(disk.snapshot.files["/data/server/tls/client-ca.crt"] == certificate)
    }

    /// Changes are made in their order; the machine may stop after any of them.
    @Test func `a crash after any change heals at the next start`() throws {
        var whole = Disk()
        _ = try whole.run(Disk.request())
        let changes = whole.changes
        for count in 0..<changes.count {
            var disk = Disk()
            for change in changes[..<count] { disk.apply(change) }
            let healed = try disk.run(Disk.request(at: start + day))
            for (leaf, identity) in healed.identities {
                #expect(identity.certificate.publicKey == identity.key.publicKey, "\(leaf) after \(count)")
                #expect(identity.certificate.isSigned(by: healed[leaf.authority].certificate))
            }
        }
    }
}
