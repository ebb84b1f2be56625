import API
import APIMachinery
import Client
import Support

/// Which volumes to attach to a node and to detach from it.
///
/// Pure: it is fed what the node's pods use and what is attached. Attaching itself is the driver's affair, by the
/// VolumeAttachment that is made here; the node learns by its status what it may mount. Its shell is
/// ``VolumeAttacher``.
struct AttachmentDecision: Sendable {
    struct Wanted: Hashable, Sendable {
        var volume: AttachableVolume
        var pods: [ObjectName]
    }

    struct Problem: Hashable, Sendable {
        var pods: [ObjectName]
        var message: String
    }

    /// How long a node that is not ready may keep a volume that no pod of it wants any more.
    static let patience: Duration = .seconds(360)

    /// `nil` when the node is gone.
    let node: Node?
    let nodeName: String
    let wanted: [Wanted]
    /// Attachments to this node.
    let attachments: [VolumeAttachment]
    /// Where else exclusive volumes are attached, by PersistentVolume.
    var elsewhere: [String: String] = [:]
    /// The unique names of attached volumes, by attachment.
    var uniqueNames: [String: String] = [:]
    /// Since when nobody wants an attachment, by its name, as far as that was seen.
    var unwantedSince: [String: Timestamp] = [:]
    let now: Timestamp

    private var wantedNames: Set<String> { Set(wanted.map { $0.volume.attachmentName(on: nodeName) }) }

    /// Attachments that no pod wants. Those that somebody made by hand are his.
    var unwanted: [VolumeAttachment] {
        let names = wantedNames
        return attachments.filter {
            !names.contains($0.metadata.name) && $0.metadata.deletionTimestamp == nil && AttachableVolume.isOwn($0)
        }
    }

    /// Attachments to make.
    var attaching: [Wanted] {
        guard node != nil else { return [] }
        let present = Set(attachments.map(\.metadata.name))
        return wanted.filter { want in
            !present.contains(want.volume.attachmentName(on: nodeName)) && elsewhere[want.volume.name] == nil
        }
    }

    /// Attachments to end: the node has unmounted the volume, or nobody can wait for it any longer.
    var detaching: [VolumeAttachment] {
        let inUse = Set(node?.status.volumesInUse ?? [])
        return unwanted.filter { attachment in
            guard node != nil, let name = uniqueNames[attachment.metadata.name], inUse.contains(name) else {
                return true
            }
            return isGivenUp || due(attachment) <= now
        }
    }

    /// What the node's status shall say is attached; `nil` when it says so.
    var report: [AttachedVolume]? {
        guard let node else { return nil }
        let leaving = Set(detaching.map(\.metadata.name))
        var attached: [String: String] = [:]
        for attachment in attachments where attachment.status.attached && !leaving.contains(attachment.metadata.name) {
            guard attachment.metadata.deletionTimestamp == nil, let name = uniqueNames[attachment.metadata.name]
            else { continue }
            attached[name] = attachment.metadata.name
        }
        let present = node.status.volumesAttached
        // What others attached is not ours to judge.
        let foreign = present.filter { !$0.name.hasPrefix("kubernetes.io/csi/") }
        let own = attached.sorted { $0.key < $1.key }.map { name, attachment in
            var volume = AttachedVolume()
            (volume.name, volume.devicePath) = (name, "")
            volume.value["devicePath"] = .string(attachment)
            return volume
        }
        return Set(present) == Set(foreign + own) ? nil : foreign + own
    }

    /// What keeps pods waiting.
    var problems: [Problem] {
        var problems: [Problem] = []
        for want in wanted {
            let name = want.volume.attachmentName(on: nodeName)
            if let other = elsewhere[want.volume.name] {
                let message =
                    "Multi-Attach error for volume \"\(want.volume.name)\" Volume is already exclusively attached to "
                    + "one node (\(other)) and can't be attached to another"
                problems.append(Problem(pods: want.pods, message: message))
            } else if let error = attachments.first(where: { $0.metadata.name == name })?.status.attachError {
                let message = "AttachVolume.Attach failed for volume \"\(want.volume.name)\" : \(error.message)"
                problems.append(Problem(pods: want.pods, message: message))
            }
        }
        return problems
    }

    /// When the next volume is taken from a node that does not let it go.
    var nextDeadline: Duration? {
        guard let node, !node.isReady else { return nil }
        let leaving = Set(detaching.map(\.metadata.name))
        return unwanted.filter { !leaving.contains($0.metadata.name) }.map(due).min().map { max($0 - now, .zero) }
    }

    /// Whether a person said that the machine is off.
    private var isGivenUp: Bool {
        node?.spec.taints.contains { $0.key == NodeTaintKey.outOfService } ?? true
    }

    private func due(_ attachment: VolumeAttachment) -> Timestamp {
        guard let node, !node.isReady else { return Timestamp(seconds: .max / 2) }
        return (unwantedSince[attachment.metadata.name] ?? now) + Self.patience
    }
}
