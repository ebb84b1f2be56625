import API
import APIMachinery
import Testing

@testable import Controllers

@Suite struct VolumeBinderTests {
    @Test func `a claim takes the smallest volume that suits it`() {
        var world = VolumeWorld()
        Conversation(
            """
            claim size=2Gi
            decide
            ----
            wait, FailedBinding: no persistent volumes available for this claim and no storage class is set

            volume tiny size=1Gi
            volume huge size=10Gi
            volume fits size=3Gi
            volume other size=2Gi class=fast
            volume taken size=2Gi for=else
            volume shared size=2Gi mode=ReadWriteOnce,ReadWriteMany
            volume new size=2Gi phase=Pending
            decide
            ----
            bind fits

            # Access modes count before size: what can be shared is kept for those who share.
            claim size=2Gi mode=ReadWriteMany
            decide
            ----
            bind shared

            claim size=1Gi label=gold
            decide
            ----
            wait, FailedBinding: no persistent volumes available for this claim and no storage class is set

            volume golden size=8Gi label=gold
            decide
            ----
            bind golden

            # A volume that is kept for the claim is taken before any other.
            volume mine size=9Gi for=data
            claim size=1Gi
            decide
            ----
            bind mine
            """
        ).check { world.answer($0) }
    }

    @Test func `a claim may name its volume`() {
        var world = VolumeWorld()
        Conversation(
            """
            claim size=2Gi volume=mine
            decide
            ----
            wait

            volume mine size=1Gi
            decide
            ----
            wait, VolumeMismatch: Cannot bind to requested volume "mine": requested PV is too small

            volume mine size=2Gi class=fast
            decide
            ----
            wait, VolumeMismatch: Cannot bind to requested volume "mine": storageClassName does not match

            volume mine size=2Gi volumeMode=Block
            decide
            ----
            wait, VolumeMismatch: Cannot bind to requested volume "mine": incompatible volumeMode

            volume mine size=2Gi mode=ReadOnlyMany
            decide
            ----
            wait, VolumeMismatch: Cannot bind to requested volume "mine": incompatible accessMode

            volume mine size=2Gi for=other
            decide
            ----
            wait, FailedBinding: volume "mine" already bound to a different claim.

            volume mine size=2Gi
            decide
            ----
            bind mine
            """
        ).check { world.answer($0) }
    }

    @Test func `a claim without volume is handed to the provisioner of its class`() {
        var world = VolumeWorld()
        Conversation(
            """
            claim class=fast
            decide
            ----
            wait, ProvisioningFailed: storageclass.storage.k8s.io "fast" not found

            class fast by=example.com/disk
            decide
            ----
            provision by example.com/disk

            annotate volume.kubernetes.io/storage-provisioner=example.com/disk
            annotate volume.beta.kubernetes.io/storage-provisioner=example.com/disk
            decide
            ----
            wait, ExternalProvisioning: Waiting for a volume to be created either by the external provisioner 'example.com/disk' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.

            class manual
            claim class=manual
            decide
            ----
            wait, ProvisioningFailed: no volume plugin matched name: kubernetes.io/no-provisioner

            class late by=example.com/disk mode=wait default=yes
            claim class=late
            volume free class=late
            decide
            ----
            wait, WaitForFirstConsumer: waiting for first consumer to be created before binding

            pods a b
            decide
            ----
            wait, WaitForPodScheduled: waiting for pods a,b to be scheduled

            annotate volume.kubernetes.io/selected-node=n1
            decide
            ----
            provision by example.com/disk

            # The scheduler chose a free volume.
            claim class=late
            volume free class=late for=data uid=c
            decide
            ----
            bind free

            # Claims that came before there was a default class get it.
            volume free class=late
            claim
            decide
            ----
            class late
            """
        ).check { world.answer($0) }
    }

    @Test func `a bound claim that loses its volume says so`() {
        var world = VolumeWorld()
        Conversation(
            """
            claim bound=yes
            decide
            ----
            lost, ClaimLost

            claim bound=yes volume=gone
            decide
            ----
            lost, ClaimLost

            volume mine for=other uid=x
            claim bound=yes volume=mine
            decide
            ----
            lost, ClaimMisbound

            # Made anew, from a backup perhaps.
            volume mine
            decide
            ----
            bind mine
            """
        ).check { world.answer($0) }
    }

    @Test func `a volume follows its claim`() {
        var world = VolumeWorld()
        Conversation(
            """
            claim
            volume v phase=Pending
            judge v
            ----
            Available

            # The claim's side comes next.
            volume v for=data uid=c
            judge v
            ----
            nothing

            volume v for=data uid=c volumeMode=Block
            judge v
            ----
            warn, VolumeMismatch

            claim volume=v
            volume v for=data uid=c
            judge v
            ----
            Bound

            claim volume=other
            judge v
            ----
            unbind

            volume v for=data uid=gone phase=Bound
            judge v
            ----
            Released

            volume v for=data uid=gone phase=Released
            judge v
            ----
            nothing

            volume v for=data uid=gone phase=Released policy=Delete by=example.com/disk
            judge v
            ----
            nothing

            volume v for=data uid=gone phase=Released policy=Delete
            judge v
            ----
            fail, VolumeFailedDelete: error getting deleter volume plugin for volume "v": no deletable volume plugin matched

            # Of folders of the host those below /tmp go.
            volume v for=data uid=gone phase=Released policy=Delete path=/tmp/a/b
            judge v
            ----
            delete a/b

            volume v for=data uid=gone phase=Failed policy=Delete path=/tmp/a
            judge v
            ----
            delete a

            volume v for=data uid=gone phase=Released policy=Delete path=/data/tmp/a
            judge v
            ----
            fail, VolumeFailedDelete: host_path deleter only supports /tmp/.+ but received provided /data/tmp/a

            volume v for=data uid=gone phase=Released policy=Delete path=/tmp//
            judge v
            ----
            fail, VolumeFailedDelete: host_path deleter only supports /tmp/.+ but received provided /tmp//

            volume v for=data uid=gone phase=Released policy=Delete path=/tmp/a/../../data
            judge v
            ----
            fail, VolumeFailedDelete: host_path deleter only supports /tmp/.+ but received provided /tmp/a/../../data

            volume v for=data uid=gone phase=Failed policy=Delete path=/data
            judge v
            ----
            nothing

            volume v for=data uid=gone phase=Bound policy=Retain path=/tmp/a
            judge v
            ----
            Released

            volume v for=data uid=gone phase=Released policy=Retain path=/tmp/a
            judge v
            ----
            nothing

            volume v for=data uid=gone phase=Released policy=Recycle
            judge v
            ----
            recycle

            # What was in the way may be gone.
            volume v for=data uid=gone phase=Failed policy=Recycle
            judge v
            ----
            recycle

            volume v for=data uid=gone phase=Failed policy=Delete
            judge v
            ----
            nothing
            """
        ).check { world.answer($0) }
    }

    @Test func `a binding that was interrupted is finished from where it stood`() {
        var claim = PersistentVolumeClaim(namespace: "default", name: "data")
        claim.metadata.uid = "c"
        var volume = PersistentVolume(name: "v")
        volume.spec.capacity = ["storage": "2Gi"]
        volume.spec.accessModes = ["ReadWriteOnce"]
        volume = VolumeBinding.reserve(volume, for: claim)
        #expect(volume.spec.claimRef?.uid == "c")
        #expect(volume.metadata.annotations == [VolumeAnnotation.boundByController: "yes"])
        #expect(VolumeBinding.reserve(volume, for: claim) == volume)
        claim = VolumeBinding.report(volume, in: VolumeBinding.name(volume, in: claim))
        #expect(claim.spec.volumeName == "v")
        #expect(claim.isBindComplete)
        #expect(claim.status.phase == "Bound")
        #expect(claim.status.capacity == ["storage": "2Gi"])
        #expect(VolumeBinding.report(volume, in: VolumeBinding.name(volume, in: claim)) == claim)
        // What the controller chose it forgets; what a person wrote keeps the name.
        #expect(VolumeBinding.unbind(volume).spec.claimRef == nil)
        volume.metadata.annotations = [:]
        #expect(VolumeBinding.unbind(volume).spec.claimRef?.name == "data")
        #expect(VolumeBinding.unbind(volume).spec.claimRef?.uid == "")
    }

    @Test func `a change wakes those whom it concerns`() {
        func claim(_ name: String, volume: String = "", className: String = "") -> PersistentVolumeClaim {
            var claim = PersistentVolumeClaim(namespace: "ns", name: name)
            claim.spec.volumeName = volume
            claim.spec.storageClassName = className
            return claim
        }
        func volume(_ name: String, for claim: String? = nil, className: String = "") -> PersistentVolume {
            var volume = PersistentVolume(name: name)
            volume.spec.storageClassName = className
            if let claim {
                var reference = ObjectReference()
                (reference.namespace, reference.name) = ("ns", claim)
                volume.spec.claimRef = reference
            }
            return volume
        }
        let (a, b) = (ObjectName(namespace: "ns", name: "a"), ObjectName(namespace: "ns", name: "b"))
        var index = VolumeIndex()
        #expect(index.setClaim(a, claim("a", className: "fast")) == [.claim(a)])
        #expect(index.setClaim(b, claim("b", volume: "v")) == [.claim(b), .volume("v")])
        #expect(index.setVolume("w", volume("w", className: "slow")) == [.volume("w")])
        #expect(index.setVolume("v", volume("v", className: "fast")) == [.volume("v"), .claim(a), .claim(b)])
        #expect(index.candidates(for: a, className: "fast") == ["v"])
        #expect(index.setVolume("v", volume("v", for: "b")) == [.volume("v"), .claim(b)])
        #expect(index.candidates(for: a, className: "fast").isEmpty)
        #expect(
            index.setClaim(b, nil) == [.claim(b), .volume("v")], "a volume is released by its claim's end")
        #expect(index.openClaims == [a])
    }
}
