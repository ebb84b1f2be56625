import API
import APIMachinery
import Client
import ClientTestSupport
import Support
import Testing

@testable import Controllers

@Suite(.timeLimit(.minutes(1))) struct VolumeProtectionTests {
    @Test(arguments: [
        ("n1", ["persistentVolumeClaim": ["claimName": "data"]], true),
        ("n1", ["persistentVolumeClaim": ["claimName": "other"]], false),
        ("", ["persistentVolumeClaim": ["claimName": "data"]], false),
        ("n1", ["name": "v", "ephemeral": [:]], false),
    ] as [(String, Value, Bool)])
    func `a claim is in use by pods that have a node`(node: String, volume: Value, isUsed: Bool) {
        var pod = Pod(namespace: "default", name: "web")
        pod.spec.nodeName = node
        pod.spec.volumes = [Volume(volume)]
        #expect(ClaimProtection.uses(pod, "data") == isUsed)
    }

    @Test func `a pod's own volume gets a claim that is the pod's`() throws {
        var pod = Pod(namespace: "default", name: "web")
        pod.metadata.uid = "u"
        let template: Value = [
            "metadata": ["labels": ["app": "web"]], "spec": ["storageClassName": "fast"],
        ]
        let volume = Volume(["name": "scratch", "ephemeral": ["volumeClaimTemplate": template]])
        let claim = try #require(EphemeralVolumes.claim(for: volume, of: pod))
        #expect(claim.objectName == ObjectName(namespace: "default", name: "web-scratch"))
        #expect(claim.metadata.controller?.uid == "u")
        #expect(claim.metadata.labels == ["app": "web"])
        #expect(claim.spec.storageClassName == "fast")
        pod.spec.nodeName = "n1"
        pod.spec.volumes = [volume]
        #expect(ClaimProtection.uses(pod, "web-scratch"))
    }

    /// A pod that is deleted with its dependents waits for its claim, which must not wait for the pod.
    @Test func `a pod's own claim is in use until the node has done with the pod`() {
        var pod = Pod(namespace: "default", name: "web")
        pod.spec.nodeName = "n1"
        pod.spec.volumes = [
            Volume(["name": "scratch", "ephemeral": ["volumeClaimTemplate": [:]]]),
            Volume(["name": "data", "persistentVolumeClaim": ["claimName": "data"]]),
        ]
        pod.metadata.deletionTimestamp = Timestamp(seconds: 1)
        pod.metadata.deletionGracePeriodSeconds = 30
        #expect(ClaimProtection.uses(pod, "web-scratch"))
        pod.metadata.deletionGracePeriodSeconds = 0
        #expect(!ClaimProtection.uses(pod, "web-scratch") && ClaimProtection.uses(pod, "data"))
    }

    @Test func `an ephemeral claim is made, and made again when it is lost`() async throws {
        let api = MemoryAPI()
        var pod = Pod(namespace: "default", name: "web")
        pod.spec.volumes = [Volume(["name": "scratch", "ephemeral": ["volumeClaimTemplate": [:]]])]
        let name = ObjectName(namespace: "default", name: "web-scratch")
        try await api.create(pod)
        try await running([EphemeralVolumes()], on: api) {
            await api.wait { $0.peek(all: PersistentVolumeClaim.self).count == 1 }
            let first = try await api.get(PersistentVolumeClaim.self, name)
            try await api.delete(PersistentVolumeClaim.self, name)
            await api.wait { api in
                let claim = api.peek(PersistentVolumeClaim.self, name.name, in: name.namespace)
                return claim != nil && claim?.metadata.uid != first.metadata.uid
            }
        }
    }

    @Test func `a volume that is to be deleted goes when it is not bound any more`() async throws {
        let api = MemoryAPI()
        var volume = PersistentVolume(name: "v")
        volume.metadata.finalizers = ["kubernetes.io/pv-protection"]
        volume.status.phase = "Bound"
        volume = try await api.create(volume)
        try await api.delete(PersistentVolume.self, volume.objectName)
        var other = volume
        (other.metadata.name, other.metadata.uid) = ("w", "")
        other.value[path: ["metadata", "uid"]] = nil
        other.status.phase = "Available"
        try await api.create(other)
        try await api.delete(PersistentVolume.self, ObjectName(name: "w"))
        try await running([VolumeProtection()], on: api) {
            await api.wait { $0.peek(PersistentVolume.self, "w") == nil }
            var released = try await api.get(PersistentVolume.self, volume.objectName)
            released.status.phase = "Released"
            try await api.updateStatus(released)
            await api.wait { $0.peek(all: PersistentVolume.self).isEmpty }
        }
    }

    @Test func `a class of attributes goes when no claim and no volume names it any more`() async throws {
        let api = MemoryAPI()
        for name in ["used", "unused"] {
            var named = VolumeAttributesClass(name: name)
            named.metadata.finalizers = ["kubernetes.io/vac-protection"]
            try await api.create(named)
            try await api.delete(VolumeAttributesClass.self, named.objectName)
        }
        var claim = PersistentVolumeClaim(namespace: "default", name: "data")
        claim.spec.volumeAttributesClassName = "used"
        claim = try await api.create(claim)
        var volume = PersistentVolume(name: "v")
        volume.spec.volumeAttributesClassName = "used"
        try await api.create(volume)
        try await running([AttributesClassProtection()], on: api) {
            await api.wait { $0.peek(VolumeAttributesClass.self, "unused") == nil }
            claim.spec.volumeAttributesClassName = "unused"
            try await api.update(claim)
            #expect(api.peek(VolumeAttributesClass.self, "used") != nil)
            try await api.delete(PersistentVolume.self, ObjectName(name: "v"))
            await api.wait { $0.peek(all: VolumeAttributesClass.self).isEmpty }
        }
    }
}
