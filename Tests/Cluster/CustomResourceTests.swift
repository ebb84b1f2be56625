import APIMachinery
import Host
import Testing

/// The unmodified kubectl with a kind that is defined while the server runs.
@Suite(.serialized) struct CustomResourceTests {
    private static let definition = """
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: {name: crontabs.stable.example.com}
        spec:
          group: stable.example.com
          scope: Namespaced
          names: {plural: crontabs, singular: crontab, kind: CronTab, shortNames: [ct], categories: [all]}
          versions:
          - name: v1
            served: true
            storage: true
            subresources:
              status: {}
              scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas}
            additionalPrinterColumns:
            - {name: Spec, type: string, jsonPath: .spec.cronSpec}
            - {name: Replicas, type: integer, jsonPath: .spec.replicas}
            - {name: Age, type: date, jsonPath: .metadata.creationTimestamp}
            schema:
              openAPIV3Schema:
                type: object
                description: Runs things at times.
                properties:
                  spec:
                    type: object
                    required: [cronSpec]
                    x-kubernetes-validations:
                    - {rule: "self.replicas < 9 || self.cronSpec != '* * * * *'", message: too often}
                    properties:
                      cronSpec: {type: string, description: When it runs.}
                      replicas: {type: integer, default: 1, maximum: 10}
                  status:
                    type: object
                    properties:
                      replicas: {type: integer}
        """

    private static func tab(_ name: String, _ spec: String) -> String {
        """
        apiVersion: stable.example.com/v1
        kind: CronTab
        metadata: {name: \(name)}
        spec: \(spec)

        """
    }

    @Test func `kubectl defines a kind, uses it as any other, and takes it away`() async throws {
        try await TestServer.with { server in
            let defined = try await server.kubectl("apply", input: Self.definition)
            #expect(
                defined.text == "customresourcedefinition.apiextensions.k8s.io/crontabs.stable.example.com created\n",
                "\(defined.errorText)")
            let established = try await server.kubectl(
                "wait", "--for=condition=Established", "crd/crontabs.stable.example.com", "--timeout=10s")
            #expect(established.status.isSuccess, "\(established.errorText)")
            let created = try await server.kubectl("apply", input: Self.tab("a", "{cronSpec: \"1 * * * *\"}"))
            #expect(created.text == "crontab.stable.example.com/a created\n", "\(created.errorText)")
            let table = try await server.kubectl("get", "ct", "a").text.split(separator: "\n")
            #expect(table.first?.split(separator: " ") == ["NAME", "SPEC", "REPLICAS", "AGE"])
            #expect(table.last?.split(separator: " ").prefix(7) == ["a", "1", "*", "*", "*", "*", "1"])
            #expect(
                try await server.kubectl("get", "all", "-o", "name").text.contains("crontab.stable.example.com/a\n"))
            try await refuses(server)
            let scaled = try await server.kubectl("scale", "ct/a", "--replicas=4")
            #expect(scaled.text == "crontab.stable.example.com/a scaled\n", "\(scaled.errorText)")
            #expect(try await server.kubectl("get", "ct", "a", "-o", "jsonpath={.spec.replicas}").text == "4")
            let explained = try await server.kubectl("explain", "crontab.spec.cronSpec")
            #expect(explained.text.contains("FIELD: cronSpec <string>"), "\(explained.errorText)")
            #expect(explained.text.contains("When it runs."))
            let old = try await server.kubectl("explain", "ct.spec", "--output", "plaintext-openapiv2")
            #expect(old.text.contains("replicas\t<integer>"), "\(old.text)\(old.errorText)")
            let deleted = try await server.kubectl("delete", "crd", "crontabs.stable.example.com", "--timeout=30s")
            #expect(deleted.status.isSuccess, "\(deleted.errorText)")
            let gone = try await server.kubectl("get", "crontabs.stable.example.com")
            #expect(gone.errorText.contains("the server doesn't have a resource type"), "\(gone.text)\(gone.errorText)")
        }
    }

    private func refuses(_ server: TestServer) async throws {
        for (spec, answer) in [
            ("{cronSpec: x, replicas: 11}", "spec.replicas in body should be less than or equal to 10"),
            ("{replicas: 2}", "spec.cronSpec: Required value"),
            ("{cronSpec: \"* * * * *\", replicas: 9}", "too often"),
            ("{cronSpec: x, colour: blue}", "unknown field \"spec.colour\""),
        ] {
            let refused = try await server.kubectl("apply", input: Self.tab("b", spec))
            #expect(refused.errorText.contains(answer), "\(refused.text)\(refused.errorText)")
            #expect(!refused.status.isSuccess)
        }
    }

    @Test func `a namespace takes its custom resources along, and a restart keeps definitions and objects`()
        async throws
    {
        let folder = try TestServer.makeFolder()
        let first = try await TestServer.start(in: folder)
        _ = try await first.kubectl("apply", input: Self.definition)
        _ = try await first.kubectl(
            "wait", "--for=condition=Established", "crd/crontabs.stable.example.com", "--timeout=10s")
        _ = try await first.kubectl("create", "namespace", "n")
        for space in ["n", "default"] {
            let created = try await first.kubectl(["apply", "-n", space], input: Self.tab("a", "{cronSpec: x}"))
            #expect(created.status.isSuccess, "\(created.errorText)")
        }
        #expect(try await first.kubectl("delete", "namespace", "n", "--timeout=30s").status.isSuccess)
        #expect(try await first.kubectl("get", "ct", "-A", "-o", "name").text == "crontab.stable.example.com/a\n")
        _ = try await first.stop(.kill)
        let second = try await TestServer.start(in: folder)
        let kept = try await second.kubectl("get", "ct", "a", "-o", "jsonpath={.spec.cronSpec}")
        #expect(kept.text == "x", "\(kept.errorText)")
        _ = try await second.stop(.terminate)
        try Files.remove(folder)
    }
}
