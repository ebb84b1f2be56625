import Host
import Support
import Testing

/// A kind of the size of real operators' (`Programs/certificates.yaml`), in two versions with a webhook between
/// them, as its users have it with the unmodified kubectl.
@Suite(.serialized) struct OperatorDefinitionTests {
    private static let crd = "crd/certificates.certs.example.org"
    /// Without a version kubectl takes the one that the server prefers, which is the second.
    private static let first = "certificates.v1.certs.example.org"

    private static let shop = """
        apiVersion: certs.example.org/v1
        kind: Certificate
        metadata: {name: shop, labels: {team: shop, tier: front}}
        spec:
          secretName: shop-tls
          dnsNames: [shop.example.org, www.shop.example.org]
          issuerRef: {name: letters, kind: Issuer, group: certs.example.org}
          keystores: [{format: JKS, passwordSecret: own}]

        """

    /// Runs the test on a server that serves the kind.
    private func with(_ body: (TestServer) async throws -> Void) async throws {
        try await TestServer.with { server in
            let webhook = try await ConversionWebhook.start(in: server.folder)
            try await define(webhook, server)
            try await body(server)
            try await webhook.stop()
        }
    }

    private func define(_ webhook: ConversionWebhook, _ server: TestServer) async throws {
        let made = try await server.kubectl("apply", input: webhook.definition)
        #expect(made.text.hasSuffix("/certificates.certs.example.org created\n"), "\(made.errorText)")
        let again = try await server.kubectl("apply", input: webhook.definition)
        #expect(again.text.hasSuffix(" unchanged\n"), "\(again.text)\(again.errorText)")
        try await succeed(server, "wait", "--for=condition=Established", Self.crd, "--timeout=20s")
    }

    /// Runs kubectl, which must succeed, and returns what it printed.
    @discardableResult
    private func succeed(
        _ server: TestServer, _ words: String..., input: String? = nil, at location: SourceLocation = #_sourceLocation
    ) async throws -> String {
        let outcome = try await server.kubectl(words, input: input)
        #expect(outcome.status.isSuccess, "\(outcome.text)\(outcome.errorText)", sourceLocation: location)
        return outcome.text
    }

    private func words(_ table: String) -> [[Substring]] {
        table.split(separator: "\n").map { $0.split(separator: " ") }
    }

    // MARK: Reading

    @Test func `kubectl lists, selects and explains it`() async throws {
        try await with { server in
            try await succeed(server, "apply", input: Self.shop)
            let other = Self.shop.replacing("name: shop,", with: "name: blog,")
                .replacing("secretName: shop-tls", with: "secretName: blog-tls").replacing("letters", with: "own")
            try await succeed(server, "create", input: other)
            let table = words(try await succeed(server, "get", Self.first))
            #expect(table[0] == ["NAME", "READY", "SECRET", "COPIES", "AGE"])
            #expect(table[1].prefix(3) == ["blog", "blog-tls", "1"] && table[2].prefix(3) == ["shop", "shop-tls", "1"])
            #expect(words(try await succeed(server, "get", Self.first, "-o", "wide"))[0].contains("ISSUER"))
            let newer = words(try await succeed(server, "get", "certs"))
            #expect(newer[0] == ["NAME", "SECRET", "LIFETIME"] && newer[2] == ["shop", "shop-tls", "2160h"])
            for (kind, selector) in [
                ("certificate", "--field-selector=spec.issuerRef.name=letters"),
                (Self.first, "--field-selector=spec.secretName=shop-tls"),
                ("cert", "--field-selector=spec.secret.name!=blog-tls"),
            ] {
                let selected = try await succeed(server, "get", kind, selector, "-o", "name")
                #expect(selected.hasSuffix("/shop\n") && !selected.contains("blog"), "\(kind) \(selected)")
            }
            #expect(try await succeed(server, "get", "security", "-o", "name").split(separator: "\n").count == 2)
            let refused = try await server.kubectl("get", "certs", "--field-selector=spec.copies=1")
            #expect(refused.errorText.contains("field label not supported: spec.copies"), "\(refused.errorText)")
            try await explains(server)
        }
    }

    private func explains(_ server: TestServer) async throws {
        for (field, texts) in [
            (
                "certs",
                ["A Certificate asks for a signed key pair and says", "APIVersion defines", "spec\t<Object> -required-"]
            ),
            ("certs.metadata", ["Standard object's metadata", "CreationTimestamp is a timestamp"]),
            ("certs.spec", ["dnsNames\t<[]string>", "What is asked for.", "settings\t<Object>"]),
            ("certs.spec.issuerRef", ["enum: Issuer, ClusterIssuer", "name\t<string> -required-"]),
            ("certs.status.conditions", ["FIELD: conditions <[]Object>", "observedGeneration\t<integer>"]),
        ] {
            let text = try await succeed(server, "explain", field, "--api-version=certs.example.org/v1")
            for part in texts { #expect(text.contains(part), "\(field): \(text)") }
        }
        let second = try await succeed(server, "explain", "certs.spec")
        #expect(second.contains("What is asked for in version 2."))
        let recursive = try await succeed(server, "explain", "certs", "--recursive", "--api-version=certs.example.org/v1")
        #expect(recursive.contains("passwordSecret\t<string>"))
        #expect(!(try await server.kubectl("explain", "certs.spec.nothing").status.isSuccess))
    }

    // MARK: Writing

    @Test func `kubectl is told what is wrong`() async throws {
        try await with { server in
            for (from, to, answer) in [
                ("secretName: shop-tls", "secretNam: x", #"unknown field "spec.secretNam""#),
                ("secretName: shop-tls", "copies: 1", "spec.secretName: Required value"),
                ("dnsNames: [shop.example.org, www.shop.example.org]", "copies: 2", "a certificate needs a name"),
                ("kind: Issuer", "kind: Other", #"Unsupported value: "Other""#),
                ("{name: letters, kind: Issuer, group: certs.example.org}", "x", "must be of type object"),
                ("www.shop", "WWW.shop", "spec.dnsNames[1] in body should match"),
                ("www.shop", "shop.example.org, www.shop", "spec.dnsNames[1]: Duplicate value"),
                ("[{format: JKS", "[{format: JKS}, {format: JKS", "spec.keystores[1]: Duplicate value"),
                ("issuerRef:", "copies: 101\n  issuerRef:", "should be less than or equal to 100"),
                ("issuerRef:", "privateKey: {algorithm: RSA}\n  issuerRef:", "RSA keys have 2048 bits or more"),
                (
                    "issuerRef:", "renewBefore: 9000h\n  issuerRef:",
                    "spec.renewBefore: Forbidden: renewBefore 9000h is not before the end of 2160h"
                ),
                ("issuerRef:", "request: {kind: Order}\n  issuerRef:", "spec.request.apiVersion: Required value"),
            ] {
                let refused = try await server.kubectl("create", input: Self.shop.replacing(from, with: to))
                #expect(!refused.status.isSuccess)
                #expect(refused.errorText.contains(answer), "\(answer): \(refused.errorText)")
            }
            try await succeed(server, "create", input: Self.shop)
            let changed = try await server.kubectl("apply", input: Self.shop.replacing("shop-tls", with: "x"))
            #expect(changed.errorText.contains("the secret of a certificate never changes"), "\(changed.errorText)")
            let unchecked = Self.shop.replacing("secretName:", with: "colour: red\n  secretName:")
                .replacing("{name: shop,", with: "{name: other,")
            let warned = try await server.kubectl(["create", "--validate=warn"], input: unchecked)
            #expect(warned.errorText.contains(#"unknown field "spec.colour""#), "\(warned.errorText)")
            let kept = try await succeed(server, "get", "cert/other", "-o", "jsonpath={.spec}")
            #expect(!kept.contains("colour") && kept.contains(#""backoff":"50%""#))
            #expect(kept.contains(#""privateKey":{"algorithm":"ECDSA","size":256}"#))
        }
    }

    @Test func `kubectl applies, compares, scales and patches it`() async throws {
        try await with { server in
            try await succeed(server, "apply", input: Self.shop)
            try await succeed(server, "label", "cert/shop", "owner=me")
            let scaled = try await succeed(server, "scale", "cert/shop", "--replicas=4")
            #expect(scaled == "certificate.certs.example.org/shop scaled\n")
            // What was left out goes, what others wrote stays.
            let less = Self.shop.replacing(", tier: front", with: "").replacing(", www.shop.example.org", with: "")
            #expect(try await succeed(server, "apply", input: less).hasSuffix("/shop configured\n"))
            #expect(try await succeed(server, "apply", input: less).hasSuffix("/shop unchanged\n"))
            let state = [
                "get", "cert/shop", "-o",
                "jsonpath={.metadata.labels} {.spec.dnsNames} {.spec.copies} {.metadata.generation}",
            ]
            #expect(
                try await server.kubectl(state).text == #"{"owner":"me","team":"shop"} ["shop.example.org"] 4 3"#)
            let same = try await server.kubectl("diff", input: less)
            #expect(same.status == .exited(0), "\(same.text)\(same.errorText)")
            let different = try await server.kubectl("diff", input: Self.shop)
            #expect(different.status == .exited(1))
            #expect(different.text.contains("+  - www.shop.example.org"), "\(different.text)")
            try await status(server)
            try await appliesOnTheServer(server, less)
            // In the other version, through the webhook.
            let patch = #"{"spec": {"secret": {"labels": {"a": "b"}}, "lifetime": {"renewBefore": "1h"}}}"#
            try await succeed(server, "patch", "cert", "shop", "--type=merge", "-p", patch)
            let first = try await succeed(
                server, "get", Self.first, "shop", "-o", "jsonpath={.spec.secretTemplate} {.spec.renewBefore}")
            #expect(first == #"{"labels":{"a":"b"}} 1h"#)
            try await succeed(server, "delete", "cert", "shop", "--timeout=20s")
        }
    }

    private func status(_ server: TestServer) async throws {
        let patch = #"""
            {"spec": {"copies": 9}, "status": {"copies": 4, "selector": "cert=shop", "conditions": [
              {"type": "Ready", "status": "True", "message": "signed"}]}}
            """#
        try await succeed(server, "patch", "cert/shop", "--subresource=status", "--type=merge", "-p", patch)
        try await succeed(server, "wait", "--for=condition=Ready", "cert/shop", "--timeout=10s")
        try await succeed(server, "wait", "--for=jsonpath={.status.copies}=4", "cert/shop", "--timeout=10s")
        let scale = try await succeed(
            server, "get", "cert/shop", "--subresource=scale", "-o",
            "jsonpath={.spec.replicas} {.status.replicas} {.status.selector}")
        #expect(scale == "4 4 cert=shop")
        #expect(words(try await succeed(server, "get", Self.first, "shop"))[1].prefix(3) == ["shop", "True", "shop-tls"])
        let wrong = try await server.kubectl(
            "patch", "cert/shop", "--subresource=status", "--type=merge", "-p", #"{"status": {"copies": "x"}}"#)
        #expect(wrong.errorText.contains("status.copies in body must be of type integer"), "\(wrong.errorText)")
    }

    private func appliesOnTheServer(_ server: TestServer, _ text: String) async throws {
        func apply(as manager: String, _ text: String) async throws -> Command.Output {
            try await server.kubectl(["apply", "--server-side", "--field-manager=" + manager], input: text)
        }
        func formats() async throws -> [Substring] {
            let words = ["get", "cert/shop", "-o", "jsonpath={.spec.keystores[*].format}"]
            return try await server.kubectl(words).text.split(separator: " ").sorted()
        }
        // What kubectl owned by its annotation goes to who applies on the server first, who gives a part of it up.
        let mine = text.replacing("JKS", with: "PKCS12")
        let made = try await apply(as: "first", mine)
        #expect(made.status.isSuccess, "\(made.errorText)")
        #expect(try await formats() == ["PKCS12"])
        let more = try await apply(as: "second", text)
        #expect(more.status.isSuccess, "\(more.errorText)")
        #expect(try await formats() == ["JKS", "PKCS12"])
        let conflict = try await apply(as: "second", text.replacing("name: letters", with: "name: other"))
        #expect(conflict.errorText.contains("Apply failed with 1 conflict"), "\(conflict.errorText)")
        #expect(conflict.errorText.contains(".spec.issuerRef"), "\(conflict.errorText)")
    }

    // MARK: From version to version

    private func program(
        _ words: String..., on server: TestServer, at location: SourceLocation = #_sourceLocation
    ) async throws {
        let file = Path.join(Path.parent(of: #filePath), "Programs/version_change.py")
        let outcome = try await Command("/usr/bin/python3", ["-B", file, server.folder + "/kubeconfig"] + words).run()
        #expect(outcome.status.isSuccess, "\(outcome.errorText.suffix(2000))", sourceLocation: location)
    }

    private func patch(_ server: TestServer, _ patch: String, _ words: String...) async throws {
        let outcome = try await server.kubectl(["patch", Self.crd, "--type=json", "-p", patch] + words)
        #expect(outcome.status.isSuccess, "\(outcome.errorText)")
    }

    @Test(.timeLimit(.minutes(10)))
    func `a thousand objects survive a change of the stored version, and an accident in its middle`() async throws {
        let folder = try TestServer.makeFolder()
        var server = try await TestServer.start(in: folder)
        let webhook = try await ConversionWebhook.start(in: folder)
        try await define(webhook, server)
        try await program("fill", on: server)
        try await patch(server, """
            [{"op": "replace", "path": "/spec/versions/0/storage", "value": false},
             {"op": "replace", "path": "/spec/versions/1/storage", "value": true}]
            """)
        let versions = ["get", Self.crd, "-o", "jsonpath={.status.storedVersions}"]
        #expect(try await server.kubectl(versions).text == #"["v1","v2"]"#)
        try await program("check", "v1", "v2", on: server)
        try await program("move", "0", "500", on: server)
        _ = try await server.stop(.kill)
        server = try await TestServer.start(in: folder)
        try await program("check", "v1", "v2", on: server)
        let early = try await server.kubectl(
            "patch", Self.crd, "--type=json", "-p", #"[{"op": "remove", "path": "/spec/versions/0"}]"#)
        #expect(early.errorText.contains("status.storedVersions[0]"), "\(early.errorText)")
        try await program("move", "500", "1000", on: server)
        try await patch(
            server, #"[{"op": "replace", "path": "/status/storedVersions", "value": ["v2"]}]"#, "--subresource=status")
        try await patch(server, #"[{"op": "remove", "path": "/spec/versions/0"}]"#)
        #expect(try await server.kubectl(versions).text == #"["v2"]"#)
        // Nobody is left who could convert, and nothing is left to be converted.
        try await webhook.stop()
        try await program("check", "v2", on: server)
        _ = try await server.stop(.terminate)
        server = try await TestServer.start(in: folder)
        try await program("check", "v2", on: server)
        let older = try await server.kubectl("get", Self.first)
        #expect(older.errorText.contains("the server doesn't have a resource type"), "\(older.errorText)")
        try await succeed(server, "delete", Self.crd, "--timeout=60s")
        _ = try await server.stop(.terminate)
        try Files.remove(folder)
    }
}
