import API
import APIMachinery
import Client
import ClientTestSupport
import Support
import Testing

@testable import Controllers

@Suite(.timeLimit(.minutes(1))) struct VolumeAttacherTests {
    private static let start = Timestamp(seconds: 1_000_000)

    @Test func `volumes are attached for pods, told to the node, and taken when they are let go`() throws {
        var world = World()
        try Conversation(
            """
            node ready
            pod
            decide
            ----
            attach data

            # Made, not attached yet.
            attachment
            decide
            ----
            nothing

            attachment attached
            decide
            ----
            report data

            told data
            decide
            ----
            nothing

            # Nobody wants it; the node has it mounted still.
            inuse data
            nopod
            decide
            ----
            nothing

            inuse
            decide
            ----
            report -
            detach data

            # A node that is silent has six minutes.
            node silent
            inuse data
            unwanted 100
            decide
            ----
            again after 260 s

            unwanted 360
            decide
            ----
            report -
            detach data

            node silent off
            unwanted 0
            decide
            ----
            report -
            detach data

            node gone
            decide
            ----
            detach data

            # It may be on one node at a time.
            node ready
            inuse
            told
            noattachment
            pod
            elsewhere other
            decide
            ----
            problem Multi-Attach

            elsewhere
            attachment failed
            decide
            ----
            problem AttachVolume.Attach
            """
        ).check { try world.answer($0) }
    }

    @Test func `the name of an attachment is the one that everybody finds`() throws {
        let volume = try #require(AttachableVolume(World.volume))
        #expect(volume.uniqueName == "kubernetes.io/csi/disk.test^h-1")
        #expect(volume.attachmentName(on: "n").hasPrefix("csi-"))
        #expect(volume.attachmentName(on: "n").count == 68)
        #expect(volume.isExclusive)
    }

    @Test func `an attachment that somebody made by hand is his`() throws {
        var volume = PersistentVolume(name: "v")
        volume.value["spec"] = ["csi": ["driver": "d", "volumeHandle": "h"]]
        let own = try #require(AttachableVolume(volume)).attachment(to: "n")
        var foreign = own
        foreign.metadata.name = "mine"
        let decision = AttachmentDecision(
            node: nil, nodeName: "n", wanted: [], attachments: [own, foreign], now: Timestamp(seconds: 0))
        #expect(decision.detaching == [own])
    }

    @Test func `a pod's volume is attached and detached with it`() async throws {
        let api = MemoryAPI()
        try await api.create(World.node(isReady: true))
        var claim = PersistentVolumeClaim(namespace: "default", name: "data")
        claim.spec.volumeName = "data"
        claim.status.phase = "Bound"
        claim = try await api.create(claim)
        var volume = World.volume
        volume.spec.claimRef = ObjectReference(["namespace": "default", "name": "data"])
        volume.spec.claimRef?.uid = claim.metadata.uid
        try await api.create(volume)
        let name = try #require(AttachableVolume(volume)).attachmentName(on: "n")
        try await running([VolumeAttacher()], on: api, now: { Self.start }) {
            var pod = Pod(namespace: "default", name: "p")
            pod.spec = PodSpec([
                "nodeName": "n", "volumes": [["name": "v", "persistentVolumeClaim": ["claimName": "data"]]],
            ])
            pod = try await api.create(pod)
            await api.wait { $0.peek(VolumeAttachment.self, name) != nil }
            var attachment = try #require(api.peek(VolumeAttachment.self, name))
            #expect(attachment.spec.attacher == "disk.test")
            #expect(attachment.spec.source.persistentVolumeName == "data")
            attachment.status.attached = true
            try await api.updateStatus(attachment)
            await api.wait { $0.peek(Node.self, "n")?.status.volumesAttached.first?.devicePath == name }
            try await api.delete(Pod.self, pod.objectName, DeletionOptions(gracePeriodSeconds: 0))
            await api.wait { $0.peek(VolumeAttachment.self, name) == nil }
            #expect(api.peek(Node.self, "n")?.status.volumesAttached.isEmpty == true)
        }
    }

    @Test func `a claim that wants more is told who makes it grow`() async throws {
        let api = MemoryAPI()
        var claim = PersistentVolumeClaim([
            "metadata": ["namespace": "default", "name": "data"],
            "spec": ["resources": ["requests": ["storage": "1Gi"]]],
            "status": ["phase": "Bound", "capacity": ["storage": "1Gi"]],
        ])
        #expect(!VolumeGrowth.isGrowing(claim))
        claim = try await api.create(claim)
        try await running([VolumeGrowth()], on: api) {
            claim.value[path: ["spec", "resources", "requests", "storage"]] = "2Gi"
            try await api.update(claim)
            await api.wait { $0.peek(all: Event.self).contains { $0.reason == "ExternalExpanding" } }
        }
    }

    private struct World {
        static var volume: PersistentVolume {
            var volume = PersistentVolume(name: "data")
            volume.spec.accessModes = ["ReadWriteOnce"]
            volume.spec.csi = CSIPersistentVolumeSource(["driver": "disk.test", "volumeHandle": "h-1"])
            return volume
        }

        static func node(isReady: Bool, isOff: Bool = false) -> Node {
            var node = Node(name: "n")
            node.metadata.annotations["volumes.kubernetes.io/controller-managed-attach-detach"] = "true"
            var ready = NodeCondition()
            (ready.type, ready.status) = ("Ready", isReady ? "True" : "Unknown")
            node.status.conditions = [ready]
            if isOff { node.spec.taints = [Taint(["key": .string(NodeTaintKey.outOfService), "effect": "NoExecute"])] }
            return node
        }

        private var node: Node?
        private var isWanted = false
        private var attachment: VolumeAttachment?
        private var elsewhere: [String: String] = [:]
        private var unwantedFor = 0
        private var inUse: [String] = []
        private var told: [AttachedVolume] = []

        mutating func answer(_ command: [String]) throws -> [String] {
            let volume = try #require(AttachableVolume(Self.volume))
            switch command[0] {
            case "node":
                node = command.contains("gone")
                    ? nil : Self.node(isReady: command.contains("ready"), isOff: command.contains("off"))
            case "pod": isWanted = true
            case "nopod": isWanted = false
            case "noattachment": attachment = nil
            case "attachment":
                attachment = volume.attachment(to: "n")
                if command.contains("attached") { attachment?.status.attached = true }
                if command.contains("failed") { attachment?.status.attachError = VolumeError(["message": "no"]) }
            case "elsewhere": elsewhere = command.count > 1 ? ["data": command[1]] : [:]
            case "unwanted": unwantedFor = Int(command[1]) ?? 0
            case "inuse": inUse = command.count > 1 ? [volume.uniqueName] : []
            case "told":
                let entry: Value = ["name": .string(volume.uniqueName), "devicePath": .string(volume.attachmentName(on: "n"))]
                told = command.count > 1 ? [AttachedVolume(entry)] : []
            default: return decide(volume)
            }
            return []
        }

        private func decide(_ volume: AttachableVolume) -> [String] {
            var node = node
            node?.status.volumesInUse = inUse
            node?.status.volumesAttached = told
            let name = volume.attachmentName(on: "n")
            let pods = [ObjectName(namespace: "default", name: "p")]
            let decision = AttachmentDecision(
                node: node, nodeName: "n", wanted: isWanted ? [.init(volume: volume, pods: pods)] : [],
                attachments: [attachment].compactMap(\.self), elsewhere: elsewhere,
                uniqueNames: [name: volume.uniqueName],
                unwantedSince: [name: VolumeAttacherTests.start + .seconds(-unwantedFor)],
                now: VolumeAttacherTests.start)
            var lines = decision.attaching.map { "attach " + $0.volume.name }
            if let report = decision.report { lines.append("report " + (report.isEmpty ? "-" : "data")) }
            lines += decision.detaching.map { "detach " + ($0.spec.source.persistentVolumeName ?? "") }
            lines += decision.problems.map { "problem " + ($0.message.split(separator: " ").first ?? "") }
            if let deadline = decision.nextDeadline { lines.append("again after \(deadline.components.seconds) s") }
            return lines.isEmpty ? ["nothing"] : lines
        }
    }
}
