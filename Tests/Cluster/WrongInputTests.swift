import APIMachinery
import Host
import PKI
import Support
import Testing

/// Wrong requests, sent as people and programs send them: each is answered with the code and reason that Kubernetes
/// gives, the server lives on, and nothing is stored that was refused.
@Suite(.serialized) struct WrongInputTests {
    private static let maps = WrongRequests.maps

    private func check(_ mistakes: [Mistake], _ client: RawClient) async throws {
        for mistake in mistakes {
            let answer = try await client.send(mistake.request)
            let seen: Comment = "\(mistake.what): \(answer.text)"
            #expect(answer.code == mistake.code, seen)
            #expect(answer.value["kind"] == "Status", seen)
            #expect(answer.value["status"] == "Failure", seen)
            #expect(answer.value["code"] == .integer(Int64(mistake.code)), seen)
            #expect(answer.reason == mistake.reason, seen)
            #expect(mistake.says.isEmpty || answer.message.contains(mistake.says), seen)
            if let causes = mistake.causes { #expect(answer.causes == causes, seen) }
        }
    }

    @Test func `wrong requests are answered with Kubernetes' code and reason, and change nothing`() async throws {
        try await TestServer.with { server in
            let client = RawClient(server)
            let map = WrongRequests.map("kept", ["data": ["x": "y"]])
            #expect(try await client.send(.post(Self.maps, map)).code == 201)
            let kept = WrongRequests.deployment { $0[path: ["metadata", "name"]] = "kept" }
            #expect(try await client.send(.post(WrongRequests.deployments, kept)).code == 201)
            var waiting: Value = ["metadata": ["name": "waiting"]]
            waiting[path: ["spec", "containers"]] = [["name": "c", "image": "i"]]
            #expect(try await client.send(.post("/api/v1/namespaces/default/pods", waiting)).code == 201)

            try await check(WrongRequests.unreadable + WrongRequests.unfit + WrongRequests.invalid, client)
            try await check(WrongRequests.misplaced + WrongRequests.options + WrongRequests.changes, client)
            try await client.breakOff(.post(Self.maps, WrongRequests.map("cut")))

            let names = try await server.kubectl("get", "cm,deploy", "-o", "name").text.split(separator: "\n")
            #expect(names.sorted() == ["configmap/kept", "configmap/kube-root-ca.crt", "deployment.apps/kept"])
            #expect(try await client.get(Self.maps + "/kept").value["data"] == ["x": "y"])
        }
    }

    // MARK: What is accepted all the same

    @Test func `unknown fields are dropped, with a warning unless nobody wants it`() async throws {
        try await TestServer.with { server in
            let client = RawClient(server)
            for (index, validation) in ["", "?fieldValidation=Warn", "?fieldValidation=Ignore"].enumerated() {
                let object = WrongRequests.map("m\(index)", ["spek": 1, "a\"\r\nX-Evil: 1": 2])
                let answer = try await client.send(.post(Self.maps + validation, object))
                #expect(answer.code == 201)
                #expect(answer.value["spek"] == nil)
                let both = [#"299 - "unknown field \"a\"X-Evil: 1\"""#, #"299 - "unknown field \"spek\"""#]
                #expect(answer.headers(named: "Warning") == (index == 2 ? [] : both))
                #expect(answer.headers(named: "X-Evil") == [])
            }
            let patch = RawClient.Request.patch(Self.maps + "/m0", #"{"spek":1}"#, as: "application/merge-patch+json")
            #expect(try await client.send(patch).headers(named: "Warning") == [#"299 - "unknown field \"spek\"""#])
            let many = (0..<50_000).map { "\"field\($0)\":0" }.joined(separator: ",")
            let crowded = try await client.send(.post(Self.maps, text: "{\"metadata\":{\"name\":\"m9\"},\(many)}"))
            #expect(crowded.code == 201)
            #expect((1...100).contains(crowded.headers(named: "Warning").count))
        }
    }

    @Test func `a watch that comes too late is told so`() async throws {
        try await TestServer.with { server in
            // Leases live in memory, whose history begins with each run of the server.
            let path = "/apis/coordination.k8s.io/v1/leases"
            let client = RawClient(server)
            let late = try await client.get(path + "?watch=true&resourceVersion=1")
            #expect(late.code == 200)
            #expect(late.value["type"] == "ERROR")
            #expect(late.value.at("object", "code") == 410)
            #expect(late.value.at("object", "reason") == "Expired")
            #expect(late.value.at("object", "message")?.string?.hasPrefix("too old resource version: 1 (") == true)
            let list = try await client.get(path + "?resourceVersion=1&resourceVersionMatch=Exact")
            #expect(list.code == 410)
            #expect(list.reason == "Expired")
        }
    }

    @Test func `numbers beyond all bounds are survived`() async throws {
        try await TestServer.with { server in
            let client = RawClient(server)
            for query in ["timeoutSeconds=9223372036854775807", "timeoutSeconds=-1"] {
                try await client.breakOff(.get(Self.maps + "?watch=true&" + query))
            }
            let pods = "/api/v1/namespaces/default/pods"
            var pod: Value = ["metadata": ["name": "p"]]
            pod[path: ["spec", "nodeName"]] = "nowhere"
            pod[path: ["spec", "containers"]] = [["name": "c", "image": "i"]]
            #expect(try await client.send(.post(pods, pod)).code == 201)
            let grace = try await client.send(.delete(pods + "/p", ["gracePeriodSeconds": .integer(.max)]))
            #expect(grace.code == 200)
            #expect(grace.value.at("metadata", "deletionTimestamp") == "9999-12-31T23:59:59Z")
            #expect(try await client.get("/readyz").code == 200)
        }
    }

    // MARK: Who sends it

    @Test func `credentials that do not hold are refused, and rights have bounds`() async throws {
        try await TestServer.with { server in
            let tls = server.folder + "/data/server/tls/"
            let certificates = try Certificates.make(server)
            let serving = tls + "serving-kube-apiserver"
            let wrong: [(String, RawClient.Credentials)] = [
                ("nobody", .none), ("a made-up token", .token("abc")), ("no token at all", .token("a.b.c")),
                ("an expired certificate", certificates.expired), ("a foreign certificate", certificates.foreign),
                ("a certificate for servers", .certificate(serving + ".crt", key: serving + ".key")),
            ]
            for (who, credentials) in wrong {
                let answer = try await RawClient(server, as: credentials).get(Self.maps)
                #expect(answer.code == 401, "\(who): \(answer.text)")
                #expect(answer.reason == "Unauthorized", "\(who): \(answer.text)")
                #expect(answer.message == "Unauthorized", "\(who): \(answer.text)")
            }
            let token = try await server.kubectl("create", "token", "default").text.filter { !$0.isNewline }
            let forged = RawClient(server, as: .token(String(token.dropLast(4)) + "AAAA"))
            #expect(try await forged.get(Self.maps).code == 401)
            try await check(Self.forbidden, RawClient(server, as: .token(token)))
            let stranger = try await RawClient(server, as: certificates.stranger).get(Self.maps)
            #expect(stranger.code == 403)
            #expect(stranger.message.contains("User \"stranger\" cannot list"))
        }
    }

    private static let user = "User \"system:serviceaccount:default:default\""
    private static let forbidden = [
        Mistake(
            "a list", .get(maps), 403, "Forbidden",
            "configmaps is forbidden: \(user) cannot list resource \"configmaps\" in API group \"\" in the namespace "
                + "\"default\""),
        Mistake(
            "an object", .delete(WrongRequests.deployments + "/web"), 403, "Forbidden",
            "deployments.apps \"web\" is forbidden: \(user) cannot delete resource \"deployments\" in API group "
                + "\"apps\" in the namespace \"default\""),
        Mistake(
            "the cluster's", .get("/api/v1/nodes"), 403, "Forbidden",
            "cannot list resource \"nodes\" in API group \"\" at the cluster scope"),
        Mistake("a path", .get("/metrics"), 403, "Forbidden", "forbidden: \(user) cannot get path \"/metrics\""),
    ]

    @Test func `a right in a namespace ends at the namespace, and one to a name at the name`() async throws {
        try await TestServer.with { server in
            let all = """
                apiVersion: rbac.authorization.k8s.io/v1
                kind: Role
                metadata: {name: all}
                rules: [{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}]
                """
            #expect(try await server.kubectl("create", input: all).status.isSuccess)
            for words in [
                ["create", "rolebinding", "all", "--role=all", "--serviceaccount=default:default"],
                ["create", "namespace", "b"],
                ["create", "role", "one", "--verb=watch,get", "--resource=configmaps", "--resource-name=a", "-n", "b"],
                ["create", "rolebinding", "one", "--role=one", "--serviceaccount=default:default", "-n", "b"],
                ["create", "configmap", "a", "-n", "b"], ["create", "configmap", "secret", "-n", "b"],
            ] {
                let outcome = try await server.kubectl(words)
                #expect(outcome.status.isSuccess, "\(outcome.errorText)")
            }
            let token = try await server.kubectl("create", "token", "default").text.filter { !$0.isNewline }
            let client = RawClient(server, as: .token(token))
            #expect(try await client.get(Self.maps).code == 200)
            let roles = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/clusterroles"
            #expect(try await client.send(.post(roles, ["metadata": ["name": "climber"]])).code == 404)
            #expect(try await client.get("/api/v1/namespaces/default/nodes").code == 404)

            let named = "namespaces/b/configmaps/a?watch=true&timeoutSeconds=1"
            #expect(try await client.get("/api/v1/" + named).value.at("metadata", "name") == "a")
            let watched = try await client.get("/api/v1/watch/" + named)
            #expect(watched.code == 200)
            #expect(watched.text.contains("\"name\":\"a\""))
            #expect(!watched.text.contains("\"name\":\"secret\""))
        }
    }
}

/// Client certificates that should not open the door.
private struct Certificates {
    /// Signed by the right authority, for an administrator, and too late.
    var expired: RawClient.Credentials
    /// Signed by an authority that calls itself like the right one.
    var foreign: RawClient.Credentials
    /// Good, of somebody who has no right.
    var stranger: RawClient.Credentials

    static func make(_ server: TestServer) throws -> Certificates {
        let tls = server.folder + "/data/server/tls/"
        let authority = try CertificateAuthority(
            chain: Certificate.all(pem: Files.read(tls + "client-ca.crt")),
            key: PrivateKey(pem: Files.read(tls + "client-ca.key")))
        let template = CertificateTemplate(
            subject: DistinguishedName(commonName: authority.certificate.subject.commonName),
            keyUsage: [.certificateSigning], isAuthority: true, notBefore: .now + .seconds(-3600),
            notAfter: .now + .seconds(3600))
        let foreign = try CertificateAuthority(selfSigned: template, key: .generateP256())
        let admin = DistinguishedName(commonName: "system:admin", organizations: ["system:masters"])
        return Certificates(
            expired: try issue(admin, by: authority, end: .seconds(-60), server.folder + "/expired"),
            foreign: try issue(admin, by: foreign, end: .seconds(3600), server.folder + "/foreign"),
            stranger: try issue(
                DistinguishedName(commonName: "stranger"), by: authority, end: .seconds(3600),
                server.folder + "/stranger"))
    }

    private static func issue(
        _ subject: DistinguishedName, by authority: CertificateAuthority, end: Duration, _ path: String
    ) throws -> RawClient.Credentials {
        let key = try PrivateKey.generateP256()
        let template = CertificateTemplate(
            subject: subject, extendedKeyUsages: [.clientAuth], notBefore: .now + .seconds(-7200), notAfter: .now + end)
        try Files.write(authority.issue(template, for: key.publicKey).pem, to: path + ".crt")
        try Files.write(key.pem, to: path + ".key")
        return .certificate(path + ".crt", key: path + ".key")
    }
}
