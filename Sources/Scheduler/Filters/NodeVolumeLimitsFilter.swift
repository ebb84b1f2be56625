/// A node takes so many volumes of a CSI driver, and no more (`CSINode.spec.drivers`).
struct NodeVolumeLimitsFilter: NodeFilter {
    private let wanted: [VolumeAttachmentFacts]
    private let knowledge: any VolumeKnowledge

    init?(_ pod: PodFacts, _ volumes: VolumeFacts) {
        guard !volumes.attachments.isEmpty, let knowledge = volumes.knowledge else { return nil }
        wanted = volumes.attachments
        self.knowledge = knowledge
    }

    private static let refusal = Refusal(.nodeVolumeLimits, "node(s) exceed max volume count")

    func refusal(of node: NodeFacts) -> Refusal? {
        let limits = knowledge.limits(of: node.name)
        guard wanted.contains(where: { limits[$0.driver] != nil }) else { return nil }
        var present = Set(knowledge.attached(to: node.name))
        for pod in node.pods.values {
            for claim in pod.claimNames { if let volume = knowledge.attachment(of: claim) { present.insert(volume) } }
        }
        let new = Set(wanted).subtracting(present)
        for (driver, limit) in limits {
            let more = new.count { $0.driver == driver }
            if more > 0, more + present.count(where: { $0.driver == driver }) > limit { return Self.refusal }
        }
        return nil
    }
}
