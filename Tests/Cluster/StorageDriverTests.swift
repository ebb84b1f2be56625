import APIMachinery
import Host
import Support
import Testing

/// A storage driver as a program of its own (`Programs/storage_driver.py`), which registers by its socket and binds
/// folders.
@Suite(.serialized) struct StorageDriverTests {
    private static let name = "folders.example.io"
    private static let program =
        Path.join(Path.parent(of: #filePath), "Programs/storage_driver.py")

    private static let objects = """
        apiVersion: storage.k8s.io/v1
        kind: StorageClass
        metadata: {name: folders}
        provisioner: \(name)
        allowVolumeExpansion: true
        ---
        apiVersion: storage.k8s.io/v1
        kind: CSIDriver
        metadata: {name: \(name)}
        spec: {attachRequired: true, podInfoOnMount: true}
        ---
        apiVersion: v1
        kind: PersistentVolume
        metadata: {name: vol}
        spec:
          capacity: {storage: 1Mi}
          accessModes: [ReadWriteOnce]
          persistentVolumeReclaimPolicy: Retain
          storageClassName: folders
          csi: {driver: \(name), volumeHandle: vol-1}
        ---
        apiVersion: apps/v1
        kind: StatefulSet
        metadata: {name: web}
        spec:
          serviceName: web
          selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec:
              terminationGracePeriodSeconds: 1
              containers:
              - name: web
                image: busybox:1
                command: [sh, -c, "echo $(hostname) >> /data/starts; exec sleep 100000"]
                volumeMounts: [{name: data, mountPath: /data, subPath: part}]
          volumeClaimTemplates:
          - metadata: {name: data}
            spec: {accessModes: [ReadWriteOnce], storageClassName: folders, resources: {requests: {storage: 1Mi}}}
        """

    /// The driver on the node, and what it was asked.
    private struct Driver {
        let node: TestNode

        var data: String { node.folder + "/driver" }

        var calls: [String] {
            ((try? Files.readText(data + "/calls")) ?? "").split(separator: "\n").map(String.init)
        }

        /// The next call of the method is refused.
        func refuse(_ method: String, _ answer: String) throws {
            try Files.write(Array(answer.utf8), to: "\(data)/fail-\(method)")
        }

        static func start(on node: TestNode) async throws -> Driver {
            let driver = Driver(node: node)
            let root = "/var/lib/kubelet"
            var command = try node.command(
                "/usr/bin/python3",
                [
                    "-B", program, name, driver.data, "\(root)/plugins/\(name)/csi.sock",
                    "\(root)/plugins_registry/\(name)-reg.sock",
                ])
            (command.output, command.errors) = (.null, .null)
            command.parentDeathSignal = .kill
            let process = try await command.start()
            Task { _ = try? await process.wait() }
            return driver
        }

        /// Everything that is mounted for drivers, as the node sees it.
        func mounts() async throws -> String {
            let script = "grep -e kubernetes.io.csi -e volume-subpaths /proc/mounts; true"
            return try await node.command("/bin/sh", ["-c", script]).run().text
        }
    }

    /// Waits for the pod, doing meanwhile what the program beside a driver does: it attaches what it is asked to.
    private func settle(_ server: TestNode.Server) async throws {
        let ready = #"jsonpath={.status.conditions[?(@.type=="Ready")].status}"#
        try await eventually("the pod is ready", within: .seconds(60)) {
            let names = try await server.must("get", "volumeattachments", "-o", "jsonpath={.items[*].metadata.name}")
            for name in names.split(separator: " ") {
                _ = try await server.kubectl(
                    "patch", "volumeattachment", String(name), "--subresource=status", "--type=merge",
                    "--patch", #"{"status":{"attached":true,"attachmentMetadata":{"device":"none"}}}"#)
            }
            return try await server.kubectl("get", "pod", "web-0", "-o", ready).text == "True"
        }
    }

    /// The program beside the driver made the volume larger: the node does its part.
    private func grow(_ server: TestNode.Server, _ driver: Driver) async throws {
        try await server.must("patch", "pv", "vol", "--patch", #"{"spec":{"capacity":{"storage":"2Mi"}}}"#)
        try await server.must(
            "patch", "pvc", "data-web-0", "--patch", #"{"spec":{"resources":{"requests":{"storage":"2Mi"}}}}"#)
        try await eventually("the claim is larger") {
            try await server.must("get", "pvc", "data-web-0", "-o", "jsonpath={.status.capacity.storage}") == "2Mi"
        }
        #expect(try Files.readText(driver.data + "/size-vol-1") == "2097152")
    }

    @Test(.timeLimit(.minutes(5)))
    func `a driver's volume outlives its pods and a killed k3s, and nothing is left of it`() async throws {
        try await TestNode.with { node, server in
            let driver = try await Driver.start(on: node)
            let drivers = "jsonpath={.spec.drivers[*].name} {.spec.drivers[*].allocatable.count}"
            try await eventually("the driver is registered") {
                try await server.must("get", "csinode", "node-1", "-o", drivers) == "\(Self.name) 7"
            }
            let label = "jsonpath={.metadata.labels.\(Self.name.replacing(".", with: "\\."))/place}"
            #expect(try await server.must("get", "node", "node-1", "-o", label) == "here")

            try driver.refuse("NodePublishVolume", "13 no room")
            try await server.must("apply", input: Self.objects)
            try await settle(server)
            let told = try await server.must("get", "events", "-o", "jsonpath={.items[*].message}")
            #expect(told.contains("rpc error: code = Internal desc = no room"), "\(told)")
            #expect(told.contains("AttachVolume.Attach succeeded for volume"), "\(told)")
            #expect(driver.calls.filter { $0 == "NodeStageVolume vol-1" }.count == 1)

            try await grow(server, driver)

            // Another pod has the same files.
            try await server.must("delete", "pod", "web-0")
            try await settle(server)
            #expect(try await server.shell("web-0", "cat /data/starts").text == "web-0\nweb-0\n")

            // Killed while a pod goes and another comes.
            try await server.must("delete", "pod", "web-0", "--wait=false")
            try await server.stop(.kill)
            let again = try await node.start()
            try await eventually("the pod is another", within: .seconds(90)) {
                try await settle(again)
                return try await again.shell("web-0", "cat /data/starts").text == "web-0\nweb-0\nweb-0\n"
            }
            try await again.must("delete", "statefulset", "web")
            try await again.must("wait", "--for=delete", "pod/web-0", "--timeout=60s")
            try await eventually("nothing is mounted") { try await driver.mounts().isEmpty }
            try await eventually("nothing is in use or attached") {
                let used = try await again.must("get", "node", "node-1", "-o", "jsonpath={.status.volumesInUse}")
                let attached = try await again.must("get", "volumeattachments", "-o", "name")
                return used.isEmpty && attached.isEmpty
            }
            #expect(driver.calls.last == "NodeUnstageVolume vol-1")
            let kubelet = node.folder + "/var/lib/kubelet"
            #expect(try Files.list(kubelet + "/plugins/kubernetes.io/csi/" + Self.name).isEmpty)
            #expect(try Files.readText(driver.data + "/volumes/vol-1/part/starts") == "web-0\nweb-0\nweb-0\n")
        }
    }

    private static let inline = """
        apiVersion: storage.k8s.io/v1
        kind: CSIDriver
        metadata: {name: \(name)}
        spec:
          attachRequired: false
          podInfoOnMount: true
          volumeLifecycleModes: [Ephemeral]
          fsGroupPolicy: File
          tokenRequests: [{audience: lamps, expirationSeconds: 600}]
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: own}
        spec:
          terminationGracePeriodSeconds: 1
          securityContext: {fsGroup: 3000}
          volumes: [{name: data, csi: {driver: \(name), volumeAttributes: {colour: red}}}]
          containers:
          - name: main
            image: busybox:1
            command: [sh, -c, "echo text > /data/file; exec sleep 100000"]
            volumeMounts: [{name: data, mountPath: /data}]
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: lost}
        spec:
          terminationGracePeriodSeconds: 1
          volumes: [{name: data, csi: {driver: nobody.example.io}}]
          containers:
          - {name: main, image: "busybox:1", command: [sleep, "100000"], volumeMounts: [{name: data, mountPath: /data}]}
        """

    @Test func `a volume in a pod itself is told whose it is, has the pod's group and a token, and goes with the pod`()
        async throws
    {
        try await TestNode.with { node, server in
            let driver = try await Driver.start(on: node)
            try await eventually("the driver is registered") {
                try await server.must("get", "csinode", "node-1", "-o", "jsonpath={.spec.drivers[*].name}") == Self.name
            }
            try await server.must("apply", input: Self.inline)
            try await server.must("wait", "--for=condition=Ready", "pod/own", "--timeout=50s")
            let publish = "NodePublishVolume "
            let volume = String(try #require(driver.calls.last { $0.hasPrefix(publish) }).dropFirst(publish.utf8.count))
            #expect(volume.hasPrefix("csi-"))
            let told = try Value(json: try Files.read(driver.data + "/context-" + volume))
            for (key, value) in [
                ("colour", "red"), ("csi.storage.k8s.io/ephemeral", "true"), ("csi.storage.k8s.io/pod.name", "own"),
                ("csi.storage.k8s.io/pod.namespace", "default"),
                ("csi.storage.k8s.io/serviceAccount.name", "default"),
            ] {
                #expect(told[key]?.string == value, "\(key)")
            }
            let tokens = try Value(json: Array((told["csi.storage.k8s.io/serviceAccount.tokens"]?.string ?? "").utf8))
            #expect(tokens["lamps"]?["token"]?.string?.split(separator: ".").count == 3)
            let folder = "\(driver.data)/volumes/\(volume)"
            #expect(try await node.shell("stat -c '%a %g' \(folder) \(folder)/file") == "2775 3000\n644 3000\n")
            try await eventually("it is told that there is no such driver") {
                try await server.must("get", "events", "--field-selector", "involvedObject.name=lost")
                    .contains("not supported by driver nobody.example.io (no CSIDriver object)")
            }
            try await server.must("delete", "pod", "own", "lost")
            #expect(driver.calls.last == "NodeUnpublishVolume " + volume)
            #expect(try await driver.mounts().isEmpty)
        }
    }
}
