import Host
import PKI
import Support
import Testing

/// What the unmodified kubectl sees of limits, standards and certificates.
@Suite(.serialized) struct AdmissionTests {
    private static func pod(_ name: String, _ spec: String = "", _ resources: String = "") -> String {
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: \(name)}
        spec: {containers: [{name: c, image: nginx\(resources)}]\(spec)}
        """
    }

    @Test func `the flags of the hardening guide are heeded`() async throws {
        let folder = try TestServer.makeFolder()
        try Files.makeDirectory(folder + "/etc/k3s")
        let security = """
            apiVersion: apiserver.config.k8s.io/v1
            kind: AdmissionConfiguration
            plugins:
            - name: PodSecurity
              configuration:
                apiVersion: pod-security.admission.config.k8s.io/v1
                kind: PodSecurityConfiguration
                defaults: {enforce: baseline, warn: restricted}
                exemptions: {namespaces: [kube-system]}
            - name: EventRateLimit
              path: events.yaml
            """
        try Files.write(Array(security.utf8), to: folder + "/psa.yaml")
        let events = "limits: [{type: Server, qps: 5000, burst: 20000}]"
        try Files.write(Array(events.utf8), to: folder + "/events.yaml")
        let configuration = """
            kube-apiserver-arg:
            - enable-admission-plugins=NodeRestriction,EventRateLimit
            - admission-control-config-file=\(folder)/psa.yaml
            """
        try Files.write(Array(configuration.utf8), to: folder + "/etc/k3s/config.yaml")
        let server = try await TestServer.start(in: folder)
        let refused = try await server.kubectl("apply", input: Self.pod("a", ", hostNetwork: true"))
        #expect(refused.errorText.contains("violates PodSecurity \"baseline:latest\": host namespaces (hostNetwork=true)"))
        let warned = try await server.kubectl("apply", input: Self.pod("a"))
        #expect(warned.text == "pod/a created\n", "\(warned.errorText)")
        #expect(
            warned.errorText.hasPrefix(
                "Warning: would violate PodSecurity \"restricted:latest\": allowPrivilegeEscalation != false (container \"c\""),
            "\(warned.errorText)")
        let exempt = try await server.kubectl(["apply", "-n", "kube-system"], input: Self.pod("a", ", hostNetwork: true"))
        #expect(exempt.status.isSuccess, "\(exempt.errorText)")
        _ = try await server.stop(.terminate)
        try Files.remove(folder)
    }

    @Test func `kubectl makes a quota, is refused beyond it, and describes it`() async throws {
        try await TestServer.with { server in
            let made = try await server.kubectl("create", "quota", "q", "--hard=pods=1,requests.cpu=1,count/secrets=2")
            #expect(made.status.isSuccess, "\(made.errorText)")
            let cpu = ", resources: {requests: {cpu: 300m}}"
            #expect(try await server.kubectl("apply", input: Self.pod("a", "", cpu)).status.isSuccess)
            let refused = try await server.kubectl("apply", input: Self.pod("b", "", cpu))
            #expect(
                refused.errorText.contains(
                    "pods \"b\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1"),
                "\(refused.errorText)")
            let told = try await server.kubectl(
                "wait", "quota/q", "--for=jsonpath={.status.used.requests\\.cpu}=300m", "--timeout=10s")
            #expect(told.status.isSuccess, "\(told.errorText)")
            let described = try await server.kubectl("describe", "quota", "q").text
            #expect(described.contains("requests.cpu   300m  1"), "\(described)")
        }
    }

    @Test func `who is approved gets a certificate, and is let in by it`() async throws {
        try await TestServer.with { server in
            let key = try PrivateKey.generateP256()
            let asked = try CertificateSigningRequest(
                subject: DistinguishedName(commonName: "jane", organizations: ["dev"]), key: key)
            let request = """
                apiVersion: certificates.k8s.io/v1
                kind: CertificateSigningRequest
                metadata: {name: jane}
                spec:
                  request: \(Base64.encode(asked.pem))
                  signerName: kubernetes.io/kube-apiserver-client
                  usages: [client auth]
                """
            #expect(try await server.kubectl("apply", input: request).status.isSuccess)
            #expect(try await server.kubectl("get", "csr", "jane", "--no-headers").text.contains("Pending"))
            let approved = try await server.kubectl("certificate", "approve", "jane")
            #expect(approved.text.contains("certificatesigningrequest.certificates.k8s.io/jane approved"))
            let told = try await server.kubectl(
                "wait", "csr/jane", "--for=jsonpath={.status.certificate}", "--timeout=10s")
            #expect(told.status.isSuccess, "\(told.errorText)")
            #expect(try await server.kubectl("get", "csr", "jane", "--no-headers").text.contains("Approved,Issued"))
            let text = try await server.kubectl("get", "csr", "jane", "-o", "jsonpath={.status.certificate}").text
            let certificate = try #require(Base64.decode(text))
            try Files.write(certificate, to: server.folder + "/jane.crt")
            try Files.write(key.pem, to: server.folder + "/jane.key")
            try Files.write([], to: server.folder + "/empty")
            let name = try await server.kubectl(
                "auth", "whoami", "-o", "jsonpath={.status.userInfo.username}", "--kubeconfig", server.folder + "/empty",
                "--server", "https://127.0.0.1:\(server.port)", "--insecure-skip-tls-verify",
                "--client-certificate", server.folder + "/jane.crt", "--client-key", server.folder + "/jane.key")
            #expect(name.text == "jane", "\(name.errorText)")
        }
    }
}
