import API
import APIMachinery
import Client
import Synchronization

/// The live sets from which a pod's volumes are judged.
final class VolumeSets: Sendable {
    let claims: any ObjectSet
    let volumes: any ObjectSet
    private let classes: any ObjectSet
    private let offers = Mutex(VolumeOffers())

    init(_ client: any Client) async throws(Status) {
        claims = try await client.observe(PersistentVolumeClaim.self)
        volumes = try await client.observe(PersistentVolume.self)
        classes = try await client.observe(StorageClass.self)
    }

    /// Follows the sets, and calls `changed` after each change.
    func observe(_ changed: @escaping @Sendable () -> Void) -> [any Observation] {
        let ofVolumes = volumes.observe { [self] change in
            let volume = change.new.map { PersistentVolume($0) }
            _ = offers.withLock { $0.set(change.name.name, volume) }
            changed()
        }
        return [ofVolumes] + [claims, classes].map { set in set.observe { _ in changed() } }
    }

    func facts(of pod: PodFacts) -> VolumeFacts {
        VolumeFacts(
            claims: pod.claims.map { claim in
                (
                    claim.name,
                    judge(ObjectName(namespace: pod.name.namespace, name: claim.name), claim.isEphemeral)
                )
            })
    }

    private func judge(_ name: ObjectName, _ isEphemeral: Bool) -> VolumeFacts.Claim {
        guard let claim = claims.get(PersistentVolumeClaim.self, name) else {
            return isEphemeral ? .toBeMade : .missing
        }
        if claim.metadata.deletionTimestamp != nil { return .deleting }
        if claim.status.phase == "Lost" { return .lost(volume: claim.spec.volumeName) }
        if claim.isBindComplete {
            let volume = volumes.get(PersistentVolume.self, ObjectName(name: claim.spec.volumeName))
            return volume.map { .bound(nodes: nodes(of: $0)) } ?? .lost(volume: claim.spec.volumeName)
        }
        guard claim.spec.volumeName.isEmpty,
            let storageClass = classes.get(StorageClass.self, ObjectName(name: claim.className)),
            storageClass.waitsForConsumer
        else { return .unbound }
        let names = offers.withLock { $0.names(for: name, className: claim.className) }
        let present = names.compactMap { volumes.get(PersistentVolume.self, ObjectName(name: $0)) }
        if let reserved = VolumeMatch.reserved(for: claim, among: present) {
            return .reserved(nodes: nodes(of: reserved))
        }
        return .waitsForConsumer(options(of: claim, storageClass, among: present))
    }

    private func options(
        of claim: PersistentVolumeClaim, _ storageClass: StorageClass, among present: [PersistentVolume]
    ) -> VolumeFacts.Options {
        var options = VolumeFacts.Options()
        options.volumes = VolumeMatch.candidates(for: claim, among: present).map {
            ($0.metadata.name, nodes(of: $0))
        }
        options.isProvisioned = storageClass.isProvisioned
        options.provisionedNodes = Self.nodes(of: storageClass.allowedTopologies)
        options.selectedNode = claim.selectedNode
        return options
    }

    /// The nodes that reach a volume; `nil` for all. A rule that cannot be read excludes every node.
    private func nodes(of volume: PersistentVolume) -> NodeSelector? {
        guard let required = volume.value.at("spec", "nodeAffinity", "required") else { return nil }
        return (try? NodeSelector(required)) ?? NodeSelector([])
    }

    /// A class's topologies as a node selector: any term, of each term all labels.
    private static func nodes(of topologies: [TopologySelectorTerm]) -> NodeSelector? {
        guard !topologies.isEmpty else { return nil }
        return NodeSelector(
            topologies.map { term in
                NodeSelectorTerm(
                    labels: term.matchLabelExpressions.compactMap { expression in
                        try? LabelRequirement(expression.key, .in, expression.values)
                    })
            })
    }
}
