import API
import APIMachinery
import APIServer
import Client
import ClientTestSupport
import Datastore
import PKI
import Support
import Testing

@testable import Controllers

@Suite(.timeLimit(.minutes(1))) struct CertificateTests {
    private static let start = Timestamp(seconds: 1_000_000)

    private static func authority() throws -> CertificateAuthority {
        try CertificateAuthority(
            selfSigned: CertificateTemplate(
                subject: DistinguishedName(commonName: "ca"), keyUsage: [.certificateSigning], isAuthority: true,
                notBefore: start, notAfter: start + .seconds(10 * 365 * 86_400)),
            key: try .generateP256())
    }

    private static func request(
        _ name: String, _ signer: String, _ subject: DistinguishedName, names: [SubjectAlternativeName] = [],
        usages: [String], key: PrivateKey, seconds: Int? = nil
    ) throws -> API.CertificateSigningRequest {
        let asked = try PKI.CertificateSigningRequest(subject: subject, subjectAlternativeNames: names, key: key)
        var request = API.CertificateSigningRequest(name: name)
        request.spec.request = asked.pem
        request.spec.signerName = signer
        request.spec.usages = usages
        request.spec.expirationSeconds = seconds
        return request
    }

    private static let node = DistinguishedName(commonName: "system:node:n", organizations: ["system:nodes"])

    // MARK: What signers sign

    struct Case: Sendable, CustomTestStringConvertible {
        var signer: KubernetesSigner
        var subject = node
        var names: [SubjectAlternativeName] = []
        var usages: [String]
        var objection: String?
        var testDescription: String { "\(signer) \(objection ?? "signs")" }
    }

    @Test(arguments: [
        Case(signer: .client, subject: DistinguishedName(commonName: "jane"), usages: ["client auth"]),
        Case(
            signer: .client, usages: ["client auth", "server auth"],
            objection: "invalid usage for client certificate: server auth"),
        Case(
            signer: .client, usages: ["digital signature"],
            objection: "missing required usage for client certificate: client auth"),
        Case(signer: .kubeletClient, usages: ["client auth", "digital signature"]),
        Case(signer: .kubeletClient, usages: ["key encipherment", "client auth", "digital signature"]),
        Case(
            signer: .kubeletClient, usages: ["client auth"],
            objection: "usages did not match [client auth digital signature key encipherment]"),
        Case(
            signer: .kubeletClient, names: [.dns("n")], usages: ["client auth", "digital signature"],
            objection: "DNS subjectAltNames are not allowed"),
        Case(
            signer: .kubeletClient, subject: DistinguishedName(commonName: "system:node:n", organizations: ["dev"]),
            usages: ["client auth", "digital signature"], objection: "subject organization is not system:nodes"),
        Case(
            signer: .kubeletClient, subject: DistinguishedName(commonName: "jane", organizations: ["system:nodes"]),
            usages: ["client auth", "digital signature"],
            objection: "subject common name does not begin with system:node:"),
        Case(signer: .kubeletServing, names: [.dns("n")], usages: ["server auth", "digital signature"]),
        Case(
            signer: .kubeletServing, usages: ["server auth", "digital signature"],
            objection: "DNS or IP subjectAltName is required"),
        Case(
            signer: .kubeletServing, names: [.dns("n"), .uri("spiffe://n")],
            usages: ["server auth", "digital signature"], objection: "URI subjectAltNames are not allowed"),
        Case(signer: .legacy, subject: DistinguishedName(commonName: "any"), usages: ["any"]),
    ])
    func `each signer signs what it is for`(test: Case) throws {
        let asked = try PKI.CertificateSigningRequest(
            subject: test.subject, subjectAlternativeNames: test.names, key: try .generateP256())
        #expect(test.signer.objection(to: asked, usages: test.usages) == test.objection)
    }

    @Test func `a certificate lives as long as it was asked to, within bounds`() throws {
        let authority = try Self.authority()
        let decision = SigningDecision(lifetime: .seconds(365 * 86_400))
        let day = 86_400
        for (asked, wanted) in [
            (nil, 365 * day - 300), (5 * 365 * day, 365 * day - 300), (day, day - 300), (3600, 3600), (1, 600),
        ] as [(Int?, Int)] {
            var request = try Self.request(
                "r", KubernetesSigner.client.rawValue, DistinguishedName(commonName: "jane"), usages: ["client auth"],
                key: try .generateP256(), seconds: asked)
            request.decide("Approved", "r", "", at: Self.start)
            let action = try decision.action(
                for: request, by: .client, of: authority.certificate, at: Self.start)
            guard case .sign(let template, _) = action else {
                Issue.record("not signed")
                continue
            }
            #expect(template.notAfter == Self.start + .seconds(wanted))
            #expect(template.notBefore == Self.start + .seconds(-300))
        }
    }

    // MARK: The signer

    @Test func `what is approved is signed, what does not fit fails, the rest waits`() async throws {
        let api = MemoryAPI()
        let (authority, key) = (try Self.authority(), try PrivateKey.generateP256())
        func add(_ name: String, usages: [String] = ["client auth"], isApproved: Bool = true) async throws {
            var request = try Self.request(
                name, KubernetesSigner.client.rawValue,
                DistinguishedName(commonName: "jane", organizations: ["dev"]), usages: usages, key: key)
            if isApproved { request.decide("Approved", "r", "", at: Self.start) }
            try await api.create(request)
        }
        try await add("waiting", isApproved: false)
        try await add("wrong", usages: ["server auth"])
        try await add("good", usages: ["client auth", "digital signature"])
        let signer = CertificateSigner([.client: authority])
        try await running([signer], on: api, now: { Self.start }) {
            await api.wait { $0.peek(API.CertificateSigningRequest.self, "wrong")?.has("Failed") == true }
            await api.wait { $0.peek(API.CertificateSigningRequest.self, "good")?.status.certificate.isEmpty == false }
        }
        let wrong = try #require(api.peek(API.CertificateSigningRequest.self, "wrong"))
        #expect(wrong.status.conditions.last?.reason == "SignerValidationFailure")
        let good = try #require(api.peek(API.CertificateSigningRequest.self, "good"))
        let certificate = try #require(try Certificate.all(pem: good.status.certificate).first)
        #expect(certificate.isSigned(by: authority.certificate))
        #expect(certificate.subject == DistinguishedName(commonName: "jane", organizations: ["dev"]))
        #expect(certificate.publicKey == key.publicKey)
        #expect(certificate.keyUsage == .digitalSignature)
        #expect(certificate.extendedKeyUsages == [.clientAuth])
        #expect(!certificate.isAuthority)
        #expect(api.peek(API.CertificateSigningRequest.self, "waiting")?.status.certificate.isEmpty == true)
    }

    // MARK: In a whole server

    @Test func `a kubelet that may is approved by itself, and signed`() async throws {
        var options = APIServerOptions(
            durable: MemoryDatastore(), volatile: MemoryDatastore(), clientAuthorities: [],
            serviceAccountKeys: [try PrivateKey.generateP256()], serviceCIDR: try #require(IPPrefix("10.43.0.0/16")),
            advertiseAddress: try #require(IPAddress("127.0.0.1")), advertisePort: 6443,
            version: ["gitVersion": "v1.36.3+k3s1"])
        options.now = { Self.start }
        let server = try await APIServer.open(options)
        await server.bootstrap()
        let admin = server.client()
        _ = try await admin.create(
            Target(.clusterRoleBindings),
            [
                "metadata": ["name": "renew"],
                "roleRef": [
                    "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole",
                    "name": "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient",
                ],
                "subjects": [["apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:nodes"]],
            ], WriteOptions())
        let usages = ["client auth", "digital signature"]
        let signer = KubernetesSigner.kubeletClient.rawValue
        let key = try PrivateKey.generateP256()
        // Who asks is noted by the server, whatever the request says.
        var own = try Self.request("own", signer, Self.node, usages: usages, key: key)
        own.spec.username = "somebody"
        try await server.client(as: .node("n")).create(own)
        try await admin.create(try Self.request("others", signer, Self.node, usages: usages, key: key))
        let account = User.serviceAccount(namespace: "kube-system", name: "certificate-controller")
        let client = server.client(as: account, observingAs: .controllerManager)
        let requests = try await admin.observe(API.CertificateSigningRequest.self)
        let (signed, continuation) = AsyncStream.makeStream(of: String.self)
        let observation = requests.observe { change in
            let isSigned = change.new.map { !API.CertificateSigningRequest($0).status.certificate.isEmpty }
            if isSigned == true { continuation.yield(change.name.name) }
        }
        let controllers: [any Controller] = [CertificateApprover(), CertificateSigner([.kubeletClient: try Self.authority()])]
        try await running(controllers, on: client, now: { Self.start }) {
            var names: Set<String> = []
            for await name in signed where names.insert(name).inserted && names.count == 2 { break }
            #expect(names == ["own", "others"])
        }
        observation.cancel()
        let approved = try await admin.get(API.CertificateSigningRequest.self, ObjectName(name: "own"))
        #expect(approved.spec.username == "system:node:n")
        #expect(approved.spec.groups.contains("system:nodes"))
        #expect(approved.status.conditions.map(\.type) == ["Approved"])
        #expect(approved.status.conditions.first?.message == CertificateApprover.Ground.own.message)
        await server.close()
    }

    // MARK: Cleaning

    @Test func `requests that are done with go`() throws {
        let hour = Duration.seconds(3600)
        var request = API.CertificateSigningRequest(name: "r")
        request.metadata.creationTimestamp = Self.start
        #expect(CertificateCleaner.end(of: request) == Self.start + hour * 24)
        request.decide("Approved", "", "", at: Self.start + hour)
        #expect(CertificateCleaner.end(of: request) == nil)
        var denied = request
        denied.decide("Denied", "", "", at: Self.start + hour * 2)
        #expect(CertificateCleaner.end(of: denied) == Self.start + hour * 3)
        let template = CertificateTemplate(
            subject: DistinguishedName(commonName: "c"), notBefore: Self.start, notAfter: Self.start + .seconds(600))
        request.status.certificate = try Self.authority().issue(template, for: try PrivateKey.generateP256().publicKey).pem
        #expect(CertificateCleaner.end(of: request) == Self.start + .seconds(600))
    }

    @Test func `the cleaner waits for the end`() async throws {
        let (api, clock) = (MemoryAPI(creationTime: Self.start.description), ManualClock())
        try await api.create(API.CertificateSigningRequest(name: "r"))
        let now: @Sendable () -> Timestamp = { Self.start + clock.now.offset }
        try await running([CertificateCleaner()], on: api, clock: clock, now: now) {
            await clock.waitForSleepers()
            #expect(api.peek(API.CertificateSigningRequest.self, "r") != nil)
            clock.advance(by: .seconds(24 * 3600 + 1))
            await api.wait { $0.peek(API.CertificateSigningRequest.self, "r") == nil }
        }
    }
}
