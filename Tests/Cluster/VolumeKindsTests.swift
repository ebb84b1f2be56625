import Host
import Support
import Testing

/// Volumes of the kinds that a lone node has, on real containers.
@Suite(.serialized) struct VolumeKindsTests {
    private static func pod(_ name: String, _ script: String, mounts: String, volumes: String, container: String = "") -> String {
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: \(name), labels: {colour: red}}
        spec:
          nodeName: node-1
          terminationGracePeriodSeconds: 1
          volumes: \(volumes)
          containers:
          - name: main
            image: busybox:1
            command: [sh, -c, "\(script)"]
            volumeMounts: \(mounts)
            \(container)
        """
    }

    private static let waits = "exec sleep 10000"

    @Test func `files of the API's objects have their modes, and change in pods that run`() async throws {
        try await TestNode.with { _, server in
            try await server.must("create", "configmap", "colours", "--from-literal=one=green", "--from-literal=two=blue")
            try await server.must("create", "secret", "generic", "key", "--from-literal=word=open")
            let all = """
                [{name: all, projected: {defaultMode: 0440, sources: [
                  {configMap: {name: colours, items: [{key: one, path: deep/one}]}},
                  {secret: {name: key, items: [{key: word, path: word, mode: 0400}]}},
                  {downwardAPI: {items: [{path: colour, fieldRef: {fieldPath: "metadata.labels['colour']"}}]}},
                  {serviceAccountToken: {path: token, audience: lamps, expirationSeconds: 600}}]}},
                 {name: whole, configMap: {name: colours}},
                 {name: maybe, configMap: {name: none, optional: true}}]
                """.replacing("\n", with: " ")
            let mounts = """
                [{name: all, mountPath: /all}, {name: whole, mountPath: /whole}, {name: maybe, mountPath: /maybe}, \
                {name: whole, mountPath: /part/one, subPath: one}]
                """
            try await server.must("create", input: Self.pod("reads", Self.waits, mounts: mounts, volumes: all))
            let needs = "[{name: whole, configMap: {name: later}}]"
            try await server.must(
                "create", input: Self.pod("needs", Self.waits, mounts: "[{name: whole, mountPath: /whole}]", volumes: needs))
            try await server.must("wait", "--for=condition=Ready", "pod/reads", "--timeout=50s")
            let look = """
                cd /all; cat deep/one word colour; echo; for f in deep/one word colour token; do busybox stat -L -c %a $f; done; \
                ls /maybe /whole; cat /part/one
                """
            let modes = "440\n400\n440\n440\n"
            let seen = try await server.shell("reads", look).text
            #expect(seen == "greenopenred\n\(modes)/maybe:\n\n/whole:\none\ntwo\ngreen", "\(seen)")
            let payload = try await server.shell("reads", "busybox cut -d . -f 2 /all/token | busybox tr -d '\\n'; echo ==== ").text
            let claims = try await server.shell("reads", "echo '\(payload.prefix { $0 != "\n" })' | busybox base64 -d 2>/dev/null").text
            #expect(claims.contains(#""aud":["lamps"]"#), "\(claims)")

            try await server.must("patch", "configmap", "colours", "--patch", #"{"data":{"one":"grey","two":null,"three":"x"}}"#)
            try await server.must("label", "pod", "reads", "colour=black", "--overwrite")
            try await eventually("the files change, but for those that are mounted alone", within: .seconds(60)) {
                let text = try await server.shell("reads", "cat /all/deep/one /all/colour /part/one; ls /whole").text
                return text == "greyblackgreenone\nthree\n"
            }
            try await eventually("the other pod says what it waits for") {
                try await server.must("get", "events", "--field-selector", "involvedObject.name=needs")
                    .contains("configmap \"later\" not found")
            }
            try await server.must("create", "configmap", "later", "--from-literal=one=late")
            try await server.must("wait", "--for=condition=Ready", "pod/needs", "--timeout=50s")
        }
    }

    @Test func `the files of an image are a volume that nobody writes to, and leave with the pod`() async throws {
        try await TestNode.with { node, server in
            // Of two layers, and of one.
            let volumes = """
                [{name: site, image: {reference: 'nginx:two', pullPolicy: IfNotPresent}}, \
                {name: own, image: {reference: 'busybox:1'}}]
                """
            let mounts = """
                [{name: site, mountPath: /site}, {name: site, mountPath: /page, subPath: www/index.html}, \
                {name: own, mountPath: /own}]
                """
            try await server.must("create", input: Self.pod("reads", Self.waits, mounts: mounts, volumes: volumes))
            try await server.must("wait", "--for=condition=Ready", "pod/reads", "--timeout=50s")
            #expect(try await server.shell("reads", "cat /site/www/index.html /page").text == "two\ntwo\n")
            #expect(try await server.shell("reads", "ls /own/bin/sh /site/bin/sh").text == "/own/bin/sh\n/site/bin/sh\n")
            for folder in ["/site", "/own"] {
                let refused = try await server.shell("reads", "touch \(folder)/new")
                #expect(!refused.status.isSuccess && refused.errorText.contains("Read-only file system"), "\(folder)")
            }
            let mounted = "grep -c kubernetes.io~image /proc/self/mountinfo || true"
            #expect(try await node.shell(mounted) != "0\n")
            let views = "ctr -a /run/k3s/containerd/containerd.sock -n k8s.io snapshots ls | grep -c ' View ' || true"
            #expect(try await node.shell(views) == "0\n")
            try await server.must("delete", "pod", "reads")
            try await eventually("nothing is mounted") { try await node.shell(mounted) == "0\n" }
        }
    }

    @Test func `folders of the node are made, refused, shared and mounted through as they say`() async throws {
        try await TestNode.with { node, server in
            let folder = node.folder + "/host"
            try Files.makeDirectory(folder)
            try Files.write("text", to: folder + "/file")
            func host(_ name: String, _ path: String, _ type: String) -> String {
                "{name: \(name), hostPath: {path: \"\(folder)/\(path)\", type: \(type)}}"
            }
            let made = "[\(host("file", "new", "FileOrCreate")), \(host("folder", "deep/er", "DirectoryOrCreate")), \(host("old", "file", "File"))]"
            let mounts = "[{name: file, mountPath: /file}, {name: folder, mountPath: /folder, subPathExpr: of-$(NAME)}, {name: old, mountPath: /old, readOnly: true}]"
            let name = "env: [{name: NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]"
            let script = "echo more > /file; echo inner > /folder/x; cat /old; echo 2>/dev/null > /old || echo kept; \(Self.waits)"
            try await server.must(
                "create", input: Self.pod("makes", script, mounts: mounts, volumes: made, container: name))
            try await server.must(
                "create",
                input: Self.pod("wrong", Self.waits, mounts: "[{name: a, mountPath: /a}]", volumes: "[\(host("a", "file", "Socket"))]"))
            // What is mounted on either side is seen on the other, if it may be.
            let through = "[{name: a, hostPath: {path: \"\(folder)\"}}]"
            let privileged = "securityContext: {privileged: true}"
            try await server.must(
                "create",
                input: Self.pod(
                    "gives", "busybox mkdir /a/given; busybox mount -t tmpfs none /a/given; echo here > /a/given/x; \(Self.waits)",
                    mounts: "[{name: a, mountPath: /a, mountPropagation: Bidirectional}]", volumes: through, container: privileged))
            for (pod, propagation) in [("takes", "HostToContainer"), ("keeps", "None")] {
                try await server.must(
                    "create",
                    input: Self.pod(
                        pod, Self.waits, mounts: "[{name: a, mountPath: /a, mountPropagation: \(propagation)}]", volumes: through))
            }
            try await server.must(
                "wait", "--for=condition=Ready", "pod/makes", "pod/gives", "pod/takes", "pod/keeps", "--timeout=50s")
            try await eventually("it says what it saw") { try await server.must("logs", "makes") == "textkept\n" }
            #expect(try Files.readText(folder + "/new") == "more\n")
            #expect(try Files.readText(folder + "/deep/er/of-makes/x") == "inner\n")
            try await eventually("it is told that it is no socket") {
                try await server.must("get", "events", "--field-selector", "involvedObject.name=wrong")
                    .contains("hostPath type check failed: \(folder)/file is not a socket file")
            }
            try await eventually("the node has what the container mounted") {
                try await node.shell("cat \(folder)/given/x") == "here\n"
            }
            try await node.shell("mkdir \(folder)/late && mount -t tmpfs none \(folder)/late && touch \(folder)/late/x")
            #expect(try await server.shell("takes", "ls /a/late").text == "x\n")
            #expect(try await server.shell("keeps", "ls /a/late").text == "")
            try await server.must("delete", "pods", "--all")
            try await node.shell("umount \(folder)/late \(folder)/given")
        }
    }

    @Test func `memory, local folders and claims of the pod's own hold data as long as they should`() async throws {
        try await TestNode.with { node, server in
            try Files.makeDirectory(node.folder + "/local")
            try await server.must(
                "create",
                input: """
                    apiVersion: v1
                    kind: PersistentVolume
                    metadata: {name: local}
                    spec:
                      capacity: {storage: 1Mi}
                      accessModes: [ReadWriteOnce]
                      storageClassName: none
                      local: {path: "\(node.folder)/local"}
                      nodeAffinity:
                        required:
                          nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [node-1]}]}]
                    ---
                    apiVersion: v1
                    kind: PersistentVolumeClaim
                    metadata: {name: local}
                    spec:
                      accessModes: [ReadWriteOnce]
                      storageClassName: none
                      resources: {requests: {storage: 1Mi}}
                    """)
            let own = "{accessModes: [ReadWriteOnce], storageClassName: local-path, resources: {requests: {storage: 1Mi}}}"
            let volumes = """
                [{name: memory, emptyDir: {medium: Memory, sizeLimit: 1Mi}}, \
                {name: local, persistentVolumeClaim: {claimName: local}}, {name: own, ephemeral: {volumeClaimTemplate: {spec: \(own)}}}]
                """
            let mounts = "[{name: memory, mountPath: /memory}, {name: local, mountPath: /local}, {name: own, mountPath: /own}]"
            // The scheduler places it, for its claim waits for that.
            let pod = Self.pod("holds", Self.waits, mounts: mounts, volumes: volumes).replacing("nodeName: node-1", with: "nodeName: \"\"")
            let grouped = pod.replacing("spec:\n  nodeName", with: "spec:\n  securityContext: {fsGroup: 3000}\n  nodeName")
            try await server.must("create", input: grouped)
            try await server.must("wait", "--for=condition=Ready", "pod/holds", "--timeout=50s")
            let look = "grep ' /memory ' /proc/mounts | busybox cut -d ' ' -f 3; for f in memory local own; do touch /$f/x; busybox stat -c %g /$f/x; done"
            let seen = try await server.shell("holds", look).text
            #expect(seen == "tmpfs\n3000\n3000\n3000\n", "\(seen)")
            #expect(try await server.shell("holds", "dd if=/dev/zero of=/memory/y bs=1k count=2000").errorText.contains("No space left"))
            let claim = try await server.must("get", "pvc", "holds-own", "-o", "jsonpath={.spec.volumeName}")
            #expect(!claim.isEmpty)
            try await server.must("delete", "pod", "holds")
            try await eventually("its own claim goes, with its volume") {
                try await server.must("get", "pvc,pv", "-o", "name")
                    == "persistentvolumeclaim/local\npersistentvolume/local\n"
            }
            try await server.must("create", input: grouped)
            try await server.must("wait", "--for=condition=Ready", "pod/holds", "--timeout=50s")
            #expect(try await server.shell("holds", "ls /memory /local /own").text == "/local:\nx\n\n/memory:\n\n/own:\n")
            try await server.must("delete", "pod", "holds")
        }
    }
}
