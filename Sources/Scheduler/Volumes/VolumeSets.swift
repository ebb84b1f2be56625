import API
import APIMachinery
import Client
import Synchronization

/// The live sets from which a pod's volumes are judged.
final class VolumeSets: Sendable {
    let claims: any ObjectSet
    let volumes: any ObjectSet
    private let classes: any ObjectSet
    private let drivers: any ObjectSet
    private let capacities: any ObjectSet
    private let csiNodes: any ObjectSet
    private let attachments: any ObjectSet
    private let offers = Mutex(VolumeOffers())
    private let known = Mutex(KnownAttachments())

    init(_ client: any Client) async throws(Status) {
        claims = try await client.observe(PersistentVolumeClaim.self)
        volumes = try await client.observe(PersistentVolume.self)
        classes = try await client.observe(StorageClass.self)
        drivers = try await client.observe(CSIDriver.self)
        capacities = try await client.observe(CSIStorageCapacity.self)
        csiNodes = try await client.observe(CSINode.self)
        attachments = try await client.observe(VolumeAttachment.self)
    }

    /// Follows the sets, and calls `changed` after each change.
    func observe(_ changed: @escaping @Sendable () -> Void) -> [any Observation] {
        let ofVolumes = volumes.observe { [self] change in
            let volume = change.new.map { PersistentVolume($0) }
            _ = offers.withLock { $0.set(change.name.name, volume) }
            changed()
        }
        let ofAttachments = attachments.observe { [self] change in
            let attachment = change.new.map { VolumeAttachment($0) }
            known.withLock { $0.set(change.name.name, attachment) }
            changed()
        }
        return [ofVolumes, ofAttachments]
            + [claims, classes, drivers, capacities, csiNodes].map { set in set.observe { _ in changed() } }
    }

    func facts(of pod: PodFacts) -> VolumeFacts {
        guard !pod.claims.isEmpty else { return VolumeFacts() }
        var facts = VolumeFacts()
        for (short, isEphemeral) in pod.claims {
            let name = ObjectName(namespace: pod.name.namespace, name: short)
            facts.claims.append((short, judge(name, isEphemeral)))
            guard let claim = claims.get(PersistentVolumeClaim.self, name) else { continue }
            if claim.spec.accessModes.contains("ReadWriteOncePod") { facts.exclusive.append(name) }
            if !claim.spec.volumeName.isEmpty,
                let volume = volumes.get(ObjectName(name: claim.spec.volumeName))
            {
                facts.zones += VolumeZoneFilter.zones(of: volume.labels)
            }
            if let attachment = attachment(of: name) { facts.attachments.append(attachment) }
        }
        facts.knowledge = self
        return facts
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
        if options.isProvisioned, options.selectedNode == nil { options.room = room(for: claim, storageClass) }
        return options
    }

    /// What the driver says of the room that it has, if it does (`CSIDriver.spec.storageCapacity`).
    private func room(for claim: PersistentVolumeClaim, _ storageClass: StorageClass) -> VolumeFacts.Options.Room? {
        let driver = drivers.get(CSIDriver.self, ObjectName(name: storageClass.provisioner))
        guard driver?.value.at("spec", "storageCapacity")?.bool == true else { return nil }
        let places = capacities.list(namespace: nil).map { CSIStorageCapacity($0) }
            .filter { $0.storageClassName == storageClass.metadata.name }
            .compactMap { capacity -> (nodes: LabelSelector, largest: Int64)? in
                guard let text = capacity.maximumVolumeSize ?? capacity.capacity,
                    let largest = try? Quantity(text)
                else { return nil }
                return (Selectors.reading(capacity.value["nodeTopology"]), largest.value)
            }
        let wanted = claim.spec.resources.requests["storage"].flatMap { try? Quantity($0) }?.value ?? 0
        return VolumeFacts.Options.Room(wanted: wanted, places: places)
    }

    /// The nodes that reach a volume; `nil` for all. A rule that cannot be read excludes every node.
    private func nodes(of volume: PersistentVolume) -> NodeSelector? {
        guard let required = volume.value.at("spec", "nodeAffinity", "required") else { return nil }
        return NodeSelector(stored: required)
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

extension VolumeSets: VolumeKnowledge {
    func attachment(of name: ObjectName) -> VolumeAttachmentFacts? {
        guard let claim = claims.get(name) else { return nil }
        if let entry = known.withLock({ $0.claims[name] }), entry.claimRevision == claim.revision,
            entry.volume.map({ volumes.get(ObjectName(name: $0))?.revision == entry.volumeRevision }) ?? true
        {
            return entry.facts
        }
        let entry = resolve(PersistentVolumeClaim(claim), claim.revision)
        known.withLock { $0.remember(entry, name) }
        return entry.facts
    }

    private func resolve(_ claim: PersistentVolumeClaim, _ revision: Int64) -> KnownAttachments.Entry {
        var entry = KnownAttachments.Entry(claimRevision: revision)
        if claim.spec.volumeName.isEmpty {
            // It will be one of its class's driver.
            let storageClass = classes.get(StorageClass.self, ObjectName(name: claim.className))
            if let driver = storageClass?.provisioner, driver != StorageClass.noProvisioner {
                let handle = claim.metadata.namespace + "/" + claim.metadata.name
                entry.facts = VolumeAttachmentFacts(driver: driver, handle: handle)
            }
        } else if let volume = volumes.get(ObjectName(name: claim.spec.volumeName)) {
            (entry.volume, entry.volumeRevision) = (volume.name, volume.revision)
            entry.facts = VolumeAttachmentFacts(volume: volume.value)
        }
        return entry
    }

    func limits(of node: String) -> [String: Int] {
        guard let object = csiNodes.get(ObjectName(name: node)) else { return [:] }
        if let entry = known.withLock({ $0.limits[node] }), entry.revision == object.revision { return entry.limits }
        var limits: [String: Int] = [:]
        for driver in object.value.at("spec", "drivers")?.array ?? [] {
            guard let name = driver["name"]?.string, let count = driver.at("allocatable", "count")?.integer
            else { continue }
            limits[name] = Int(Int32(clamping: count))
        }
        known.withLock { $0.limits[node] = (object.revision, limits) }
        return limits
    }

    func attached(to node: String) -> [VolumeAttachmentFacts] {
        known.withLock { $0.volumes(on: node) }.compactMap { name in
            volumes.get(ObjectName(name: name)).flatMap { VolumeAttachmentFacts(volume: $0.value) }
        }
    }
}
