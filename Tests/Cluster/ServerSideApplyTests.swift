import Host
import Testing

/// Server-side apply as the unmodified kubectl does it, and its way over from client-side apply.
@Suite(.serialized) struct ServerSideApplyTests {
    private static let web = """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web, labels: {tier: front}}
        spec:
          replicas: 2
          selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec:
              containers:
              - {name: c, image: "nginx:1", ports: [{containerPort: 80}]}
        """

    @Test func `kubectl applies on the server, is told of conflicts, forces and gives up`() async throws {
        try await TestServer.with { server in
            let apply = ["apply", "--server-side"]
            let created = try await server.kubectl(apply, input: Self.web)
            #expect(created.text == "deployment.apps/web serverside-applied\n", "\(created.errorText)")
            _ = try await server.kubectl("scale", "deploy/web", "--replicas=5")
            let conflict = try await server.kubectl(apply, input: Self.web)
            #expect(!conflict.status.isSuccess)
            #expect(
                conflict.errorText.contains(
                    #"Apply failed with 1 conflict: conflict with "kubectl" with subresource "scale" using apps/v1: "#
                        + ".spec.replicas"), "\(conflict.errorText)")
            #expect(conflict.errorText.contains("--force-conflicts"))
            let forced = try await server.kubectl(apply + ["--force-conflicts"], input: Self.web)
            #expect(forced.status.isSuccess, "\(forced.errorText)")
            #expect(try await server.kubectl("get", "deploy/web", "-o", "jsonpath={.spec.replicas}").text == "2")
            // Another manager's container is merged beside the first.
            let sidecar = """
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: web}
                spec: {template: {spec: {containers: [{name: side, image: "busybox:1"}]}}}
                """
            let mesh = apply + ["--field-manager=mesh"]
            #expect(try await server.kubectl(mesh, input: sidecar).status.isSuccess)
            let names = ["get", "deploy/web", "-o", "jsonpath={.spec.template.spec.containers[*].name}"]
            #expect(try await server.kubectl(names).text == "c side")
            // What kubectl says no more is gone; what the mesh says stays.
            let bare = Self.web.replacing(", labels: {tier: front}", with: "")
            #expect(try await server.kubectl(apply, input: bare).status.isSuccess)
            #expect(try await server.kubectl("get", "deploy/web", "-o", "jsonpath={.metadata.labels}").text == "")
            #expect(try await server.kubectl(names).text == "c side")
            let more = sidecar.replacing("name: side", with: "name: other")
            let dry = try await server.kubectl(mesh + ["--dry-run=server"], input: more)
            #expect(dry.text == "deployment.apps/web serverside-applied (server dry run)\n", "\(dry.errorText)")
            #expect(try await server.kubectl(names).text == "c side")
        }
    }

    @Test func `kubectl shows the owners when it is asked to, and what would change`() async throws {
        try await TestServer.with { server in
            _ = try await server.kubectl("apply", "--server-side", input: Self.web)
            let plain = try await server.kubectl("get", "deploy/web", "-o", "yaml").text
            #expect(!plain.contains("managedFields"))
            let shown = try await server.kubectl("get", "deploy/web", "-o", "yaml", "--show-managed-fields").text
            #expect(shown.contains("manager: kubectl\n"))
            #expect(shown.contains("operation: Apply\n"))
            #expect(shown.contains(#"k:{"containerPort":80,"protocol":"TCP"}:"#), "\(shown)")
            for words in [["diff"], ["diff", "--server-side"]] {
                let same = try await server.kubectl(words, input: Self.web)
                #expect(same.status == .exited(0), "\(same.text) \(same.errorText)")
                let other = Self.web.replacing("nginx:1", with: "nginx:2")
                let changed = try await server.kubectl(words, input: other)
                #expect(changed.status == .exited(1))
                #expect(changed.text.contains("+      - image: nginx:2"), "\(changed.text)")
                #expect(!changed.text.contains("managedFields"))
            }
            // A diff is no write.
            let image = ["get", "deploy/web", "-o", "jsonpath={.spec.template.spec.containers[0].image}"]
            #expect(try await server.kubectl(image).text == "nginx:1")
        }
    }

    @Test func `what was applied on the client goes over to the server without a conflict, and back`() async throws {
        try await TestServer.with { server in
            _ = try await server.kubectl("apply", input: Self.web)
            let noted = try await server.kubectl("apply", "view-last-applied", "deploy/web").text
            #expect(noted.contains("replicas: 2") && noted.contains("image: nginx:1"), "\(noted)")
            let bare = Self.web.replacing(", labels: {tier: front}", with: "").replacing("nginx:1", with: "nginx:2")
            let over = try await server.kubectl("apply", "--server-side", input: bare)
            #expect(over.status.isSuccess, "\(over.errorText)")
            let shown = try await server.kubectl("get", "deploy/web", "-o", "yaml", "--show-managed-fields").text
            #expect(!shown.contains("kubectl-client-side-apply"), "\(shown)")
            #expect(!shown.contains("tier: front"))
            #expect(try await server.kubectl("apply", "view-last-applied", "deploy/web").text.contains("nginx:2"))
            // Back again: the client finds the note of what the server applied.
            let back = try await server.kubectl("apply", input: Self.web)
            #expect(back.text == "deployment.apps/web configured\n", "\(back.errorText)")
            let image = ["get", "deploy/web", "-o", "jsonpath={.spec.template.spec.containers[0].image}"]
            #expect(try await server.kubectl(image).text == "nginx:1")
        }
    }
}
