import API
public import APIMachinery
import Client
import Support

/// Attaches the volumes of CSI drivers to the nodes whose pods use them, and detaches them when none does any more.
public struct VolumeAttacher: Controller {
    public let name = "attachdetach-controller"

    public init() {}

    public func run(_ context: ControllerContext) async throws(Status) {
        let client = context.client
        let index = AttachmentIndex()
        let work = AttacherWork(
            context: context, index: index, nodes: try await client.observe(Node.self),
            pods: try await client.observe(Pod.self), claims: try await client.observe(PersistentVolumeClaim.self),
            volumes: try await client.observe(PersistentVolume.self),
            attachments: try await client.observe(VolumeAttachment.self),
            drivers: try await client.observe(CSIDriver.self))
        typealias Source = ReconcileLoop<String>.Source
        let sources = [
            Source(work.pods) { index.takePod($0) },
            Source(work.claims) { index.nodes(using: $0.name) },
            Source(work.volumes) { change in
                guard let volume = (change.new ?? change.old).map({ PersistentVolume($0) }),
                    let claim = volume.spec.claimRef
                else { return [] }
                return index.nodes(using: ObjectName(namespace: claim.namespace, name: claim.name))
            },
            Source(work.attachments) { change in
                guard let object = change.new ?? change.old else { return [] }
                let attachment = VolumeAttachment(object)
                var nodes = [attachment.spec.nodeName]
                if change.new == nil, let volume = attachment.spec.source.persistentVolumeName {
                    nodes += index.takeWaiting(for: volume, ended: attachment.metadata.name)
                }
                return nodes
            },
            Source(work.nodes) { Self.isMeaningful($0) ? [$0.name.name] : [] },
        ]
        await ReconcileLoop<String>(context).run(sources) { node throws(Status) in try await work.reconcile(node) }
    }

    /// Heartbeats change nothing here.
    private static func isMeaningful(_ change: ObjectChange) -> Bool {
        guard let old = change.old.map({ Node($0) }), let new = change.new.map({ Node($0) }) else { return true }
        return old.status.volumesInUse != new.status.volumesInUse || old.isReady != new.isReady
            || old.spec.taints != new.spec.taints || old.status.volumesAttached != new.status.volumesAttached
    }
}

/// One pass over one node.
private struct AttacherWork: Sendable {
    let context: ControllerContext
    let index: AttachmentIndex
    let nodes: any ObjectSet
    let pods: any ObjectSet
    let claims: any ObjectSet
    let volumes: any ObjectSet
    let attachments: any ObjectSet
    let drivers: any ObjectSet

    private static let managed = "volumes.kubernetes.io/controller-managed-attach-detach"

    func reconcile(_ name: String) async throws(Status) -> Duration? {
        let node = nodes.get(Node.self, ObjectName(name: name))
        // A kubelet that attaches by itself says so by not saying this.
        if let node, node.metadata.annotations[Self.managed] != "true" { return nil }
        let decision = decision(node, name)
        for wanted in decision.attaching {
            try await context.client.createUnlessPresent(wanted.volume.attachment(to: name))
        }
        for problem in decision.problems {
            for pod in problem.pods.compactMap({ pods.get(Pod.self, $0) }) {
                context.record(.warning, "FailedAttachVolume", problem.message, about: pod)
            }
        }
        for volume in decision.elsewhere.keys { index.wait(name, for: volume) }
        // The node must know that a volume is not there any more before it goes.
        if let node, let report = decision.report { try await tell(node, report, decision) }
        for attachment in decision.detaching {
            try await context.client.delete(
                VolumeAttachment.self, attachment.objectName,
                DeletionOptions(preconditionUID: attachment.metadata.uid))
        }
        return decision.nextDeadline
    }

    private func tell(
        _ node: Node, _ report: [AttachedVolume], _ decision: AttachmentDecision
    ) async throws(Status) {
        try await context.client.replaceList(
            ["status", "volumesAttached"], in: Target(Node.resource, node.objectName, subresource: "status"),
            uid: node.metadata.uid, version: node.metadata.resourceVersion, with: report.map(\.value))
        let known = Set(node.status.volumesAttached.map(\.name))
        let new = Set(report.map(\.name)).subtracting(known)
        for wanted in decision.wanted where new.contains(wanted.volume.uniqueName) {
            let message = "AttachVolume.Attach succeeded for volume \"\(wanted.volume.name)\" "
            for pod in wanted.pods.compactMap({ pods.get(Pod.self, $0) }) {
                context.record(.normal, "SuccessfulAttachVolume", message, about: pod)
            }
        }
    }

    private func decision(_ node: Node?, _ name: String) -> AttachmentDecision {
        let wanted = wanted(on: name)
        // Attachments are as many as volumes in use on all nodes; only what befalls one of them looks at all.
        let all = attachments.list(namespace: nil).map { VolumeAttachment($0) }
        let own = all.filter { $0.spec.nodeName == name && $0.spec.source.persistentVolumeName != nil }
        let exclusive = Set(wanted.filter(\.volume.isExclusive).map(\.volume.name))
        var elsewhere: [String: String] = [:]
        for attachment in all where attachment.spec.nodeName != name {
            guard let volume = attachment.spec.source.persistentVolumeName, exclusive.contains(volume) else { continue }
            elsewhere[volume] = attachment.spec.nodeName
        }
        var uniqueNames: [String: String] = [:]
        for attachment in own {
            let volume = ObjectName(name: attachment.spec.source.persistentVolumeName ?? "")
            uniqueNames[attachment.metadata.name] =
                volumes.get(PersistentVolume.self, volume).flatMap { AttachableVolume($0) }?.uniqueName
        }
        var decision = AttachmentDecision(
            node: node, nodeName: name, wanted: wanted, attachments: own, elsewhere: elsewhere,
            uniqueNames: uniqueNames, now: context.now())
        decision.unwantedSince = index.unwanted(
            decision.unwanted.map(\.metadata.name), of: own.map(\.metadata.name), at: context.now())
        return decision
    }

    private func wanted(on node: String) -> [AttachmentDecision.Wanted] {
        var pods: [AttachableVolume: [ObjectName]] = [:]
        for entry in index.pods(on: node) {
            for claim in entry.claims {
                guard let volume = volume(of: claim), needsAttaching(volume.driver) else { continue }
                pods[volume, default: []].append(entry.pod)
            }
        }
        return pods.map { AttachmentDecision.Wanted(volume: $0.key, pods: $0.value) }.sorted {
            $0.volume.name < $1.volume.name
        }
    }

    private func volume(of name: ObjectName) -> AttachableVolume? {
        guard let claim = claims.get(PersistentVolumeClaim.self, name), claim.status.phase == "Bound",
            let volume = volumes.get(PersistentVolume.self, ObjectName(name: claim.spec.volumeName)),
            volume.spec.claimRef?.uid == claim.metadata.uid
        else { return nil }
        return AttachableVolume(volume)
    }

    /// A driver that says nothing of itself wants it.
    private func needsAttaching(_ driver: String) -> Bool {
        drivers.get(CSIDriver.self, ObjectName(name: driver))?.spec.attachRequired ?? true
    }
}
