import API
import APIMachinery
import Addons
import Client
import ClientTestSupport
import Controllers
import Host
import Logging
import Scheduler
import Support
import Testing

/// The whole way of a local volume: claim, pod, node, directory, binding, and back.
@Suite(.timeLimit(.minutes(1))) struct LocalVolumeTests {
    private static let claim: Value = [
        "metadata": [
            "name": "local-path-pvc", "namespace": "default", "finalizers": ["kubernetes.io/pvc-protection"],
        ],
        "spec": [
            "accessModes": ["ReadWriteOnce"], "storageClassName": "local-path",
            "resources": ["requests": ["storage": "2Gi"]],
        ],
        "status": ["phase": "Pending"],
    ]

    private static let pod: Value = [
        "metadata": ["name": "volume-test", "namespace": "default"],
        "spec": [
            "schedulerName": "default-scheduler", "containers": [["name": "volume-test"]],
            "volumes": [["name": "volv", "persistentVolumeClaim": ["claimName": "local-path-pvc"]]],
        ],
    ]

    @Test func `a pod gets its volume on its node, and the directory goes with the claim`() async throws {
        try await Cluster.run { cluster in
            try await cluster.create(PersistentVolumeClaim(Self.claim))
            await cluster.api.wait { Events(in: $0).has("WaitForFirstConsumer") }
            #expect(cluster.api.peek(all: PersistentVolume.self).isEmpty, "nobody uses the claim yet")

            try await cluster.create(Pod(Self.pod))
            await cluster.api.wait { cluster.pod($0)?.spec.nodeName == "n1" }
            let claim = try #require(cluster.claim(cluster.api))
            let volume = try #require(cluster.api.peek(PersistentVolume.self, "pvc-" + claim.metadata.uid))
            let path = cluster.root + "/" + volume.metadata.name + "_default_local-path-pvc"
            #expect(claim.status.phase == "Bound")
            #expect(claim.status.capacity == ["storage": "2Gi"])
            #expect(claim.spec.volumeName == volume.metadata.name)
            #expect(volume.status.phase == "Bound")
            #expect(volume.spec.local?.path == path)
            #expect(volume.spec.persistentVolumeReclaimPolicy == "Delete")
            #expect(volume.metadata.annotations["pv.kubernetes.io/provisioned-by"] == "rancher.io/local-path")
            #expect(try Files.status(of: path).mode == 0o777)
            #expect(try Files.status(of: cluster.root).mode == 0o700)
            await cluster.api.wait {
                Events(in: $0).has("Scheduled") && Events(in: $0).has("ProvisioningSucceeded")
            }
            #expect(
                Events(in: cluster.api).messages("Scheduled") == [
                    "Successfully assigned default/volume-test to n1"
                ])
            #expect(
                Events(in: cluster.api).messages("ProvisioningSucceeded")
                    == ["Successfully provisioned volume \(volume.metadata.name)"])

            // The claim outlives a deletion as long as the pod uses it; a new pod would find the data.
            try await cluster.api.delete(PersistentVolumeClaim.self, claim.objectName)
            #expect(cluster.claim(cluster.api)?.status.phase == "Bound")
            let now = DeletionOptions(gracePeriodSeconds: 0)
            try await cluster.api.delete(Pod.self, ObjectName(namespace: "default", name: "volume-test"), now)
            await cluster.api.wait { $0.peek(all: PersistentVolume.self).isEmpty }
            #expect(cluster.claim(cluster.api) == nil)
            #expect(!Files.exists(path))
        }
    }

    @Test func `retained volumes keep their directory`() async throws {
        try await Cluster.run(reclaimPolicy: "Retain") { cluster in
            try await cluster.create(PersistentVolumeClaim(Self.claim))
            try await cluster.create(Pod(Self.pod))
            await cluster.api.wait { cluster.pod($0)?.spec.nodeName == "n1" }
            let name = ObjectName(namespace: "default", name: "volume-test")
            try await cluster.api.delete(Pod.self, name, DeletionOptions(gracePeriodSeconds: 0))
            try await cluster.api.delete(
                PersistentVolumeClaim.self, ObjectName(namespace: "default", name: "local-path-pvc"))
            await cluster.api.wait { $0.peek(all: PersistentVolume.self).first?.status.phase == "Released" }
            let volume = try #require(cluster.api.peek(all: PersistentVolume.self).first)
            #expect(Files.exists(volume.spec.local?.path ?? ""))
        }
    }

    @Test func `a volume of another's making follows the pod's node`() async throws {
        try await Cluster.run { cluster in
            var storageClass = StorageClass(name: "by-hand")
            storageClass.provisioner = StorageClass.noProvisioner
            storageClass.volumeBindingMode = "WaitForFirstConsumer"
            try await cluster.create(storageClass)
            try await cluster.createNode("n2")
            for (name, node, size) in [("on-n1", "n1", "1Gi"), ("on-n2", "n2", "4Gi")] {
                try await cluster.create(Self.volume(name, on: node, size: size))
            }
            var claim = PersistentVolumeClaim(Self.claim)
            claim.spec.storageClassName = "by-hand"
            try await cluster.create(claim)
            try await cluster.create(Pod(Self.pod))
            // The other volume is too small, so the pod goes where the large one is.
            await cluster.api.wait { cluster.pod($0)?.spec.nodeName == "n2" }
            #expect(cluster.claim(cluster.api)?.spec.volumeName == "on-n2")
        }
    }

    @Test func `what local volumes cannot be is told`() async throws {
        try await Cluster.run { cluster in
            var claim = PersistentVolumeClaim(Self.claim)
            claim.spec.accessModes = ["ReadWriteMany"]
            try await cluster.create(claim)
            try await cluster.create(Pod(Self.pod))
            await cluster.api.wait { Events(in: $0).has("ProvisioningFailed") }
            #expect(
                Events(in: cluster.api).messages("ProvisioningFailed") == [
                    "failed to provision volume with StorageClass \"local-path\": NodePath only supports "
                        + "ReadWriteOnce and ReadWriteOncePod (1.22+) access modes"
                ])
        }
    }

    /// Every path lies in a folder that the test made: code that is wrong here destroys nothing of the machine.
    @Test(arguments: ["OUTER/other", "ROOT", "ROOT/a/b", "ROOT/..", "ROOT/.", "ROOTa/b", "other", ""])
    func `nothing outside the root is removed`(path: String) async throws {
        let outer = try makeTemporaryDirectory()
        defer { try? Files.remove(outer) }
        let root = outer + "/root"
        for folder in ["/other", "/root/a/b", "/roota/b"] { try Files.makeDirectory(outer + folder) }
        let directories = HostVolumeDirectories(root: root, node: "n1")
        await #expect(throws: Fault.self) {
            let path = path.replacingPrefix("ROOT", by: root).replacingPrefix("OUTER", by: outer)
            try await directories.remove(path, on: "n1")
        }
        await #expect(throws: Fault.self) { try await directories.make("../x", on: "n1") }
        await #expect(throws: Fault.self) { try await directories.make("x", on: "n2") }
        for folder in ["/other", "/root/a/b", "/roota/b"] { #expect(Files.exists(outer + folder)) }
    }

    @Test func `a link in place of a volume is removed, not followed`() async throws {
        let root = try makeTemporaryDirectory()
        defer { try? Files.remove(root) }
        let directories = HostVolumeDirectories(root: root + "/storage", node: "n1")
        let path = try await directories.make("pvc-1", on: "n1")
        try Files.makeDirectory(root + "/precious/data")
        try Files.remove(path)
        try Files.makeSymbolicLink(at: path, to: root + "/precious")
        try await directories.remove(path, on: "n1")
        #expect(!Files.exists(path))
        #expect(Files.exists(root + "/precious/data"))
    }

    private static func volume(_ name: String, on node: String, size: String) -> PersistentVolume {
        var volume = PersistentVolume(name: name)
        volume.spec.capacity = ["storage": size]
        volume.spec.accessModes = ["ReadWriteOnce"]
        volume.spec.storageClassName = "by-hand"
        let expression: Value = [
            "key": "kubernetes.io/hostname", "operator": "In", "values": [.string(node)],
        ]
        volume.spec.nodeAffinity = VolumeNodeAffinity([
            "required": ["nodeSelectorTerms": [["matchExpressions": [expression]]]]
        ])
        return volume
    }
}
