import API
import APIMachinery

/// A volume as a CSI driver attaches it.
struct VolumeAttachmentFacts: Hashable, Sendable {
    var driver: String
    /// What makes two uses the same volume.
    var handle: String

    init(driver: String, handle: String) { (self.driver, self.handle) = (driver, handle) }

    /// `nil` for a volume of no CSI driver.
    init?(volume: Value) {
        guard let source = volume.at("spec", "csi") else { return nil }
        driver = source["driver"]?.string ?? ""
        handle = source["volumeHandle"]?.string ?? ""
    }
}

/// What is known of volumes beyond one pod's.
protocol VolumeKnowledge: Sendable {
    /// What is attached for a claim; `nil` when nothing is, or nothing is known of it.
    func attachment(of claim: ObjectName) -> VolumeAttachmentFacts?

    /// How many volumes of each driver a node can have; a driver that is not named has no limit.
    func limits(of node: String) -> [String: Int]

    /// What the attacher has, or will have, on a node, whoever asked for it.
    func attached(to node: String) -> [VolumeAttachmentFacts]
}

/// What was looked up of claims, nodes and attachments, so that objects are not read anew for each node.
struct KnownAttachments {
    struct Entry {
        var claimRevision: Int64
        var volume: String?
        var volumeRevision: Int64?
        var facts: VolumeAttachmentFacts?
    }

    private static let limit = 20_000

    private(set) var claims: [ObjectName: Entry] = [:]
    var limits: [String: (revision: Int64, limits: [String: Int])] = [:]
    private var attachments: [String: (node: String, volume: String)] = [:]
    private var byNode: [String: Set<String>] = [:]

    mutating func remember(_ entry: Entry, _ claim: ObjectName) {
        if claims.count >= Self.limit { claims = [:] }
        claims[claim] = entry
    }

    /// Takes an attachment's present version; `nil` when it is gone.
    mutating func set(_ name: String, _ attachment: VolumeAttachment?) {
        if let old = attachments.removeValue(forKey: name) {
            byNode[old.node]?.remove(name)
            if byNode[old.node]?.isEmpty == true { byNode[old.node] = nil }
        }
        guard let attachment, let volume = attachment.spec.source.persistentVolumeName else { return }
        attachments[name] = (attachment.spec.nodeName, volume)
        byNode[attachment.spec.nodeName, default: []].insert(name)
    }

    func volumes(on node: String) -> [String] {
        (byNode[node] ?? []).compactMap { attachments[$0]?.volume }
    }
}
