import Host
import Support
import Testing

/// A disk of the node that a container has as a device (`volumeMode: Block`).
@Suite(.serialized) struct BlockVolumeTests {
    private static func objects(_ device: String) -> String {
        """
        apiVersion: storage.k8s.io/v1
        kind: StorageClass
        metadata: {name: disks}
        provisioner: kubernetes.io/no-provisioner
        volumeBindingMode: WaitForFirstConsumer
        ---
        apiVersion: v1
        kind: PersistentVolume
        metadata: {name: disk}
        spec:
          capacity: {storage: 8Mi}
          accessModes: [ReadWriteOnce]
          volumeMode: Block
          storageClassName: disks
          local: {path: \(device)}
          nodeAffinity:
            required:
              nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [node-1]}]}]
        ---
        apiVersion: v1
        kind: PersistentVolumeClaim
        metadata: {name: disk}
        spec:
          accessModes: [ReadWriteOnce]
          volumeMode: Block
          storageClassName: disks
          resources: {requests: {storage: 8Mi}}
        """
    }

    private static func pod(_ name: String) -> String {
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: \(name)}
        spec:
          terminationGracePeriodSeconds: 1
          volumes: [{name: disk, persistentVolumeClaim: {claimName: disk}}]
          containers:
          - name: main
            image: busybox:1
            command: [sleep, "100000"]
            volumeDevices: [{name: disk, devicePath: /dev/data}]
        """
    }

    /// A disk in a file, which is there while the test runs.
    private func withDisk(_ node: TestNode, _ body: (_ device: String, _ file: String) async throws -> Void) async throws {
        let file = node.folder + "/disk"
        let made = try await node.shell("truncate -s 8M \(file); losetup --show -f \(file)")
        let device = String(made.split(separator: "\n")[0])
        do { try await body(device, file) } catch {
            _ = try? await node.shell("losetup -d \(device)")
            throw error
        }
        try await node.shell("losetup -d \(device)")
    }

    @Test func `a container reads and writes a disk as a device, over a killed k3s, and leaves nothing mounted`() async throws {
        try await TestNode.with { node, server in
            try await withDisk(node) { device, file in
                try await node.shell("printf begun | dd of=\(device) conv=fsync 2>/dev/null")
                try await server.must("create", input: Self.objects(device))
                try await server.must("create", input: Self.pod("first"))
                try await server.must("wait", "--for=condition=Ready", "pod/first", "--timeout=50s")
                let read = "dd if=/dev/data bs=5 count=1 2>/dev/null"
                #expect(try await server.shell("first", "[ -b /dev/data ] && \(read)").text == "begun")
                #expect(try await server.shell("first", "printf going | dd of=/dev/data conv=fsync").status.isSuccess)
                #expect(try await node.shell("dd if=\(file) bs=5 count=1 2>/dev/null") == "going")
                // No other device of the node is there.
                #expect(try await server.shell("first", "ls /dev | grep -c -e loop -e data").text == "1\n")
                let links = "find /var/lib/kubelet -path '*volumeDevices*' -type l -exec readlink {} +"
                #expect(Set(try await node.shell(links).split(separator: "\n").map(String.init)) == [device])

                let container = "jsonpath={.status.containerStatuses[0].containerID}"
                let before = try await server.must("get", "pod", "first", "-o", container)
                try await server.stop(.kill)
                let again = try await node.start()
                try await again.must("wait", "--for=condition=Ready", "pod/first", "--timeout=50s")
                #expect(try await again.must("get", "pod", "first", "-o", container) == before)
                #expect(try await again.shell("first", read).text == "going")

                // Another pod has the same disk.
                try await again.must("delete", "pod", "first")
                #expect(try await node.shell(links).isEmpty)
                try await again.must("create", input: Self.pod("second"))
                try await again.must("wait", "--for=condition=Ready", "pod/second", "--timeout=50s")
                #expect(try await again.shell("second", read).text == "going")
                try await again.must("delete", "pod", "second")
                try await again.must("delete", "pvc", "disk")
                #expect(try await node.shell("find /var/lib/kubelet/pods -mindepth 1").isEmpty)
            }
        }
    }
}
